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
		{p.Applications, &inputs.Applications, task.ReadApplications},
		{p.Experts, &inputs.Experts, task.ReadExperts},
		{p.Affinity, &inputs.Affinity, task.ReadAffinity},
		{p.Conflicts, &inputs.Conflicts, task.ReadConflicts},
	} {
		if file.name == "" {
			continue
		}
		data, err := read(file.name)
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

// Assignment checks an assignment and its certificate.
type Assignment struct {
	Pairs       `embed:""`
	Certificate string `help:"证书 K.json（.gz 直接读）" required:"" placeholder:"K.json"`
	Out         string `help:"指派 O.csv：列 application,expert,class,affinity" required:"" placeholder:"O.csv"`
	Before      string `help:"修补（--repair）之前的指派 O.csv：证书证明保留的席位最多，其次总和最大" placeholder:"O.csv"`
}

// Run verifies without solving anything: rules, hashes, and every bound.
func (c Assignment) Run() error {
	certificate, err := read(c.Certificate)
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
	data, err := read(c.Out)
	if err != nil {
		return err
	}
	panels, err := task.ReadOutput(bytes.NewReader(data))
	if err != nil {
		return refused(c.Out, err)
	}
	if c.Before != "" {
		return c.repaired(task, inputs, panels, certificate)
	}
	proved, err := assign.Verify(&task.Task, inputs, panels, certificate)
	if err != nil {
		return refused(c.Certificate, err)
	}
	fmt.Println(proved)
	return nil
}

// repaired verifies what was kept of an earlier assignment.
func (c Assignment) repaired(task *assign.Reader, inputs assign.Inputs, panels [][]int32, certificate []byte) error {
	before, hash, err := ReadAssignment(task, c.Before)
	if err != nil {
		return err
	}
	inputs.Before = hash
	keeping, worth, err := task.Keeping(before)
	if err != nil {
		return Usage(err)
	}
	proved, err := assign.Verify(keeping, inputs, panels, certificate)
	if err != nil {
		return refused(c.Certificate, err)
	}
	kept, most, total, bound := proved.Kept(worth)
	fmt.Printf("修补属实：保留%d席，至多可保留%d席；总和 %s，保留同样多时的界 %s\n", kept, most, assign.Decimal(total), assign.Decimal(bound))
	return nil
}

// ReadAssignment reads an assignment of a task, and its hash.
func ReadAssignment(task *assign.Reader, name string) (panels [][]int32, hash string, err error) {
	data, err := read(name)
	if err != nil {
		return nil, "", err
	}
	if panels, err = task.ReadOutput(bytes.NewReader(data)); err != nil {
		return nil, "", Usage(named(name, err))
	}
	return panels, journal.Hash(string(data)), nil
}

// refused names the file; what is not a refutation is unreadable input.
func refused(file string, err error) error {
	var refuted *assign.Refuted
	if errors.As(err, &refuted) {
		return named(file, err)
	}
	return Usage(named(file, err))
}
