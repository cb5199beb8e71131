package assign

import (
	"cmp"
	"math"
	"math/big"
	"math/bits"
	"regexp"
	"strings"
)

// Sum is a total of affinities in units of 1e-9: half a million seats of
// 9,000,000 do not fit into 64 bits, so it is high × 2⁶⁴ + low.
type Sum struct {
	high int64
	low  uint64
}

// SumOf makes a sum of one number.
func SumOf(x int64) Sum { return Sum{x >> 63, uint64(x)} }

// Add is s + x.
func (s Sum) Add(x int64) Sum { return s.plus(SumOf(x)) }

// AddTimes is s + n·x, n ≥ 0.
func (s Sum) AddTimes(n int, x int64) Sum {
	high, low := bits.Mul64(uint64(n), uint64(x))
	return s.plus(Sum{int64(high) + int64(n)*(x>>63), low})
}

func (s Sum) plus(o Sum) Sum {
	low, carry := bits.Add64(s.low, o.low, 0)
	return Sum{s.high + o.high + int64(carry), low}
}

// Cmp is −1, 0 or 1 as s is less than, equal to or greater than o.
func (s Sum) Cmp(o Sum) int {
	if c := cmp.Compare(s.high, o.high); c != 0 {
		return c
	}
	return cmp.Compare(s.low, o.low)
}

// int is a sum that is known to fit.
func (s Sum) int() int64 { return int64(s.low) }

// Big is s as a big integer.
func (s Sum) Big() *big.Int {
	x := new(big.Int).Lsh(big.NewInt(s.high), 64)
	return x.Add(x, new(big.Int).SetUint64(s.low))
}

// sumOfBig is the sum of a big integer within ±2¹²⁶.
func sumOfBig(x *big.Int) Sum {
	high := new(big.Int).Rsh(x, 64)
	low := new(big.Int).Sub(x, new(big.Int).Lsh(high, 64))
	return Sum{high.Int64(), low.Uint64()}
}

// minus is s − o, rounded to a float.
func (s Sum) minus(o Sum) float64 {
	low, borrow := bits.Sub64(s.low, o.low, 0)
	return float64(float64(s.high-o.high-int64(borrow))*(1<<64)) + float64(low)
}

// String is the decimal number of units of 1.
func (s Sum) String() string { return Decimal(s.Big()) }

// Decimal writes an integer of 1e-9 as a number, without needless zeros.
func Decimal(x *big.Int) string {
	text := new(big.Int).Abs(x).String()
	if len(text) < 10 {
		text = strings.Repeat("0", 10-len(text)) + text
	}
	at := len(text) - 9
	text = strings.TrimRight(text[:at]+"."+text[at:], "0")
	text = strings.TrimSuffix(text, ".")
	if x.Sign() < 0 {
		return "-" + text
	}
	return text
}

var decimalForm = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE]([+-]?\d{1,4}))?$`)

// ParseDecimal reads a decimal number, with or without an exponent, as an
// integer of 1e-9, half away from zero; false if it is none, is negative or
// above 9,000,000.
func ParseDecimal(text string) (int64, bool) { return parseDecimal(text, MaxAffinity) }

// ParseFloor reads what every application is to reach, which may be as much as
// its seats can hold, and says how much that is.
func (t *Task) ParseFloor(text string) (floor int64, most Sum, ok bool) {
	seats := 0
	for _, s := range t.Seats {
		seats = min(seats+s.Count, math.MaxInt64/MaxAffinity)
	}
	limit := int64(seats) * MaxAffinity
	floor, ok = parseDecimal(text, limit)
	return floor, SumOf(limit), ok
}

func parseDecimal(text string, most int64) (int64, bool) {
	if x, ok := plainDecimal(text); ok {
		return x, x <= most
	}
	if !decimalForm.MatchString(text) {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok || r.Sign() < 0 {
		return 0, false
	}
	r.Mul(r, new(big.Rat).SetInt64(Unit))
	if r.Cmp(new(big.Rat).SetInt64(most)) > 0 {
		return 0, false
	}
	half := r.Add(r, big.NewRat(1, 2))
	return new(big.Int).Quo(half.Num(), half.Denom()).Int64(), true
}

// plainDecimal reads what nearly every cell holds, such as 12.345, quickly:
// digits with at most one point and at most nine digits after it.
func plainDecimal(text string) (int64, bool) {
	x, point, digits := int64(0), -1, 0
	for k := range len(text) {
		switch c := text[k]; {
		case c == '.' && point < 0:
			point = digits
		case c >= '0' && c <= '9' && digits < 16:
			x = 10*x + int64(c-'0')
			digits++
		default:
			return 0, false
		}
	}
	if digits == 0 {
		return 0, false
	}
	places := 0
	if point >= 0 {
		places = digits - point
	}
	if places > 9 || digits-places > 8 {
		return 0, false
	}
	for ; places < 9; places++ {
		x *= 10
	}
	return x, true
}

// grid is ⌊⌊s/scale⌋/g⌋·g.
func (s Sum) grid(scale, g int64) Sum {
	if scale == 1 && g == 1 {
		return s
	}
	x, y := s.Big(), new(big.Int)
	x.DivMod(x, big.NewInt(scale), y)
	x.DivMod(x, big.NewInt(g), y)
	return sumOfBig(x.Mul(x, big.NewInt(g)))
}
