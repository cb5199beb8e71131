package verify

import (
	"bytes"
	"fmt"

	"keping/rbac/journal"
)

type verifyPublicity struct {
	File    string `arg:"" name:"publicity" help:"公示的数据 PUBLICITY.json（/api/publicities/编号）"`
	Journal string `help:"日志导出，另要求其中公示时记下的摘要一致"`
}

// Run recomputes a publicity's digest from the lines the public reads.
func (c verifyPublicity) Run() error {
	data, err := Read(c.File)
	if err != nil {
		return err
	}
	parsed, err := journal.Parse(data)
	if err != nil {
		return named(c.File, err)
	}
	publicity, _ := parsed.(map[string]any)
	id, _ := publicity["id"].(string)
	claimed, _ := publicity["digest"].(string)
	lines, ok := publicity["lines"].([]any)
	if id == "" || claimed == "" || !ok {
		return usage{fmt.Errorf("%s：不是一份公示的数据，缺id、digest或lines", c.File)}
	}
	digest, err := journal.HashOf(lines)
	if err != nil {
		return named(c.File, err)
	}
	if digest != claimed {
		return fmt.Errorf("%s：%d个项目的摘要为%s，公示的摘要为%s，不一致", c.File, len(lines), digest, claimed)
	}
	if c.Journal != "" {
		exported, err := Read(c.Journal)
		if err != nil {
			return err
		}
		found := false
		if _, err := journal.Verify(bytes.NewReader(exported), nil, func(e journal.Entry) {
			if e.Act == "list.publicise" && e.Object == "list/"+id {
				found = found || e.Facts["public_digest"] == digest
			}
		}); err != nil {
			return named(c.Journal, err)
		}
		if !found {
			return fmt.Errorf("%s：日志中没有这份公示的摘要%s", c.Journal, digest)
		}
	}
	fmt.Printf("公示属实：%d个项目，摘要 %s\n", len(lines), digest)
	return nil
}
