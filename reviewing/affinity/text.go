package affinity

import (
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"keping/rbac/naming"
)

// fold writes full-width letters, digits and signs as half-width ones, letters
// in lower case, composed and simplified, and one blank for several.
func fold(text string) string {
	text = strings.Map(func(r rune) rune { return unicode.ToLower(naming.Simplified(r)) }, norm.NFKC.String(text))
	return strings.Join(strings.Fields(text), " ")
}

// spelt tells whether a character is one of those that make words without
// blanks between: a letter or digit, not Han.
func spelt(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsDigit(r)) && !unicode.Is(unicode.Han, r)
}

// whole tells whether what a text has between two places is no part of a longer
// word.
func whole(text string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:from])
	first, _ := utf8.DecodeRuneInString(text[from:to])
	last, _ := utf8.DecodeLastRuneInString(text[from:to])
	after, _ := utf8.DecodeRuneInString(text[to:])
	return !(spelt(before) && spelt(first)) && !(spelt(last) && spelt(after))
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
