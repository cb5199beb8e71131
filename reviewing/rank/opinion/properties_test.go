package opinion

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// written is R.csv and R.json of the marks, with a line in the middle.
func written(t *testing.T, marks []Mark, scale Scale) string {
	t.Helper()
	o, err := Rank(marks, scale, Options{Seed: 7, Draws: 1_000})
	require.NoError(t, err)
	fits, err := Reliabilities(marks, scale)
	require.NoError(t, err)
	var out bytes.Buffer
	line := o.Draw(len(o.Applications) / 2)
	require.NoError(t, o.WriteCSV(&out))
	require.NoError(t, NewReport(o, fits, line, History{}, 7).Write(&out))
	return out.String()
}

// TestPermuted: the order of the rows and the number of processors change no
// byte, integrated or sampled.
func TestPermuted(t *testing.T) {
	for _, in := range []Instance{
		{Applications: 25, Experts: 8, Each: 3, Scale: Scale{0, 100}, Seed: 1},
		{Applications: 24, Experts: 9, Each: 3, Panels: 3, Scale: Scale{1, 6}, Seed: 2},
		{Applications: 400, Experts: 400, Each: 2, Scale: Scale{0, 100}, Seed: 3},
	} {
		marks, _ := in.Simulate(true)
		want := written(t, marks, in.Scale)
		random := rand.New(rand.NewPCG(1, 2))
		random.Shuffle(len(marks), func(i, j int) { marks[i], marks[j] = marks[j], marks[i] })
		before := runtime.GOMAXPROCS(1)
		one := written(t, marks, in.Scale)
		runtime.GOMAXPROCS(2)
		two := written(t, marks, in.Scale)
		runtime.GOMAXPROCS(before)
		assert.True(t, want == one && one == two, "%+v", in)
	}
}

// TestConstant: where everyone marks everything, a constant on one expert's
// marks moves severities alone: order, ranks, quartiles and groups stay.
func TestConstant(t *testing.T) {
	in := Instance{Applications: 20, Experts: 5, Each: 5, Scale: Scale{0, 100}, Seed: 4}
	marks, _ := in.Simulate(true)
	for i := range marks {
		marks[i].Score = 20 + marks[i].Score/2 // room for the constant
	}
	before, err := Rank(marks, in.Scale, Options{Seed: 1, Draws: 5_000})
	require.NoError(t, err)
	who := marks[0].Expert
	moved := slices.Clone(marks)
	for i := range moved {
		if moved[i].Expert == who {
			moved[i].Score += 12
		}
	}
	after, err := Rank(moved, in.Scale, Options{Seed: 1, Draws: 5_000})
	require.NoError(t, err)
	before.Draw(8)
	after.Draw(8)
	for i, a := range before.Applications {
		b := after.Applications[i]
		assert.Equal(t, a.Name, b.Name)
		assert.InDelta(t, a.ExpectedRank, b.ExpectedRank, 0.02, a.Name)
		assert.InDelta(t, a.Effect, b.Effect, 0.5, a.Name)
		assert.InDelta(t, a.Rank25, b.Rank25, 1)
		assert.InDelta(t, a.Rank75, b.Rank75, 1)
		assert.InDelta(t, a.Mean+12.0/5, b.Mean, 1e-9)
	}
	for j, e := range before.Experts {
		change := after.Experts[j].Severity - e.Severity
		if e.Name == who {
			assert.Less(t, change, -5.0, "milder by most of the constant")
		} else {
			assert.Greater(t, change, 0.0)
			assert.Less(t, change, 4.0)
		}
	}
}

// FuzzScores: whatever is read is valid and can be ranked; what is not is
// refused with the line it stands on.
func FuzzScores(f *testing.F) {
	for _, seed := range []string{
		"", "application,expert,score\n", "application,expert,score\n甲,张,5\n乙,李,3\n", "\ufeffscore,expert,application,panel\r\n1,a,b,c\r\n6,b,b,c\r\n",
		"application,expert,score\n甲,张,NaN\n", "application,expert,score\n\"甲,张,5\n", "application,expert,score\n甲,张,5\n甲,张,5\n", "a,b\n1,2,3\n",
		"application,expert,score\na,b,1e0\nc,b,6.\nc,d,+1\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		marks, err := ReadScores(strings.NewReader(text), Scale{1, 6})
		if err != nil {
			if text != "" {
				assert.Regexp(t, "第[0-9]+行|文件是空的", err.Error())
			}
			return
		}
		if len(marks) > 8 {
			return
		}
		o, err := Rank(marks, Scale{1, 6}, Options{Draws: 100})
		require.NoError(t, err)
		for _, a := range o.Applications {
			finite(t, a.Mean, a.Trimmed, a.Effect, a.EffectSD, a.ExpectedRank)
			assert.True(t, a.ExpectedRank >= 1 && a.ExpectedRank <= float64(len(o.Applications)))
		}
	})
}

// FuzzCosts: costs are whole and not negative, or refused with their line.
func FuzzCosts(f *testing.F) {
	for _, seed := range []string{"", "application,cost_fen\n甲,100\n", "cost_fen,application\n-1,甲\n", "application,cost_fen\n甲,1\n甲,2\n", "application,cost_fen\n甲,99999999999999999999\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		costs, err := ReadCosts(strings.NewReader(text))
		if err != nil {
			assert.Regexp(t, "第[0-9]+行|文件是空的", err.Error())
		}
		for name, cost := range costs {
			assert.NotEmpty(t, name)
			assert.GreaterOrEqual(t, cost, int64(0))
		}
	})
}
