// Package verify holds the commands by which anyone recomputes what the
// service published. It uses pure packages only: no database, no network.
package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"keping/experts/draw"
	"keping/rbac/journal"
	"keping/rbac/secret"
	"keping/reviewing/match"
)

// usage marks an error as bad usage or unreadable input: exit status 2.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

// Usage marks err as bad usage or unreadable input.
func Usage(err error) error { return usage{err} }

// Status prints err, if any, and returns the exit status.
func Status(err error) int {
	if err == nil {
		return 0
	}
	text := err.Error()
	var system *fs.PathError
	if errors.As(err, &system) {
		text = strings.ReplaceAll(text, system.Error(), system.Path+"："+reason(system))
	}
	fmt.Fprintln(os.Stderr, plain(text))
	var unreadable *journal.Unreadable
	if errors.As(err, &usage{}) || errors.As(err, &unreadable) {
		return 2
	}
	return 1
}

// plain is text from anywhere made fit for a terminal: what would steer it, or
// cannot be seen, is spelled out.
func plain(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r == '\n' || unicode.IsPrint(r) || unicode.Is(unicode.Zs, r) {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, "\\u%04x", r)
		}
	}
	return out.String()
}

// Commands are `verify …`.
type Commands struct {
	Draw       verifyDraw      `cmd:"" help:"验证抽取记录：从候选名单和各方秘密重算，逐项比对"`
	Journal    verifyJournal   `cmd:"" help:"验证日志：逐条重算，链不中断"`
	Ranking    verifyRanking   `cmd:"" help:"验证排名记录：从评分表重算，逐项比对"`
	Opinion    Opinion         `cmd:"" help:"验证参考排序：从评分表重算期望名次与分组，逐项比对"`
	Assignment Assignment      `cmd:"" help:"验证指派：逐条核对规则，并由证书验证最优，不求解"`
	Match      Match           `cmd:"" help:"验证函评匹配：由候选名单、秘密和各文件重算"`
	Publicity  verifyPublicity `cmd:"" help:"验证公示：从公开的各行重算摘要"`
}

func named(file string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s：%w", file, err)
}

type verifyDraw struct {
	File    string `arg:"" name:"record" help:"抽取记录 RECORD.json"`
	Journal string `help:"日志导出，另要求其中有本次抽取的全部记录"`
}

// Run verifies a draw.
func (c verifyDraw) Run() error {
	data, err := Read(c.File)
	if err != nil {
		return err
	}
	record, err := draw.ParseRecord(data)
	if err != nil {
		return named(c.File, err)
	}
	if err := draw.Verify(record); err != nil {
		return named(c.File, err)
	}
	if c.Journal != "" {
		lines, err := Read(c.Journal)
		if err != nil {
			return err
		}
		if err := draw.VerifyJournal(record, bytes.NewReader(lines)); err != nil {
			return named(c.Journal, err)
		}
	}
	fmt.Printf("抽取属实：%d席，%d次递补，frame %s\n", len(record.Seats), len(record.Vacancies), record.FrameHash)
	return nil
}

type verifyJournal struct {
	File string   `arg:"" name:"file" help:"日志导出 FILE.jsonl"`
	Head []string `help:"检查点 SEQ:HASH，可重复" placeholder:"SEQ:HASH"`
}

var headForm = regexp.MustCompile(`^([1-9]\d{0,15}):([0-9a-f]{64})$`)

// Run verifies a journal.
func (c verifyJournal) Run() error {
	var heads []journal.Checkpoint
	for _, text := range c.Head {
		m := headForm.FindStringSubmatch(text)
		if m == nil {
			return usage{fmt.Errorf("--head %s：应为 序号:64位十六进制摘要", text)}
		}
		seq, _ := strconv.ParseInt(m[1], 10, 64)
		heads = append(heads, journal.Checkpoint{Seq: seq, Hash: m[2]})
	}
	data, err := Read(c.File)
	if err != nil {
		return err
	}
	last, err := journal.Verify(bytes.NewReader(data), heads, nil)
	if err != nil {
		return named(c.File, err)
	}
	fmt.Printf("日志完整：%d条，末条 %s\n", last.Seq, last)
	return nil
}

// Secret makes a holder's secret on this machine.
type Secret struct {
	Frame  string `required:"" help:"候选名单 FRAME.json"`
	Holder string `required:"" help:"持有人名称，须在候选名单中"`
}

// Run prints the secret and its commitment.
func (c Secret) Run() error {
	data, err := Read(c.Frame)
	if err != nil {
		return err
	}
	holders, hash, err := frozen(data)
	if err != nil {
		return named(c.Frame, err)
	}
	if !slices.Contains(holders, c.Holder) {
		return usage{fmt.Errorf("--holder %s：不是候选名单的持有人（%s）", c.Holder, strings.Join(holders, "、"))}
	}
	made := secret.Random(32)
	fmt.Printf("frame %s\nsecret %s\ncommitment %s\n", hash, made, draw.Commit(hash, c.Holder, made))
	return nil
}

// frozen are the holders and the hash of a frame, of a draw or of a match.
func frozen(data []byte) (holders []string, hash string, err error) {
	var of struct{ Spec string }
	if json.Unmarshal(data, &of) == nil && of.Spec == match.Spec {
		frame, err := match.ParseFrame(data)
		if err != nil {
			return nil, "", err
		}
		hash, err = frame.Hash()
		return frame.Pool.Holders, hash, err
	}
	frame, err := draw.ParseFrame(data)
	if err != nil {
		return nil, "", err
	}
	hash, err = frame.Hash()
	return frame.Holders, hash, err
}

// Draw recomputes a draw from a frame and the secrets.
type Draw struct {
	Frame  string   `required:"" help:"候选名单 FRAME.json"`
	Holder []string `required:"" help:"持有人=秘密，每个持有人一次" placeholder:"NAME=SECRET"`
	Beacon string   `help:"候选名单约定的公共随机值"`
	Out    string   `required:"" help:"抽取记录，- 为标准输出"`
}

// Run writes the record.
func (c Draw) Run() error {
	if err := Try([]string{c.Frame}, c.Out); err != nil {
		return err
	}
	data, err := Read(c.Frame)
	if err != nil {
		return err
	}
	frame, err := draw.ParseFrame(data)
	if err != nil {
		return named(c.Frame, err)
	}
	var reveals []draw.Reveal
	for _, text := range c.Holder {
		at := strings.LastIndex(text, "=")
		if at < 0 {
			return usage{fmt.Errorf("--holder %s：应为 持有人=秘密", text)}
		}
		reveals = append(reveals, draw.Reveal{Holder: text[:at], Secret: text[at+1:]})
	}
	slices.SortStableFunc(reveals, func(a, b draw.Reveal) int {
		return slices.Index(frame.Holders, a.Holder) - slices.Index(frame.Holders, b.Holder)
	})
	record, err := draw.Run(frame, reveals, c.Beacon)
	if err != nil {
		return named(c.Frame, err)
	}
	return Write(Output{c.Out, func(w io.Writer) error {
		out := json.NewEncoder(w)
		out.SetIndent("", " ")
		return out.Encode(record)
	}})
}
