package reviewing

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMoney(t *testing.T) {
	for fen, want := range map[int][2]string{
		20000000: {"20", "20.00"}, 20500000: {"20.5", "20.50"}, 123: {"0.000123", "0.000123"}, 0: {"0", "0.00"},
		-1500000: {"-1.5", "-1.50"}, -1: {"-0.000001", "-0.000001"},
	} {
		assert.Equal(t, want, [2]string{Wan(fen), WanColumn(fen)}, fen)
	}
	sum := 0
	for range 2000 {
		sum = AddFen(sum, MaxFen)
	}
	assert.Equal(t, maxSum, sum, "a sum that large stays large")
}

// TestScheduleFault: whatever is put into it, a schedule that does not pay the
// list is told from one that does.
func TestScheduleFault(t *testing.T) {
	l := AwardList{Lines: []Line{{ApplicationID: "a", Number: "001", Choice: "proposed", FiscalFen: 300}, {ApplicationID: "b", Number: "002", Choice: "reserve", FiscalFen: 300}}}
	pay := func(app string, year, stage, fen int) Payment { return Payment{app, year, stage, fen} }
	huge := []Payment{pay("a", 2025, 1, math.MaxInt), pay("a", 2025, 2, math.MaxInt), pay("a", 2025, 3, 302)} // wraps to 300 in 64 bits
	for what, c := range map[string]struct {
		schedule []Payment
		fault    string
	}{
		"whole":            {[]Payment{pay("a", 2025, 1, 200), pay("a", 2026, 2, 100)}, ""},
		"any order":        {[]Payment{pay("a", 2026, 2, 100), pay("a", 2025, 1, 200)}, ""},
		"nothing":          {nil, "“001”各次拨付合计0万元"},
		"short":            {[]Payment{pay("a", 2025, 1, 200)}, "“001”各次拨付合计"},
		"twice":            {[]Payment{pay("a", 2025, 1, 200), pay("a", 2026, 1, 100)}, "第2行：“001”第1次拨付重复"},
		"a gap":            {[]Payment{pay("a", 2025, 1, 200), pay("a", 2026, 3, 100)}, "缺第2次"},
		"years run back":   {[]Payment{pay("a", 2026, 1, 200), pay("a", 2025, 2, 100)}, "早于第1次"},
		"a reserve line":   {[]Payment{pay("a", 2025, 1, 300), pay("b", 2025, 1, 300)}, "第2行的项目不在"},
		"more than wraps":  {huge, "“001”各次拨付合计"},
		"an unknown line":  {[]Payment{pay("c", 2025, 1, 300)}, "第1行的项目不在"},
		"an empty address": {[]Payment{pay("", 2025, 1, 300)}, "第1行的项目不在"},
	} {
		if got := l.ScheduleFault(c.schedule); c.fault == "" {
			assert.Empty(t, got, what)
		} else {
			assert.Contains(t, got, c.fault, what)
		}
	}
}
