package verify

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"keping/rbac/journal"
	"keping/reviewing/assign"
)

// Pairs are the files of an assignment, the same for whoever computes it and
// for whoever checks it.
type Pairs struct {
	Applications string `help:"项目名单 CSV：列 application（- 为标准输入，.gz 直接读）" required:"" placeholder:"A.csv"`
	Experts      string `help:"专家名单 CSV：列 expert,max[,class][,unit]，max 为最多评审的项目数" required:"" placeholder:"E.csv"`
	Affinity     string `help:"亲和度 CSV：列 application,expert,affinity，0 至 9000000 的小数" required:"" placeholder:"F.csv"`
	Conflicts    string `help:"回避 CSV：列 application,expert，所列各对不得指派" placeholder:"C.csv"`
}

// Load reads the files into a task whose seats, unit cap and sparseness are
// already set, and hashes them.
func (p *Pairs) Load(task *assign.Reader) (assign.Inputs, error) {
	var inputs assign.Inputs
	for _, file := range []struct {
		name string
		hash *string
		read func(io.Reader) error
	}{
		{p.Applications, &inputs.Applications, some(task.ReadApplications, func() int { return len(task.Applications) }, "项目")},
		{p.Experts, &inputs.Experts, some(task.ReadExperts, func() int { return len(task.Experts) }, "专家")},
		{p.Affinity, &inputs.Affinity, task.ReadAffinity},
		{p.Conflicts, &inputs.Conflicts, task.ReadConflicts},
	} {
		if file.name == "" {
			continue
		}
		data, err := Read(file.name)
		if err != nil {
			return inputs, err
		}
		if err := file.read(bytes.NewReader(data)); err != nil {
			return inputs, Usage(named(file.name, err))
		}
		*file.hash = journal.Hash(string(data))
	}
	return inputs, nil
}

// some refuses a file that read nothing.
func some(read func(io.Reader) error, count func() int, what string) func(io.Reader) error {
	return func(r io.Reader) error {
		if err := read(r); err != nil || count() > 0 {
			return err
		}
		return fmt.Errorf("表头之下没有%s", what)
	}
}

// Assignment checks an assignment and its certificate.
type Assignment struct {
	Pairs       `embed:""`
	Certificate string `help:"证书 K.json（.gz 直接读）" required:"" placeholder:"K.json"`
	Out         string `help:"指派 O.csv：列 application,expert,class,affinity" required:"" placeholder:"O.csv"`
}

// Run verifies without solving anything: rules, hashes, and every bound.
func (c Assignment) Run() error {
	certificate, err := Read(c.Certificate)
	if err != nil {
		return err
	}
	terms, err := assign.ReadTerms(certificate)
	if err != nil {
		return refused(c.Certificate, err)
	}
	task := &assign.Reader{Task: assign.Task{Seats: terms.Seats, UnitCap: terms.UnitCap, Sparse: terms.Sparse}}
	inputs, err := c.Load(task)
	if err != nil {
		return err
	}
	data, err := Read(c.Out)
	if err != nil {
		return err
	}
	panels, err := task.ReadOutput(bytes.NewReader(data))
	if err != nil {
		return refused(c.Out, err)
	}
	proved, err := assign.Verify(&task.Task, inputs, panels, certificate)
	if err != nil {
		return refused(c.Certificate, err)
	}
	fmt.Println(proved)
	return nil
}

// refused names the file; what is not a refutation is unreadable input.
func refused(file string, err error) error {
	var refuted *assign.Refuted
	if errors.As(err, &refuted) {
		return named(file, err)
	}
	return Usage(named(file, err))
}
