package verify

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"keping/reviewing/match"
)

// Match checks the match of a correspondence review.
type Match struct {
	File    string `arg:"" name:"record" help:"匹配记录 RECORD.json"`
	Files   string `help:"记录所列各文件所在的文件夹（.gz 也可）；默认为记录所在文件夹" placeholder:"DIR"`
	Journal string `help:"日志导出，另要求其中有本次匹配的全部记录"`
}

// Run recomputes the seed and what follows from it, verifies the certificates,
// and makes every later change again.
func (c Match) Run() error {
	data, err := Read(c.File)
	if err != nil {
		return err
	}
	record, err := match.ParseRecord(data)
	if err != nil {
		return Usage(named(c.File, err))
	}
	folder := c.Files
	if folder == "" {
		folder = filepath.Dir(c.File)
	}
	files := match.Files{}
	for _, list := range [][]match.File{record.Frame.Files, record.Files} {
		for _, f := range list {
			if filepath.Base(f.Name) != f.Name {
				return Usage(fmt.Errorf("%s：文件名%q不在约定之列", c.File, f.Name))
			}
			name := filepath.Join(folder, f.Name)
			if _, err := os.Stat(name + ".gz"); err == nil {
				if _, err := os.Stat(name); err != nil {
					name += ".gz"
				}
			}
			if files[f.Name], err = Read(name); err != nil {
				return err
			}
		}
	}
	if err := match.Verify(record, files); err != nil {
		return named(c.File, err)
	}
	said := ""
	if c.Journal != "" {
		lines, err := Read(c.Journal)
		if err != nil {
			return err
		}
		if err := match.VerifyJournal(record, bytes.NewReader(lines)); err != nil {
			return named(c.Journal, err)
		}
		said = "，与日志一致"
	}
	fmt.Printf("匹配属实：%d个项目，总和 %s，界 %s，变更%d次%s\n", len(record.Panels), record.Total, record.Bound, len(record.Changes), said)
	return nil
}
