package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Entry is one line of the journal: exactly these keys. Facts hold texts that
// are ids, codes, states or digests, integers, booleans, and lists and objects
// of these; never a name, a number of a document, a secret or free text.
type Entry struct {
	Seq    int64          `json:"seq"`
	At     string         `json:"at"` // RFC 3339, UTC, whole seconds
	Actor  string         `json:"actor"`
	Act    string         `json:"act"`
	Object string         `json:"object"`
	Facts  map[string]any `json:"facts"`
	Prev   string         `json:"prev"`
	Hash   string         `json:"hash"`
}

// Checkpoint names an entry: printed on papers and sent to witnesses, it finds
// truncation and rebuilding of what came before it.
type Checkpoint struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
	At   string `json:"at"`
}

func (c Checkpoint) String() string { return fmt.Sprintf("%d:%s", c.Seq, c.Hash) }

// Genesis is what the first entry follows.
var Genesis = Checkpoint{Hash: strings.Repeat("0", 64)}

// Refusals are the values facts.refused may have.
var Refusals = []string{"role", "rule", "state", "version", "validation"}

const noun, id = `[a-z][a-z0-9_]*`, `[^\s\x00-\x1f\x7f\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+`

var (
	hexForm    = regexp.MustCompile(`^[0-9a-f]{64}$`)
	actorForm  = regexp.MustCompile(`^(system|cli|` + noun + `:` + id + `)$`)
	actForm    = regexp.MustCompile(`^` + noun + `\.` + noun + `$`)
	objectForm = regexp.MustCompile(`^` + noun + `/` + id + `$`)
)

// Seal numbers, chains and hashes an entry after prev, and refuses one that
// breaks the contract.
func Seal(prev Checkpoint, e Entry) (Entry, error) {
	e.Seq, e.Prev, e.Hash = prev.Seq+1, prev.Hash, prev.Hash // stands in until there is one
	// Facts are checked and hashed as a reader will see them: lists of any type become []any.
	canonical, err := Canonical(e)
	if err != nil {
		return Entry{}, err
	}
	var read Entry
	if err := Decode(canonical, &read); err != nil {
		return Entry{}, err
	}
	if read.Hash, err = hashEntry(read); err != nil {
		return Entry{}, err
	}
	return read, follows(read, prev)
}

func hashEntry(e Entry) (string, error) {
	return HashOf(map[string]any{"seq": e.Seq, "at": e.At, "actor": e.Actor, "act": e.Act, "object": e.Object, "facts": e.Facts, "prev": e.Prev})
}

// check says what is wrong with an entry that is to follow prev.
func check(e Entry, prev Checkpoint) error {
	if err := follows(e, prev); err != nil {
		return err
	}
	hash, err := hashEntry(e)
	if err != nil {
		return err
	}
	if hash != e.Hash {
		return fmt.Errorf("内容被改动：记录的hash为%.16s…，重算为%.16s…", e.Hash, hash)
	}
	return nil
}

// follows is check but for the hash.
func follows(e Entry, prev Checkpoint) error {
	for _, form := range []struct {
		name, value string
		form        *regexp.Regexp
	}{{"actor", e.Actor, actorForm}, {"act", e.Act, actForm}, {"object", e.Object, objectForm}, {"prev", e.Prev, hexForm}, {"hash", e.Hash, hexForm}} {
		if !form.form.MatchString(form.value) {
			return fmt.Errorf("%s的写法不对：%q", form.name, form.value)
		}
	}
	if at, err := time.Parse("2006-01-02T15:04:05Z", e.At); err != nil || at.Format("2006-01-02T15:04:05Z") != e.At {
		return fmt.Errorf("at不是整秒的UTC时间：%q", e.At)
	}
	if err := checkFacts(e.Facts); err != nil {
		return err
	}
	if refused, ok := e.Facts["refused"]; ok {
		text, _ := refused.(string)
		if !slices.Contains(Refusals, text) {
			return fmt.Errorf("facts.refused不是%s之一", strings.Join(Refusals, "、"))
		}
	}
	switch {
	case e.Seq != prev.Seq+1:
		return fmt.Errorf("seq为%d，应为%d", e.Seq, prev.Seq+1)
	case e.At < prev.At:
		return fmt.Errorf("时间%s早于前一条的%s", e.At, prev.At)
	case e.Prev != prev.Hash:
		return errors.New("prev不是前一条的hash")
	}
	return nil
}

func checkFacts(value any) error {
	switch v := value.(type) {
	case string, int64, bool:
		return nil
	case map[string]any:
		for _, member := range v {
			if err := checkFacts(member); err != nil {
				return err
			}
		}
		return nil
	case []any:
		for _, item := range v {
			if err := checkFacts(item); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("facts中有不允许的值%v", value)
}

// Broken is the first break of a journal.
type Broken struct {
	Entry int64 // line number, counted from 1; 0 for an empty journal
	Err   error
}

func (b *Broken) Error() string {
	if b.Entry == 0 {
		return b.Err.Error()
	}
	return fmt.Sprintf("第%d条：%v", b.Entry, b.Err)
}

func (b *Broken) Unwrap() error { return b.Err }

// Verify reads one entry a line, demands an unbroken chain from seq 1 and that
// each of heads is that very entry; each, which may be nil, sees every entry in
// order. It returns the last entry as a checkpoint, or *Broken (whose cause is
// *Unreadable where a line is no JSON).
func Verify(r io.Reader, heads []Checkpoint, each func(Entry)) (Checkpoint, error) {
	wanted := map[int64][]string{}
	for _, head := range heads {
		wanted[head.Seq] = append(wanted[head.Seq], head.Hash)
	}
	last := Genesis
	reader := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return last, err
		}
		if len(line) == 0 {
			break
		}
		var e Entry
		number := last.Seq + 1
		if err := Decode(bytes.TrimSuffix(line, []byte{'\n'}), &e); err != nil {
			return last, &Broken{number, err}
		}
		if err := check(e, last); err != nil {
			return last, &Broken{number, err}
		}
		for _, hash := range wanted[e.Seq] {
			if hash != e.Hash {
				return last, &Broken{number, fmt.Errorf("hash为%.16s…，检查点要求%.16s…", e.Hash, hash)}
			}
		}
		delete(wanted, e.Seq)
		last = Checkpoint{e.Seq, e.Hash, e.At}
		if each != nil {
			each(e)
		}
	}
	if last.Seq == 0 {
		return last, &Broken{0, errors.New("日志没有任何记录")}
	}
	for seq := range wanted {
		return last, &Broken{seq, fmt.Errorf("检查点要求这一条，但导出到第%d条为止", last.Seq)}
	}
	return last, nil
}
