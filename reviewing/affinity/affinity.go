// Package affinity tells how well each expert of a review suits each of its
// applications, from what both have registered, without a model from outside:
// 0 to 10000, in integers, the same bytes everywhere, and explained.
//
// Fields. GB/T 13745 codes have up to three levels (520, 520.20, 520.2010). The
// part is that of the closest pair: no level in common 0, the first 5000, two
// 8000, all three 10000. A code of fewer levels counts by those it has.
//
// Keywords. An expert's keyword meets an application that has it among its own
// or whose title or abstract contains it, of words in letters not as a part of a
// longer one. Its rarity is log2(N/df) over the N
// applications and experts of the review, of which df have it. With m the sum
// of the rarities met and h the greatest a keyword can have, the part is
// 10000·m/(m+h): one keyword that nobody else has gives 5000, and more give
// more, however many the expert lists.
//
// Text. N-grams of two and three Han characters, never across anything else,
// and words of other letters and digits; of an application its
// title counted twice and its abstract, of an expert the works and keywords. A
// gram weighs (1 + log2 of its count) · log2(N/df), nothing where more than half
// of all have it; the part is the root of the cosine of the two texts, for long
// texts share few grams even on one subject.
//
// Width, case, several blanks and traditional letters make no difference. What
// an expert has not registered is no merit and no fault: the part is then the
// mean of the experts who have, for this application; where the application has
// nothing, or nobody has, it is 0 for all. The affinity is the weighted sum,
// rounded half up.
//
// Complexity: New reads every text once; Row costs the postings of the
// application's grams. Source: Salton and Buckley 1988 (tf-idf).
package affinity

import (
	"cmp"
	"fmt"
	"math/bits"
	"regexp"
	"slices"
	"strings"
)

// Application is what an application says of itself.
type Application struct {
	Fields   []string `json:"fields"`
	Keywords []string `json:"keywords"`
	Title    string   `json:"title"`
	Abstract string   `json:"abstract"`
}

// Expert is what is registered of an expert; works are titles and summaries.
type Expert struct {
	Fields   []string `json:"fields"`
	Keywords []string `json:"keywords"`
	Works    []string `json:"works"`
}

// Weights of the parts, together Whole.
type Weights struct {
	Fields   int `json:"fields"`
	Keywords int `json:"keywords"`
	Text     int `json:"text"`
}

// Whole is the greatest affinity and the sum of the weights.
const Whole = 10000

// levels is the value of so many levels of a code in common.
var levels = [...]int{0, 5000, 8000, Whole}

// Part is one part of an affinity.
type Part struct {
	Value  int  `json:"value" doc:"0至10000"`
	Weight int  `json:"weight"`
	Given  bool `json:"given" doc:"双方都已登记；专家未登记的按其他专家的平均计，项目未登记的为0"`
}

// Explanation is an affinity with its parts and why.
type Explanation struct {
	Affinity int      `json:"affinity" doc:"匹配度，0至10000"`
	Fields   Part     `json:"fields"`
	Keywords Part     `json:"keywords"`
	Text     Part     `json:"text"`
	Shared   []string `json:"shared" doc:"共同的关键词"`
	Said     string   `json:"said"`
}

// Corpus is the applications and experts of a review.
type Corpus struct {
	weights      Weights
	applications []application
	experts      []expert
	half         int64       // the rarity at which one keyword makes half
	rarity       []int64     // by keyword
	words        []string    // by keyword
	postings     [][]posting // experts by gram
}

type application struct {
	fields   []string // digits
	keywords []int    // met, ascending
	grams    []gram
	norm     uint64
}

type expert struct {
	fields   []string
	keywords []int // own, ascending
	written  bool  // has any gram
	norm     uint64
}

// A part of a pair that has no value.
const (
	unregistered = -1 // by the expert
	wanting      = -2 // the application has nothing to compare with
)

type gram struct {
	id, weight int32 // the weight is first its count
}

type posting struct {
	expert, weight int32
}

var code = regexp.MustCompile(`^[0-9]{3}(\.?[0-9]{2}([0-9]{2})?)?$`)

// fieldsOf are codes as digits; the error names the one that is none.
func fieldsOf(whose string, i int, codes []string) ([]string, error) {
	var out []string
	for _, c := range codes {
		if !code.MatchString(c) {
			return nil, fmt.Errorf("第%d%s的学科代码“%s”不是GB/T 13745代码", i+1, whose, c)
		}
		out = append(out, strings.ReplaceAll(c, ".", ""))
	}
	return out, nil
}

// New reads a review. The error names the application or expert whose field is
// no code, or weights that are not of a whole.
func New(applications []Application, experts []Expert, w Weights) (*Corpus, error) {
	if w.Fields < 0 || w.Keywords < 0 || w.Text < 0 || w.Fields+w.Keywords+w.Text != Whole {
		return nil, fmt.Errorf("权重%d、%d、%d应不为负，合计%d", w.Fields, w.Keywords, w.Text, Whole)
	}
	c := &Corpus{weights: w, applications: make([]application, len(applications)), experts: make([]expert, len(experts))}
	var err error
	for i, a := range applications {
		if c.applications[i].fields, err = fieldsOf("个项目", i, a.Fields); err != nil {
			return nil, err
		}
	}
	for j, e := range experts {
		if c.experts[j].fields, err = fieldsOf("名专家", j, e.Fields); err != nil {
			return nil, err
		}
	}
	c.readKeywords(applications, experts)
	c.readTexts(applications, experts)
	return c, nil
}

func (c *Corpus) readKeywords(applications []Application, experts []Expert) {
	ids := map[string]int{}
	for j, e := range experts {
		for _, k := range e.Keywords {
			if k = fold(k); k == "" {
				continue
			}
			id, seen := ids[k]
			if !seen {
				id = len(c.words)
				ids[k], c.words = id, append(c.words, k)
			}
			c.experts[j].keywords = append(c.experts[j].keywords, id)
		}
		slices.Sort(c.experts[j].keywords)
		c.experts[j].keywords = slices.Compact(c.experts[j].keywords)
	}
	lengths := map[string][]int{} // of keywords, by their first two characters or the only one
	for _, word := range c.words {
		head := first(word)
		lengths[head] = append(lengths[head], len(word))
	}
	for head, list := range lengths {
		slices.Sort(list)
		lengths[head] = slices.Compact(list)
	}
	df := make([]int64, len(c.words))
	for i, a := range applications {
		met := map[int]bool{}
		for _, k := range a.Keywords {
			if id, ok := ids[fold(k)]; ok {
				met[id] = true
			}
		}
		for _, text := range []string{fold(a.Title), fold(a.Abstract)} {
			for at := range text {
				rest := text[at:]
				for _, head := range []string{first(rest), single(rest)} {
					for _, n := range lengths[head] {
						if n > len(rest) {
							break
						}
						if id, ok := ids[rest[:n]]; ok && whole(text, at, at+n) {
							met[id] = true
						}
					}
				}
			}
		}
		for id := range met {
			c.applications[i].keywords = append(c.applications[i].keywords, id)
			df[id]++
		}
		slices.Sort(c.applications[i].keywords)
	}
	for _, e := range c.experts {
		for _, id := range e.keywords {
			df[id]++
		}
	}
	n := log2(int64(len(applications) + len(experts)))
	c.half = max(n, 1)
	c.rarity = make([]int64, len(df))
	for id, n1 := range df {
		c.rarity[id] = n - log2(n1)
	}
}

// first are the first two characters of a text, or its only one.
func first(text string) string {
	n := 0
	for at := range text {
		if n == 2 {
			return text[:at]
		}
		n++
	}
	return text
}

// single is a text that is one character, which first of a longer text is not.
func single(text string) string {
	for at := range text {
		if at > 0 {
			return text[:at]
		}
	}
	return ""
}

func (c *Corpus) readTexts(applications []Application, experts []Expert) {
	ids, df := map[string]int32{}, []int64{}
	var text []int32
	read := func(s string, times int) {
		grams(s, func(gram string) {
			id, seen := ids[gram]
			if !seen {
				id = int32(len(df))
				ids[gram], df = id, append(df, 0)
			}
			for range times {
				text = append(text, id)
			}
		})
	}
	texts := make([][]gram, 0, len(applications)+len(experts))
	end := func() {
		slices.Sort(text)
		var list []gram
		for _, id := range text {
			if n := len(list); n == 0 || list[n-1].id != id {
				list = append(list, gram{id: id})
				df[id]++
			}
			list[len(list)-1].weight++
		}
		texts, text = append(texts, list), text[:0]
	}
	for _, a := range applications {
		read(a.Title, 2)
		read(a.Abstract, 1)
		end()
	}
	for _, e := range experts {
		for _, s := range slices.Concat(e.Works, e.Keywords) {
			read(s, 1)
		}
		end()
	}
	n, idf := int64(len(texts)), make([]int64, len(df))
	for id, n1 := range df {
		if 2*n1 <= n {
			idf[id] = log2(n) - log2(n1)
		}
	}
	for i := range applications {
		c.applications[i].grams, c.applications[i].norm = texts[i], weigh(texts[i], idf)
	}
	c.postings = make([][]posting, len(df))
	for j := range experts {
		list := texts[len(applications)+j]
		c.experts[j].written, c.experts[j].norm = len(list) > 0, weigh(list, idf)
		for _, g := range list {
			if g.weight > 0 && df[g.id] > 1 { // what nobody else has meets nothing
				c.postings[g.id] = append(c.postings[g.id], posting{int32(j), g.weight})
			}
		}
	}
}

// weigh turns the counts of a text into weights and returns its norm times 64.
// Of a million grams in a corpus of a million none weighs 21·20·unit/32 < 2¹⁴ or
// more, so that sums of squares stay below 2⁴⁸, and below 2⁶⁰ times 64².
func weigh(list []gram, idf []int64) uint64 {
	sum := uint64(0)
	for at := range list {
		g := &list[at]
		g.weight = int32((unit + log2(int64(g.weight))) * idf[g.id] / (unit * 32))
		sum += uint64(g.weight) * uint64(g.weight)
	}
	return root(sum << 12)
}

// parts of an application with every expert, unregistered or wanting where
// there is nothing to compare.
func (c *Corpus) parts(i int) (fields, keywords, text []int) {
	a := &c.applications[i]
	fields, keywords, text = make([]int, len(c.experts)), make([]int, len(c.experts)), make([]int, len(c.experts))
	dot := make([]uint64, len(c.experts))
	for _, g := range a.grams {
		for _, p := range c.postings[g.id] {
			dot[p.expert] += uint64(g.weight) * uint64(p.weight)
		}
	}
	for j := range c.experts {
		e := &c.experts[j]
		fields[j], keywords[j], text[j] = closest(a.fields, e.fields), unregistered, unregistered
		if len(e.keywords) > 0 {
			met := int64(0)
			for _, id := range both(a.keywords, e.keywords) {
				met += c.rarity[id]
			}
			keywords[j] = int(Whole * met / (met + c.half))
		}
		switch {
		case len(a.grams) == 0:
			text[j] = wanting
		case !e.written:
		case a.norm == 0 || e.norm == 0: // of grams that tell nothing
			text[j] = 0
		default:
			high, low := bits.Mul64(dot[j]<<12, Whole*Whole)
			cosine := uint64(Whole * Whole)
			if norms := a.norm * e.norm; high < norms {
				cosine, _ = bits.Div64(high, low, norms)
			}
			text[j] = int(root(min(cosine, Whole*Whole)))
		}
	}
	return
}

// closest is the value of the closest pair of an application's and an expert's
// codes.
func closest(a, b []string) int {
	switch {
	case len(a) == 0:
		return wanting
	case len(b) == 0:
		return unregistered
	}
	best := 0
	for _, x := range a {
		for _, y := range b {
			shared := 0
			for _, end := range []int{3, 5, 7} {
				if len(x) >= end && len(y) >= end && x[:end] == y[:end] {
					shared++
				}
			}
			best = max(best, levels[shared])
		}
	}
	return best
}

// both are the common elements of two ascending lists.
func both(a, b []int) (out []int) {
	for x, y := 0, 0; x < len(a) && y < len(b); {
		switch {
		case a[x] < b[y]:
			x++
		case a[x] > b[y]:
			y++
		default:
			out = append(out, a[x])
			x, y = x+1, y+1
		}
	}
	return
}

// filled puts the mean of those who have registered in the place of the others.
// It returns the values as they were.
func filled(values []int) (before []int) {
	before = slices.Clone(values)
	sum, n := 0, 0
	for _, v := range values {
		if v >= 0 {
			sum, n = sum+v, n+1
		}
	}
	for j, v := range values {
		if v < 0 {
			values[j] = sum / max(n, 1)
		}
	}
	return before
}

func (c *Corpus) affinity(fields, keywords, text int) int {
	return (c.weights.Fields*fields + c.weights.Keywords*keywords + c.weights.Text*text + Whole/2) / Whole
}

// Row is the affinity of application i with every expert.
func (c *Corpus) Row(i int) []int {
	fields, keywords, text := c.parts(i)
	filled(fields)
	filled(keywords)
	filled(text)
	out := make([]int, len(c.experts))
	for j := range out {
		out[j] = c.affinity(fields[j], keywords[j], text[j])
	}
	return out
}

// Explain tells why experts suit application i as Row says, of the experts asked for.
func (c *Corpus) Explain(i int, experts []int) []Explanation {
	fields, keywords, text := c.parts(i)
	parts := [...]struct {
		values, before []int
		weight         int
	}{{fields, filled(fields), c.weights.Fields}, {keywords, filled(keywords), c.weights.Keywords}, {text, filled(text), c.weights.Text}}
	out := make([]Explanation, len(experts))
	for at, j := range experts {
		x := Explanation{Affinity: c.affinity(fields[j], keywords[j], text[j]), Shared: []string{}}
		for k, p := range []*Part{&x.Fields, &x.Keywords, &x.Text} {
			*p = Part{parts[k].values[j], parts[k].weight, parts[k].before[j] >= 0}
		}
		shared := both(c.applications[i].keywords, c.experts[j].keywords)
		slices.SortStableFunc(shared, func(a, b int) int {
			return cmp.Or(cmp.Compare(c.rarity[b], c.rarity[a]), cmp.Compare(c.words[a], c.words[b]))
		})
		for _, id := range shared {
			x.Shared = append(x.Shared, c.words[id])
		}
		x.Said = x.say(parts[0].before[j] == wanting, parts[2].before[j] == wanting)
		out[at] = x
	}
	return out
}

// say is the explanation in words, of an application that may have no field or
// no text.
func (x Explanation) say(noField, noText bool) string {
	share := func(v int) string { return fmt.Sprintf("%d.%02d", v/Whole, v%Whole/100) }
	part := func(p Part, wanting bool, name, said string) string {
		switch {
		case wanting:
			return "项目未列" + name
		case !p.Given:
			return "专家未登记" + name + "，按其他专家的平均" + share(p.Value) + "计"
		}
		return said
	}
	fields := map[int]string{0: "学科不同", 5000: "一级学科相同", 8000: "二级学科相同", Whole: "三级学科相同"}[x.Fields.Value]
	keywords := "没有共同关键词"
	if len(x.Shared) > 0 {
		keywords = "共同关键词：" + strings.Join(x.Shared[:min(5, len(x.Shared))], "、")
	}
	return strings.Join([]string{part(x.Fields, noField, "学科", fields), part(x.Keywords, false, "关键词", keywords),
		part(x.Text, noText, "文字", "与其关键词和以往项目的文字相似"+share(x.Text.Value))}, "；") + "。"
}
