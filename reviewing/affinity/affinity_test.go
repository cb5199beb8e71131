package affinity

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/reviewing/chance"
)

var (
	even  = Weights{4000, 3000, 3000}
	only  = map[string]Weights{"fields": {Fields: Whole}, "keywords": {Keywords: Whole}, "text": {Text: Whole}}
	tests = []Application{
		{Fields: []string{"580.40"}, Title: "智能网联汽车域控制器关键技术研究", Abstract: "面向智能网联汽车，研究域控制器架构、车载以太网与功能安全，完成样车验证。"},
		{Fields: []string{"320.27"}, Title: "肺结节早期筛查的影像诊断方法", Abstract: "基于CT影像研究肺结节自动检出与良恶性判别，在三家医院开展临床验证。"},
		{Fields: []string{"210.20"}, Title: "丘陵山地柑橘采摘机械", Abstract: "研究丘陵山地柑橘采摘末端执行器与底盘，提高采摘效率。"},
	}
	people = []Expert{
		{Fields: []string{"580.4010"}, Keywords: []string{"智能网联汽车", "域控制器"}, Works: []string{"新能源汽车整车控制器开发\n研究整车控制器与功能安全，完成样车验证。"}},
		{Fields: []string{"320.24", "320.27"}, Keywords: []string{"肺结节", "ＣＴ"}, Works: []string{"胸部影像辅助诊断系统\n基于CT影像研究肺炎自动检出，在医院开展临床验证。"}},
		{Fields: []string{"580.10"}},
		{},
	}
)

func corpus(t testing.TB, a []Application, e []Expert, w Weights) *Corpus {
	t.Helper()
	c, err := New(a, e, w)
	require.NoError(t, err)
	return c
}

func TestFields(t *testing.T) {
	for _, c := range []struct {
		a, b []string
		want int
	}{
		{[]string{"520"}, []string{"510"}, 0}, {[]string{"520"}, []string{"520"}, 5000}, {[]string{"520"}, []string{"520.20"}, 5000},
		{[]string{"520.20"}, []string{"520.10"}, 5000}, {[]string{"520.20"}, []string{"520.20"}, 8000}, {[]string{"520.20"}, []string{"520.2010"}, 8000},
		{[]string{"520.2010"}, []string{"520.2010"}, 10000}, {[]string{"510", "520.2010"}, []string{"520.2020", "510.10"}, 8000},
		{[]string{"520"}, nil, unregistered},
	} {
		a, err := fieldsOf("", 0, c.a)
		require.NoError(t, err)
		b, err := fieldsOf("", 0, c.b)
		require.NoError(t, err)
		assert.Equal(t, c.want, closest(a, b), "%v %v", c.a, c.b)
		if c.b != nil {
			assert.Equal(t, c.want, closest(b, a), "%v %v", c.b, c.a)
		}
	}
	assert.Equal(t, wanting, closest(nil, []string{"520"}))
}

// TestWritten in other ways: what is the same word, and what is not.
func TestWritten(t *testing.T) {
	for _, c := range []struct {
		title, keyword string
		meets          bool
	}{
		{"電池熱管理", "电池", true}, {"电池", "電池", true}, {"MAINTENANCE of railway", "AI", false}, {"AI与铁路", "ai", true},
		{"machine  learning", "Machine Learning", true}, {"Café研究", "cafe\u0301", true}, {"5G通信", "5G", true}, {"15G通信", "5G", false}, {"铁路AI2代", "AI", false},
	} {
		x := corpus(t, []Application{{Title: c.title}, {}}, []Expert{{Keywords: []string{c.keyword}}, {}}, even).Explain(0, []int{0})[0]
		assert.Equal(t, c.meets, len(x.Shared) > 0, "%s in %s", c.keyword, c.title)
	}
}

// TestKeywords by hand: of four documents one keyword is in two (rarity 1), one
// in one (rarity 2); half is at log2 4 = 2.
func TestKeywords(t *testing.T) {
	c := corpus(t, []Application{{Title: "电池热管理"}, {Title: "ＢＭＳ", Keywords: []string{" 电池 "}}}, []Expert{{Keywords: []string{"热管理"}}, {Keywords: []string{"bms", "储能", "BMS"}}}, only["keywords"])
	assert.Equal(t, []int{10000 * 1024 / (1024 + 2048), 0}, c.Row(0), "热管理 is in one title and one list: rarity 1")
	assert.Equal(t, []int{0, 3333}, c.Row(1))
	c = corpus(t, []Application{{Title: "甲"}, {}}, []Expert{{Keywords: []string{"甲"}}, {}}, only["keywords"])
	assert.Equal(t, []int{3333, 3333}, c.Row(0), "one character; the other has none and gets the mean")
}

// TestText by hand: one gram in common.
func TestText(t *testing.T) {
	same := Expert{Works: []string{"电池管理"}}
	c := corpus(t, []Application{{Title: "电池管理"}, {Title: "桥梁"}, {Title: "水稻"}}, []Expert{same, {Works: []string{"桥梁，电池"}}, {Works: []string{"，。！"}}}, only["text"])
	row := c.Row(0)
	assert.InDelta(t, Whole, row[0], 2, "the same text, up to rounding")
	assert.Greater(t, row[0], row[1])
	assert.Greater(t, row[1], 0)
	assert.Equal(t, (row[0]+row[1])/2, row[2], "who has no text gets the mean")
	// 桥梁 is in two of six texts, 电池 in three: log2 3 and 1.
	assert.InDelta(t, Whole*math.Sqrt(math.Log2(3)/math.Hypot(math.Log2(3), 1)), float64(c.Row(1)[1]), 60)
}

// TestSuits: who works in the field comes first, and is told why.
func TestSuits(t *testing.T) {
	c := corpus(t, tests, people, even)
	vehicle, lung := c.Row(0), c.Row(1)
	assert.Equal(t, 0, slices.Index(vehicle, slices.Max(vehicle)))
	assert.Equal(t, 1, slices.Index(lung, slices.Max(lung)))
	x := c.Explain(0, []int{0, 2, 3})
	assert.Regexp(t, "^二级学科相同；共同关键词：域控制器、智能网联汽车；与其关键词和以往项目的文字相似0.[0-9]{2}。$", x[0].Said)
	assert.Regexp(t, "^一级学科相同；专家未登记关键词，按其他专家的平均0.[0-9]{2}计；专家未登记文字，按其他专家的平均0.[0-9]{2}计。$", x[1].Said)
	assert.Regexp(t, "^专家未登记学科，按其他专家的平均", x[2].Said)
	bare := corpus(t, []Application{{Title: "电池"}}, []Expert{{Fields: []string{"520"}, Works: []string{"电池"}}}, even).Explain(0, []int{0})[0]
	assert.Equal(t, "项目未列学科；专家未登记关键词，按其他专家的平均0.00计；与其关键词和以往项目的文字相似0.00。", bare.Said, "a gram that all have tells nothing")
	assert.True(t, bare.Text.Given)
	assert.Contains(t, c.Explain(1, []int{1})[0].Shared, "ct", "full width and capitals are the same")
	assert.Contains(t, c.Explain(2, []int{0})[0].Said, "学科不同；没有共同关键词")
}

// TestAgree: Explain is Row's, on every pair of generated reviews; values are in
// range; the order of applications, experts, keywords and works changes nothing.
func TestAgree(t *testing.T) {
	for seed := range uint64(30) {
		a, e := review(seed, 12, 17, 60)
		c := corpus(t, a, e, even)
		backwards := corpus(t, reversed(a), reversed(e), even)
		all := make([]int, len(e))
		for j := range all {
			all[j] = j
		}
		for i := range a {
			row := c.Row(i)
			for j, x := range c.Explain(i, all) {
				assert.Equal(t, row[j], x.Affinity)
				for _, p := range []Part{x.Fields, x.Keywords, x.Text} {
					assert.True(t, 0 <= p.Value && p.Value <= Whole)
				}
			}
			assert.Equal(t, row, reversed(backwards.Row(len(a)-1-i)))
		}
	}
}

func reversed[T any](list []T) []T {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

func TestRefused(t *testing.T) {
	_, err := New(nil, nil, Weights{5000, 5000, 1})
	assert.ErrorContains(t, err, "合计10000")
	_, err = New(nil, nil, Weights{-1, 5001, 5000})
	assert.Error(t, err)
	_, err = New([]Application{{}, {Fields: []string{"52.020"}}}, nil, even)
	assert.ErrorContains(t, err, "第2个项目的学科代码“52.020”")
	_, err = New(nil, []Expert{{Fields: []string{"计算机"}}}, even)
	assert.ErrorContains(t, err, "第1名专家")
	c := corpus(t, []Application{{}}, nil, even)
	assert.Empty(t, c.Row(0))
	c = corpus(t, []Application{{}}, []Expert{{}}, even)
	assert.Equal(t, []int{0}, c.Row(0))
}

func TestLog2AndRoot(t *testing.T) {
	for x := int64(1); x < 100000; x += 1 + x/7 {
		assert.InDelta(t, math.Log2(float64(x))*unit, float64(log2(x)), 1.001, x)
	}
	assert.Equal(t, int64(62*unit), log2(1<<62))
	for _, x := range []uint64{0, 1, 2, 3, 4, 15, 16, 17, 1<<40 - 1, 1 << 62, math.MaxUint64 / 2} {
		r := root(x)
		assert.LessOrEqual(t, r*r, x)
		assert.Greater(t, (r+1)*(r+1), x)
	}
}

// TestExtremes: the longest texts there may be do not run over.
func TestExtremes(t *testing.T) {
	a, e := review(1, 1, 3, 400000)
	e[0].Works = []string{a[0].Title + "。" + a[0].Title + "。" + a[0].Abstract}
	c := corpus(t, append(a, make([]Application, 5)...), e, only["text"])
	assert.InDelta(t, Whole, c.Row(0)[0], 5)
}

// review is a generated one: titles of 12 and abstracts of so many characters of
// 400 Han characters, the commoner the lower, in words of two to four.
func review(seed uint64, applications, experts, length int) ([]Application, []Expert) {
	random := chance.New(seed)
	text := func(n int) string {
		var out strings.Builder
		for out.Len() < 3*n {
			for range 2 + random.Below(3) {
				out.WriteRune(rune(0x4e00 + random.Below(1+random.Below(400))))
			}
			if random.Below(6) == 0 {
				out.WriteString("，")
			}
		}
		return out.String()
	}
	field := func() string { return fmt.Sprintf("%d.%d0", 510+random.Below(5)*10, 1+random.Below(4)) }
	words := make([]string, 60)
	for k := range words {
		words[k] = text(3)
	}
	var a []Application
	for range applications {
		a = append(a, Application{Fields: []string{field()}, Title: text(9) + words[random.Below(60)], Abstract: text(length)})
	}
	var e []Expert
	for j := range experts {
		x := Expert{Fields: []string{field(), field()}, Keywords: []string{words[random.Below(60)], words[random.Below(60)]}, Works: []string{text(length), text(length)}}
		switch j % 7 {
		case 5:
			x.Works = nil
		case 6:
			x.Keywords = nil
		}
		e = append(e, x)
	}
	return a, e
}

// FuzzGrams: whatever stands in a text, a gram is of letters and digits only.
func FuzzGrams(f *testing.F) {
	f.Add("智能网联汽车（V2X），第1代。")
	f.Add("\xff\xfe中\x80文 abc")
	f.Fuzz(func(t *testing.T, text string) {
		grams(text, func(g string) {
			for _, r := range g {
				if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
					t.Fatalf("%q in %q", g, text)
				}
			}
		})
		c, err := New([]Application{{Title: text}}, []Expert{{Keywords: []string{text}, Works: []string{text}}, {}}, even)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range c.Row(0) {
			if x < 0 || x > Whole {
				t.Fatal(x)
			}
		}
	})
}

func BenchmarkYear(b *testing.B) {
	for _, size := range [][2]int{{200, 300}, {1000, 3000}} {
		a, e := review(1, size[0], size[1], 500)
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				c := corpus(b, a, e, even)
				for i := range a {
					c.Row(i)
				}
			}
		})
	}
}
