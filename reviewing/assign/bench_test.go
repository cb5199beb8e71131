package assign

import "testing"

// BenchmarkSolve: time and memory as tasks grow, complete and sparse, with and
// without classes and units.
func BenchmarkSolve(b *testing.B) {
	classes := []Seats{{"技术", 3}, {"管理", 1}, {"财务", 1}}
	for _, in := range []Instance{
		{Applications: 200, Experts: 300, Each: 300, Seats: classes, UnitCap: 1, Units: 40, Slack: 1.2, Seed: 1},
		{Applications: 1000, Experts: 400, Each: 400, Seats: []Seats{{"", 5}}, Slack: 1.2, Seed: 1},
		{Applications: 3000, Experts: 1000, Each: 1000, Seats: []Seats{{"", 5}}, Slack: 1.2, Seed: 1},
		{Applications: 10_000, Experts: 20_000, Each: 200, Seats: []Seats{{"", 5}}, Slack: 1.2, Seed: 1},
		{Applications: 10_000, Experts: 20_000, Each: 200, Seats: classes, UnitCap: 1, Units: 1000, Slack: 1.2, Seed: 1},
	} {
		task := in.Task()
		b.Run(in.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := Solve(task, Options{})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(r.Bound.minus(r.Total)/Unit, "gap")
				b.ReportMetric(float64(len(r.certificate.total.nodes)), "nodes")
			}
		})
	}
}
