package match

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"keping/experts/draw"
	"keping/rbac/journal"
	"keping/reviewing/assign"
)

// Verify recomputes a record from its frame, its secrets and its files, of
// which none may be missing: the shortlist, the match and every change are made
// again and must be the same, and the certificates must prove what they claim.
// It returns what differs.
func Verify(record Record, files Files) error {
	if record.Spec != Spec {
		return fmt.Errorf("spec应为%s", Spec)
	}
	frame, again := record.Frame, Files{}
	if err := frame.Validate(); err != nil {
		return err
	}
	if frame.Engine != Engine {
		return ErrEngine
	}
	var bad []error
	differs := func(what string, same bool) {
		if !same {
			bad = append(bad, fmt.Errorf("%s与重算结果不同", what))
		}
	}
	for _, name := range []string{Applications, Affinity, Conflicts} {
		again[name] = files[name]
	}
	for _, f := range slices.Concat(record.Frame.Files, record.Files) {
		if _, given := files[f.Name]; !given {
			bad = append(bad, fmt.Errorf("缺少文件%s", f.Name))
		}
	}
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	if err := Freeze(&frame, again, nil); err != nil {
		return err
	}
	differs("frame.files", slices.Equal(record.Frame.Files, frame.Files))
	made, err := Run(record.Frame, again, record.Reveals, nil)
	if err != nil {
		return err
	}
	differs("frame_hash", record.FrameHash == made.FrameHash)
	differs("commitments", slices.Equal(record.Commitments, made.Commitments))
	differs("seed", record.Seed == made.Seed)
	differs("files", slices.Equal(record.Files, made.Files))
	for _, name := range slices.Sorted(maps.Keys(again)) {
		differs(name, bytes.Equal(files[name], again[name]))
	}
	differs("panels", slices.EqualFunc(record.Panels, made.Panels, func(a, b Seats) bool {
		return a.Application == b.Application && slices.Equal(a.Codes, b.Codes)
	}))
	differs("total", record.Total == made.Total)
	differs("bound", record.Bound == made.Bound)
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	by := Affinity
	if frame.Best > 0 {
		by = Lots
		if err := proved(&frame, files, files[ShortlistExperts], Affinity, frame.Best, Shortlist, ShortlistCertificate); err != nil {
			return err
		}
	}
	if err := proved(&frame, files, files[Experts], by, 1, Assignment, Certificate); err != nil {
		return err
	}
	return replay(record, files)
}

// proved verifies an assignment by its certificate.
func proved(f *Frame, files Files, experts []byte, by string, times int, out, certificate string) error {
	t, inputs, err := f.task(files, experts, by, times)
	if err != nil {
		return err
	}
	matched, err := t.ReadOutput(bytes.NewReader(files[out]))
	if err != nil {
		return fmt.Errorf("%s：%w", out, err)
	}
	if _, err := assign.Verify(&t.Task, inputs, matched, files[certificate]); err != nil {
		return fmt.Errorf("%s：%w", certificate, err)
	}
	return nil
}

// replay makes every change again.
func replay(record Record, files Files) error {
	again := record
	again.Changes = []Replacement{}
	p, err := NewPanel(&again)
	if err != nil {
		return err
	}
	for i, want := range record.Changes {
		got, err := p.Replace(files, want.Vacated, want.Application, slices.Clone(want.Passed), want.Appointed)
		if err != nil {
			return fmt.Errorf("第%d次变更：%w", i+1, err)
		}
		if !slices.Equal(got.Passed, want.Passed) || !slices.Equal(got.Filled, want.Filled) {
			return fmt.Errorf("第%d次变更与重算结果不同", i+1)
		}
	}
	return nil
}

// VerifyJournal demands a sound journal that carries the acts of this match,
// each once and in order, and exactly the record's changes.
func VerifyJournal(record Record, r io.Reader) error {
	bare := record
	bare.Changes = []Replacement{}
	hash, err := journal.HashOf(bare)
	if err != nil {
		return err
	}
	var changes []string
	for _, change := range record.Changes {
		hash, err := journal.HashOf(change)
		if err != nil {
			return err
		}
		changes = append(changes, hash)
	}
	return draw.VerifyActs(record.FrameHash, record.Commitments, record.Reveals, hash, changes, r)
}
