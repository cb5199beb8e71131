package bench

import (
	"fmt"
	"syscall"
	"time"

	"keping/reviewing/rank/opinion"
)

// OpinionRow is one simulated review ranked: what it cost and how exact it is.
type OpinionRow struct {
	Instance                     string // sizes and seed, from which opinion.Instance.Simulate makes it again
	Applications, Marks, Experts int
	Method                       string        // quadrature or sampled
	Moved                        float64       // quadrature: how far the last doubling of the nodes moved a rank at most
	MCMean, MCMax                float64       // sampled: Monte-Carlo error of the expected ranks
	CPU                          time.Duration // REML, ranks and intervals
}

// opinionInstances grow tenfold in marks; the last two are the large designs.
var opinionInstances = []opinion.Instance{
	{Applications: 20, Experts: 7, Each: 5},
	{Applications: 200, Experts: 40, Each: 5},
	{Applications: 200, Experts: 300, Each: 5},
	{Applications: 1_000, Experts: 150, Each: 5},
	{Applications: 2_000, Experts: 1_000, Each: 5},
	{Applications: 10_000, Experts: 5_000, Each: 5},
	{Applications: 10_000, Experts: 5_000, Each: 5, Panels: 100},
}

// Opinions ranks simulated reviews of growing size, with the seed 1, and tells
// each; say may print it as it comes.
func Opinions(say func(OpinionRow)) error {
	for _, in := range opinionInstances {
		in.Scale, in.Seed = opinion.Scale{Low: 0, High: 100}, 1
		marks, _ := in.Simulate(true)
		start, err := ownCPU()
		if err != nil {
			return err
		}
		o, err := opinion.Rank(marks, in.Scale, opinion.Options{Seed: in.Seed})
		if err != nil {
			return err
		}
		if _, err := opinion.Reliabilities(marks, in.Scale); err != nil {
			return err
		}
		end, err := ownCPU()
		if err != nil {
			return err
		}
		say(OpinionRow{
			Instance:     fmt.Sprintf("%d×%d×%d 分组%d 种子%d", in.Applications, in.Each, in.Experts, in.Panels, in.Seed),
			Applications: in.Applications, Marks: len(marks), Experts: len(o.Experts),
			Method: o.Error.Method, Moved: o.Error.Moved, MCMean: o.Error.MCMean, MCMax: o.Error.MCMax, CPU: end - start,
		})
	}
	return nil
}

// ownCPU is the CPU time this process has used, by all of its threads.
func ownCPU() (time.Duration, error) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0, err
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()), nil
}
