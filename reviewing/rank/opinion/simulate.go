package opinion

import (
	"fmt"
	"math"
	"slices"

	"keping/reviewing/chance"
)

// Instance is a review to simulate.
type Instance struct {
	Applications, Experts int
	Each                  int // marks of an application
	Panels                int // of equal size, each with experts of its own; 0 or 1: all experts may meet
	Scale                 Scale
	Seed                  uint64
}

func (in Instance) String() string {
	text := fmt.Sprintf("%d项×%d份，%d名专家", in.Applications, in.Each, in.Experts)
	if in.Panels > 0 {
		text += fmt.Sprintf("分%d组", in.Panels)
	}
	return fmt.Sprintf("%s，种子%d", text, in.Seed)
}

// Simulate draws a review from the model: τ, σ, α (and τλ, where there are
// panels) uniform up to 0.4R, effects and marks from the generator seeded with
// the instance's seed; each application has distinct experts of its panel. With
// marks clipped it returns marks in hundredths on the scale, as a review has
// them; without, the model's own, which may lie beyond it. The second result is
// every application's true effect.
func (in Instance) Simulate(clipped bool) ([]Mark, map[string]float64) {
	random := chance.New(in.Seed)
	upTo := func(most float64) float64 { return most * random.Uniform() }
	most := scaleShare * in.Scale.Range()
	tau, residual := upTo(most), math.Hypot(upTo(most), upTo(most))
	panels, tauPanel := max(in.Panels, 1), 0.0
	if panels > 1 {
		tauPanel = upTo(most)
	}
	draw := func(n int, sd float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = sd * random.Normal()
		}
		return out
	}
	lambda, nu := draw(panels, tauPanel), draw(in.Experts, expertShare*in.Scale.Range())
	truth := map[string]float64{}
	var marks []Mark
	size := in.Experts / panels // experts of a panel
	seats := make([]int, size)
	for i, theta := range draw(in.Applications, tau) {
		name, panel := fmt.Sprintf("A%06d", i+1), i*panels/in.Applications
		truth[name] = theta
		for j := range seats {
			seats[j] = panel*size + j
		}
		for k := range min(in.Each, size) {
			other := k + random.Below(size-k)
			seats[k], seats[other] = seats[other], seats[k]
			x := (in.Scale.Low+in.Scale.High)/2 + theta + nu[seats[k]] + lambda[panel] + residual*random.Normal()
			if clipped {
				x = math.Round(100*min(max(x, in.Scale.Low), in.Scale.High)) / 100
			}
			m := Mark{Application: name, Expert: fmt.Sprintf("E%05d", seats[k]+1), Score: x}
			if panels > 1 {
				m.Panel = fmt.Sprintf("P%04d", panel+1)
			}
			marks = append(marks, m)
		}
	}
	return marks, truth
}

// Covering is the review whose coverage is measured. Ranks are whole numbers and
// an interval has both of its ends, so that fewer applications are covered more
// often than nine times in ten.
var Covering = Instance{Applications: 400, Experts: 40, Each: 5, Scale: Scale{0, 100}, Seed: 1}

// Coverage simulates as many reviews, with the seeds first, first + 1 …, and
// returns how often the 90 % interval of an application's rank contains the rank
// of its true effect.
func (in Instance) Coverage(reviews int, first uint64) float64 {
	var covered, all int
	for r := range reviews {
		in.Seed = first + uint64(r)
		marks, truth := in.Simulate(false)
		o := arrange(marks, in.Scale).rank(Options{Seed: in.Seed, Draws: 10_000})
		var sorted []float64
		for _, a := range o.Applications {
			sorted = append(sorted, truth[a.Name])
		}
		slices.Sort(sorted)
		for _, a := range o.Applications {
			if rank := 1 + above(sorted, truth[a.Name]); a.Rank05 <= rank && rank <= a.Rank95 {
				covered++
			}
			all++
		}
	}
	return float64(covered) / float64(all)
}
