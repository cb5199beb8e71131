package bench

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"syscall"
	"text/tabwriter"
	"time"

	"keping/reviewing/assign"
	"keping/reviewing/rank/opinion"
)

// engineRow is one instance solved or ranked: how good the result is and what it
// cost.
type engineRow struct {
	engine   string
	instance string // sizes and seed, from which the instance is made again
	quality  string
	cpu      time.Duration
	peak     int // resident memory of the process at its greatest, instance included, in MB
}

var classes = []assign.Seats{{Class: "技术", Count: 3}, {Class: "管理", Count: 1}, {Class: "财务", Count: 1}}

// assignInstances grow; the last is solved only when asked.
var assignInstances = []struct {
	assign.Instance
	objective assign.Objective
}{
	{Instance: assign.Instance{Applications: 200, Experts: 300, Each: 300, Seats: classes, UnitCap: 1, Units: 40}},
	{Instance: assign.Instance{Applications: 200, Experts: 300, Each: 300, Seats: classes, UnitCap: 1, Units: 40}, objective: assign.Fair},
	{Instance: assign.Instance{Applications: 1_000, Experts: 400, Each: 400, Seats: []assign.Seats{{Count: 5}}}},
	{Instance: assign.Instance{Applications: 3_000, Experts: 1_000, Each: 1_000, Seats: []assign.Seats{{Count: 5}}}},
	{Instance: assign.Instance{Applications: 10_000, Experts: 20_000, Each: 200, Seats: []assign.Seats{{Count: 5}}}},
	{Instance: assign.Instance{Applications: 10_000, Experts: 20_000, Each: 200, Seats: classes, UnitCap: 1, Units: 1_000}},
	{Instance: assign.Instance{Applications: 100_000, Experts: 60_000, Each: 100, Seats: classes, UnitCap: 1, Units: 3_000}},
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

// Engines assigns and ranks generated instances of growing size, all of the seed
// 1, and prints the table; huge is with the largest assignment.
func Engines(huge bool, say io.Writer) error {
	var rows []engineRow
	tell := func(r engineRow, err error) error {
		if err == nil {
			rows = append(rows, r)
			fmt.Fprintf(os.Stderr, "%s：%.2f CPU秒\n", r.instance, r.cpu.Seconds())
		}
		return err
	}
	for k, in := range assignInstances {
		if in.Slack, in.Seed = 1.2, 1; k == len(assignInstances)-1 && !huge {
			continue
		}
		if err := tell(assigned(in.Instance, in.objective)); err != nil {
			return err
		}
		if in.Applications == 10_000 && in.UnitCap > 0 {
			if err := tell(repaired(in.Instance)); err != nil {
				return err
			}
		}
	}
	for _, in := range opinionInstances {
		in.Scale, in.Seed = opinion.Scale{Low: 0, High: 100}, 1
		if err := tell(ranked(in)); err != nil {
			return err
		}
		if in.Applications == 10_000 {
			if err := tell(fitted(in)); err != nil {
				return err
			}
		}
	}
	if err := tell(covered()); err != nil {
		return err
	}
	t := tabwriter.NewWriter(say, 0, 0, 1, ' ', 0)
	fmt.Fprintln(t, "| 引擎\t| 实例\t| 结果与界\t| CPU秒\t| 内存峰值（MB）\t|\n|---\t|---\t|---\t|---\t|---\t|")
	for _, r := range rows {
		fmt.Fprintf(t, "| %s\t| %s\t| %s\t| %.2f\t| %d\t|\n", r.engine, r.instance, r.quality, r.cpu.Seconds(), r.peak)
	}
	return t.Flush()
}

// measured runs work and tells the CPU time and the greatest resident memory of
// this process meanwhile.
func measured(work func() error) (spent time.Duration, peak int, err error) {
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // the peak begins anew
		return 0, 0, err
	}
	start, err := ownCPU()
	if err != nil {
		return 0, 0, err
	}
	if err := work(); err != nil {
		return 0, 0, err
	}
	end, err := ownCPU()
	if err != nil {
		return 0, 0, err
	}
	peak, err = memory(os.Getpid(), "VmHWM")
	return end - start, peak, err
}

// assigned solves an instance; the certificate is verified, which is not counted.
func assigned(in assign.Instance, objective assign.Objective) (row engineRow, err error) {
	row = engineRow{engine: "指派 total", instance: in.String()}
	if objective == assign.Fair {
		row.engine = "指派 fair"
	}
	task := in.Task()
	var r *assign.Result
	row.cpu, row.peak, err = measured(func() (err error) {
		r, err = assign.Solve(task, assign.Options{Objective: objective})
		return err
	})
	if err != nil {
		return row, err
	}
	var certificate bytes.Buffer
	if err := r.WriteCertificate(&certificate, assign.Inputs{}); err != nil {
		return row, err
	}
	if _, err := assign.Verify(task, assign.Inputs{}, r.Panels, certificate.Bytes()); err != nil {
		return row, err
	}
	row.quality = fmt.Sprintf("总和%s，界%s", r.Total, r.Bound)
	if r.MinimumBound != nil {
		row.quality += fmt.Sprintf("；最差%s，界%s", r.Minimum, r.MinimumBound)
	}
	return row, nil
}

// repaired is one refusal in an assignment, and the fewest other changes.
func repaired(in assign.Instance) (row engineRow, err error) {
	row = engineRow{engine: "指派 一人谢绝", instance: in.String()}
	task := in.Task()
	before, err := assign.Solve(task, assign.Options{})
	if err != nil {
		return row, err
	}
	task.Barred[0] = []int32{before.Panels[0][0]}
	var after *assign.Repair
	row.cpu, row.peak, err = measured(func() (err error) {
		after, err = assign.Resolve(task, before.Panels, nil)
		return err
	})
	if err != nil {
		return row, err
	}
	row.quality = fmt.Sprintf("改动%d席（界%d席），总和%s，界%s（原%s）", assign.Changes(before.Panels, after.Panels), after.Kept+assign.Changes(before.Panels, after.Panels)-after.MostKept, after.Total, after.Bound, before.Total)
	return row, nil
}

// ranked gives a second opinion on a simulated review, with the reliabilities.
func ranked(in opinion.Instance) (row engineRow, err error) {
	row = engineRow{engine: "排序意见", instance: in.String()}
	marks, _ := in.Simulate(true)
	var o *opinion.Opinion
	row.cpu, row.peak, err = measured(func() (err error) {
		if o, err = opinion.Rank(marks, in.Scale, opinion.Options{Seed: in.Seed}); err == nil {
			_, err = opinion.Reliabilities(marks, in.Scale)
		}
		return err
	})
	if err != nil {
		return row, err
	}
	if row.quality = fmt.Sprintf("求积，加倍节点名次最多变动%.0e", o.Error.Moved); o.Error.Method == "sampled" {
		row.quality = fmt.Sprintf("抽样，期望名次的蒙特卡洛误差平均%.3f、最大%.3f", o.Error.MCMean, o.Error.MCMax)
	}
	return row, nil
}

// fitted estimates the components of variance alone.
func fitted(in opinion.Instance) (row engineRow, err error) {
	row = engineRow{engine: "信度 REML", instance: in.String()}
	marks, _ := in.Simulate(true)
	var fits []opinion.Reliability
	row.cpu, row.peak, err = measured(func() (err error) {
		fits, err = opinion.Reliabilities(marks, in.Scale)
		return err
	})
	row.quality = fmt.Sprintf("%d次拟合", len(fits))
	return row, err
}

// covered measures how often intervals of reviews drawn from the model hold the
// true rank; nine in ten is right.
func covered() (row engineRow, err error) {
	const reviews = 20
	row = engineRow{engine: "90%区间", instance: opinion.Covering.String() + fmt.Sprintf("至%d", reviews)}
	var share float64
	row.cpu, row.peak, err = measured(func() error {
		share = opinion.Covering.Coverage(reviews, 1)
		return nil
	})
	row.quality = fmt.Sprintf("含真实名次%.1f%%", 100*share)
	return row, err
}

// ownCPU is the CPU time this process has used, by all of its threads.
func ownCPU() (time.Duration, error) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0, err
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()), nil
}
