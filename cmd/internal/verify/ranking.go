package verify

import (
	"bytes"
	"fmt"

	"keping/reviewing/rank"
)

type verifyRanking struct {
	File    string `arg:"" name:"record" help:"排名记录 RECORD.json"`
	Journal string `help:"日志导出，另要求其中的评分表与记录一致"`
}

// Run verifies an official ranking.
func (c verifyRanking) Run() error {
	data, err := Read(c.File)
	if err != nil {
		return err
	}
	record, err := rank.ParseRecord(data)
	if err != nil {
		return named(c.File, err)
	}
	if err := rank.Verify(record); err != nil {
		return named(c.File, err)
	}
	if c.Journal != "" {
		lines, err := Read(c.Journal)
		if err != nil {
			return err
		}
		if err := rank.VerifyJournal(record, bytes.NewReader(lines)); err != nil {
			return named(c.Journal, err)
		}
	}
	fmt.Printf("排名属实：%d个项目，%d份评分表\n", len(record.Results), len(record.Sheets))
	return nil
}
