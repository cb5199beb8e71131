package verify

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"

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
// already set, and hashes them. The order of their rows makes no difference.
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
		var err error
		if *file.hash, err = scan(file.name, file.read); err != nil {
			return inputs, err
		}
		if file.hash == &inputs.Experts {
			task.Sort()
		}
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

// Assignment checks an assignment and its certificate. The certificate itself
// says under which terms it was made: they are told, and where some are
// demanded they must be these.
type Assignment struct {
	Pairs       `embed:""`
	Certificate string  `help:"证书 K.json（.gz 直接读）" required:"" placeholder:"K.json"`
	Out         string  `help:"指派 O.csv：列 application,expert,class,affinity" required:"" placeholder:"O.csv"`
	Per         *int    `help:"要求：每个项目的专家人数，不分类别" xor:"seats" placeholder:"N"`
	Seats       string  `help:"要求：每个项目各类别的专家人数" xor:"seats" placeholder:"SEATS"`
	UnitCap     *int    `help:"要求：每个项目中同一单位的专家最多人数，0 为不限" placeholder:"N"`
	Sparse      *bool   `help:"要求：只用亲和度表所列各对（--sparse=false：未列各对也可指派）"`
	Objective   *string `help:"要求：目标，total 或 fair" enum:"total,fair" placeholder:"total"`
	Minimum     string  `help:"要求：每个项目的亲和度至少为 M（与 fair 二选一）" placeholder:"M"`
	Before      string  `help:"修补（--repair）之前的指派 O.csv：证书证明保留的席位最多，其次总和最大" placeholder:"O.csv"`
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
	demanded, err := c.demanded(terms)
	if err != nil {
		return Usage(err)
	}
	if terms.String() != demanded.String() {
		return fmt.Errorf("%s：证书的条件是“%s”，要求的是“%s”", c.Certificate, terms, demanded)
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
	if c.Before != "" {
		return c.repaired(task, inputs, panels, certificate, terms)
	}
	proved, err := assign.Verify(&task.Task, inputs, panels, certificate)
	if err != nil {
		return refused(c.Certificate, err)
	}
	fmt.Println(proved)
	fmt.Println(plain("证书的条件：" + terms.String()))
	return nil
}

// repaired verifies what was kept of an earlier assignment.
func (c Assignment) repaired(task *assign.Reader, inputs assign.Inputs, panels [][]int32, certificate []byte, terms assign.Terms) error {
	before, hash, err := ReadAssignment(task, c.Before)
	if err != nil {
		return err
	}
	inputs.Before = hash
	keeping, worth, grid, err := task.Keeping(before)
	if err != nil {
		return Usage(err)
	}
	proved, err := assign.Verify(keeping, inputs, panels, certificate)
	if err != nil {
		return refused(c.Certificate, err)
	}
	kept, most, total, bound := proved.Kept(worth, grid)
	fmt.Printf("修补属实：保留%d席，至多可保留%d席；总和 %s，保留同样多时的界 %s\n", kept, most, assign.Decimal(total), assign.Decimal(bound))
	fmt.Println(plain("证书的条件：" + terms.String()))
	return nil
}

// ReadAssignment reads an assignment of a task, and its hash.
func ReadAssignment(task *assign.Reader, name string) (panels [][]int32, hash string, err error) {
	data, err := Read(name)
	if err != nil {
		return nil, "", err
	}
	if panels, err = task.ReadOutput(bytes.NewReader(data)); err != nil {
		return nil, "", Usage(named(name, err))
	}
	return panels, journal.Hash(string(data)), nil
}

// demanded are a certificate's terms with those that the flags name in their
// place.
func (c Assignment) demanded(terms assign.Terms) (assign.Terms, error) {
	if c.Per != nil {
		terms.Seats = []assign.Seats{{Count: *c.Per}}
	}
	if c.Seats != "" {
		seats, err := assign.ParseSeats(c.Seats)
		if err != nil {
			return terms, fmt.Errorf("--seats %s：%w", c.Seats, err)
		}
		terms.Seats = seats
	}
	if c.UnitCap != nil {
		terms.UnitCap = *c.UnitCap
	}
	if c.Sparse != nil {
		terms.Sparse = *c.Sparse
	}
	if c.Objective != nil {
		terms.Objective = *c.Objective
	}
	if c.Minimum != "" {
		if c.Objective != nil && *c.Objective == "fair" {
			return terms, errors.New("--minimum 与 --objective fair 只能用一个")
		}
		task := assign.Task{Seats: terms.Seats}
		floor, most, ok := task.ParseFloor(c.Minimum)
		if !ok {
			return terms, fmt.Errorf("--minimum %s：不是0到%s的数", c.Minimum, most)
		}
		terms.Objective, terms.Floor = "minimum", big.NewInt(floor)
	}
	return terms, nil
}

// refused names the file; what is not a refutation is unreadable input.
func refused(file string, err error) error {
	var refuted *assign.Refuted
	if errors.As(err, &refuted) {
		return named(file, err)
	}
	return Usage(named(file, err))
}
