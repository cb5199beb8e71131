package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"keping/rbac"
)

// TestImportWhole: 10,000 applications come in one act, or none of them.
func TestImportWhole(t *testing.T) {
	w := newWorld(t)
	w.populate()
	programme := w.programme("key", "t0")
	guide := w.guide(guideBody(programme, item("B1", "key", false, 10000000)))
	lead := rbac.MakeCreditCode(100 + 7*2) // populate's lead0
	lines := []string{"项目名称,指南项目代码,牵头单位信用代码,项目负责人,负责人证件类型,负责人证件号码,成员,财政资金万元,自筹资金万元,实施月数,摘要"}
	n := 10000
	if testing.Short() {
		n = 500
		t.Logf("-short: %d rows instead of 10,000", n)
	}
	for i := range n {
		lines = append(lines, fmt.Sprintf("第%d项,B1,%s,负责人%d,居民身份证,%s,,8,2,24,摘要", i, lead, i, rbac.MakeResidentID("500106", 1950+i/997, i%12+1, i%28+1, i%997)))
	}
	more := map[string]any{"guide_id": guide}
	send := func(lines []string, query string) answer {
		return w.users["officer"].importFile("a.csv", "/api/applications/import"+query, strings.Join(lines, "\n"), more)
	}
	before := w.rows()
	broken := append(append([]string{}, lines...), fmt.Sprintf("最后一项,B9,%s,负责人,居民身份证,%s,,8,2,24,摘要", lead, resident(998, 1960)))
	assert.Contains(t, send(broken, "").is(t, http.StatusUnprocessableEntity).body, fmt.Sprintf("第%d行", n+2))
	send(lines, "?dry_run=true").is(t, http.StatusOK)
	after := w.rows()
	delete(before, "files")
	delete(after, "files") // the uploaded tables themselves
	assert.Equal(t, before, after)
	assert.Equal(t, n, send(lines, "").is(t, http.StatusCreated).int(t, "result.rows"))
	assert.EqualValues(t, before["applications"]+int64(n), w.rows()["applications"])
}
