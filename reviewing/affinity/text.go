package affinity

import (
	"math/bits"
	"strings"
	"unicode"
)

// fold writes full-width letters, digits and signs as half-width ones, and
// everything in lower case.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～':
			r -= '！' - '!'
		case r == '\u3000':
			r = ' '
		}
		return unicode.ToLower(r)
	}, text)
}

// grams tells the n-grams and words of a text in lower case.
func grams(text string, each func(gram string)) {
	text = fold(text)
	var run []int // where its characters begin, and its end
	han := false
	end := func() {
		switch n := len(run) - 1; {
		case !han && n >= 2:
			each(text[run[0]:run[n]])
		case han:
			for at := 0; at+2 <= n; at++ {
				each(text[run[at]:run[at+2]])
				if at+3 <= n {
					each(text[run[at]:run[at+3]])
				}
			}
		}
		run = run[:0]
	}
	for at, r := range text {
		isHan := unicode.Is(unicode.Han, r)
		word := isHan || unicode.IsLetter(r) || unicode.IsDigit(r)
		if len(run) > 0 && (!word || isHan != han) {
			run = append(run, at)
			end()
		}
		if word {
			han = isHan
			run = append(run, at)
		}
	}
	if len(run) > 0 {
		run = append(run, len(text))
		end()
	}
}

// unit is 1 in fixed point.
const unit = 1024

// log2 in fixed point, rounded down; 0 of 0.
func log2(x int64) int64 {
	if x < 1 {
		return 0
	}
	whole := bits.Len64(uint64(x)) - 1
	fraction := uint64(x) << (62 - whole) >> 31 // 1 ≤ fraction/2³¹ < 2
	out := int64(whole)
	for range 10 {
		fraction = fraction * fraction >> 31
		out <<= 1
		if fraction >= 1<<32 {
			fraction >>= 1
			out++
		}
	}
	return out
}

// root is the integer square root, rounded down.
func root(x uint64) uint64 {
	if x == 0 {
		return 0
	}
	r := uint64(1) << ((bits.Len64(x) + 1) / 2)
	for {
		next := (r + x/r) / 2
		if next >= r {
			return r
		}
		r = next
	}
}
