// Package chance is the source of numbers of everything that samples: a stream
// that only its seed decides, the same on every machine and for ever.
package chance

import (
	"math"
	"math/bits"
)

// Generator names the source of chance, fixed for ever: xoshiro256** (Blackman
// and Vigna 2018) with its state filled by SplitMix64 from the seed, and normal
// numbers by the ziggurat of Marsaglia and Tsang (2000) in Doornik's form
// (2005) with 128 layers.
const Generator = "xoshiro256**/splitmix64, ziggurat-128"

// Stream is a stream of numbers that only the seed decides.
type Stream [4]uint64

// New begins a stream.
func New(seed uint64) *Stream {
	var c Stream
	for i := range c {
		seed += 0x9e3779b97f4a7c15
		z := seed
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		c[i] = z ^ z>>31
	}
	return &c
}

// Next is any 64 bits.
func (c *Stream) Next() uint64 {
	out := bits.RotateLeft64(c[1]*5, 7) * 9
	t := c[1] << 17
	c[2] ^= c[0]
	c[3] ^= c[1]
	c[1] ^= c[2]
	c[0] ^= c[3]
	c[2] ^= t
	c[3] = bits.RotateLeft64(c[3], 45)
	return out
}

// Uniform is in (0, 1).
func (c *Stream) Uniform() float64 { return (float64(c.Next()>>11) + 0.5) / (1 << 53) }

// Below is one of n numbers from 0, n ≥ 1, each as likely as the others within
// n ÷ 2⁶⁴.
func (c *Stream) Below(n int) int { return int(c.Next() % uint64(n)) }

// Sign is 1 or −1.
func (c *Stream) Sign() float64 { return float64(int64(c.Next()>>63))*2 - 1 }

const (
	layers = 128
	tail   = 3.442619855899
	area   = 9.91256303526217e-3 // of each layer
)

// ziggurat holds the layers' right edges and the share of each that lies
// inside the next.
var ziggurat = func() (z struct{ x, inside [layers + 1]float64 }) {
	f := math.Exp(-tail * tail / 2)
	z.x[0], z.x[1] = area/f, tail
	for i := 2; i < layers; i++ {
		z.x[i] = math.Sqrt(-2 * math.Log(area/z.x[i-1]+f))
		f = math.Exp(-z.x[i] * z.x[i] / 2)
	}
	for i := range layers {
		z.inside[i] = z.x[i+1] / z.x[i]
	}
	return z
}()

// Normal is a standard normal number.
func (c *Stream) Normal() float64 {
	for {
		drawn := c.Next()
		i := int(drawn & (layers - 1))
		u := float64(int64(drawn)>>11) / (1 << 52) // in [−1, 1)
		if math.Abs(u) < ziggurat.inside[i] {
			return u * ziggurat.x[i]
		}
		if i == 0 {
			for {
				x, y := math.Log(c.Uniform())/tail, math.Log(c.Uniform())
				if -2*y >= x*x {
					return math.Copysign(tail-x, u)
				}
			}
		}
		x := u * ziggurat.x[i]
		upper, lower := math.Exp(-(ziggurat.x[i]*ziggurat.x[i]-x*x)/2), math.Exp(-(ziggurat.x[i+1]*ziggurat.x[i+1]-x*x)/2)
		if lower+c.Uniform()*(upper-lower) < 1 {
			return x
		}
	}
}
