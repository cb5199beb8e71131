package draw

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"

	"keping/rbac/journal"
)

// ParseRecord reads a record of exactly the contract's shape.
func ParseRecord(data []byte) (Record, error) {
	var r Record
	err := journal.Decode(data, &r)
	return r, err
}

// ParseFrame reads a frame of exactly the contract's shape.
func ParseFrame(data []byte) (Frame, error) {
	var f Frame
	if err := journal.Decode(data, &f); err != nil {
		return f, err
	}
	return f, f.Validate()
}

// Verify recomputes a record from its frame and reveals and returns every
// difference.
func Verify(record Record) error {
	bad := record.Frame.faults()
	bad.need(record.Spec == Spec, "spec应为%s", Spec)
	bad = append(bad, controls(record)...)
	bad = append(bad, revealFaults(record.Frame, record.Reveals, record.Beacon)...)
	hash, err := record.Frame.Hash()
	if err != nil {
		return err
	}
	secrets := map[string]string{}
	for _, r := range record.Reveals {
		secrets[r.Holder] = r.Secret
	}
	var holders []string
	for _, c := range record.Commitments {
		holders = append(holders, c.Holder)
		if s, ok := secrets[c.Holder]; ok {
			bad.need(c.Hash == Commit(hash, c.Holder, s), "%s揭示的秘密与承诺不符", c.Holder)
		}
	}
	bad.need(slices.Equal(holders, record.Frame.Holders), "承诺者不是候选名单的持有人，或次序不同")
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	computed, err := Run(record.Frame, record.Reveals, record.Beacon)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name      string
		have, got any
	}{
		{"frame_hash", record.FrameHash, computed.FrameHash}, {"seed", record.Seed, computed.Seed}, {"seats", record.Seats, computed.Seats},
		{"alternates", record.Alternates, computed.Alternates}, {"skipped", record.Skipped, computed.Skipped},
	} {
		if !reflect.DeepEqual(part.have, part.got) {
			bad = append(bad, fmt.Errorf("%s与重算结果不同：记录为%.200v，重算为%.200v", part.name, fmt.Sprint(part.have), fmt.Sprint(part.got)))
		}
	}
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	_, err = NewPanel(record)
	return err
}

// acts of a draw in the order the journal must have them.
var acts = []string{"frame.freeze", "draw.commit", "draw.reveal", "draw.run", "vacancy.fill"}

// VerifyJournal demands a sound journal that carries the acts of this draw,
// each once and in order, and exactly the record's vacancies.
func VerifyJournal(record Record, r io.Reader) error {
	frame, err := record.Frame.Hash()
	if err != nil {
		return err
	}
	bare := record
	bare.Vacancies = []Vacancy{}
	recordHash, err := journal.HashOf(bare)
	if err != nil {
		return err
	}
	var vacancies []string
	for _, v := range record.Vacancies {
		hash, err := journal.HashOf(v)
		if err != nil {
			return err
		}
		vacancies = append(vacancies, hash)
	}
	return VerifyActs(frame, record.Commitments, record.Reveals, recordHash, vacancies, r)
}

// VerifyActs demands of a sound journal the acts over one frame: its freeze, the
// commitments, the reveals, the run with the hash of its record before any
// vacancy, and the vacancies by their hashes in order.
func VerifyActs(frame string, commitments []Commitment, reveals []Reveal, recordHash string, vacancyHashes []string, r io.Reader) error {
	type found struct {
		seq  int64
		act  int
		text string
	}
	var mine []found
	text := func(e journal.Entry, keys ...string) string {
		out := ""
		for _, key := range keys {
			out += fmt.Sprintf(" %s=%v", key, e.Facts[key])
		}
		return e.Act + out
	}
	keys := [][]string{{}, {"holder", "commitment"}, {"holder"}, {"record"}, {"vacancy"}}
	_, err := journal.Verify(r, nil, func(e journal.Entry) {
		act := slices.Index(acts, e.Act)
		if _, refused := e.Facts["refused"]; act >= 0 && !refused && e.Facts["frame"] == frame {
			mine = append(mine, found{e.Seq, act, text(e, keys[act]...)})
		}
	})
	if err != nil {
		return err
	}
	var bad faults
	for i := 1; i < len(mine); i++ {
		bad.need(mine[i-1].act <= mine[i].act, "日志第%d条%s在第%d条%s之后", mine[i].seq, acts[mine[i].act], mine[i-1].seq, acts[mine[i-1].act])
	}
	want := []string{"frame.freeze"}
	for _, c := range commitments {
		want = append(want, "draw.commit holder="+c.Holder+" commitment="+c.Hash)
	}
	for _, r := range reveals {
		want = append(want, "draw.reveal holder="+r.Holder)
	}
	want = append(want, "draw.run record="+recordHash)
	var vacancies, filled []string
	for _, hash := range vacancyHashes {
		vacancies = append(vacancies, "vacancy.fill vacancy="+hash)
	}
	var have []string
	for _, m := range mine {
		if acts[m.act] == "vacancy.fill" {
			filled = append(filled, m.text)
		} else {
			have = append(have, m.text)
		}
	}
	slices.Sort(want)
	slices.Sort(have)
	bad.need(slices.Equal(want, have), "日志中本次抽取的记录不符：应有%v，实有%v", missing(want, have), missing(have, want))
	bad.need(slices.Equal(vacancies, filled), "日志中的递补与记录不符：应有%d次，实有%d次，或次序不同", len(vacancies), len(filled))
	return errors.Join(bad...)
}

// missing are the texts of a that b has not, or fewer times.
func missing(a, b []string) []string {
	rest := slices.Clone(b)
	var out []string
	for _, text := range a {
		if i := slices.Index(rest, text); i >= 0 {
			rest = slices.Delete(rest, i, i+1)
		} else {
			out = append(out, text)
		}
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}
