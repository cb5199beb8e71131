package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/cmd/internal/verify"
	"keping/configs/database/databasetest"
	expertsheet "keping/experts/sheetio"
	"keping/rbac/journal"
	"keping/rbac/secret"
	reviewsheet "keping/reviewing/sheetio"
)

// TestCommands runs a machine's commands one after another on one store.
func TestCommands(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("KEPING_DATA", filepath.Join(folder, "data"))
	if dsn := databasetest.DSN(t); dsn != "" {
		t.Setenv("KEPING_DATABASE_DSN", dsn)
		t.Setenv("KEPING_KEYS_SEAL", secret.Random(16))
		t.Setenv("KEPING_KEYS_INDEX", secret.Random(32))
	}
	out, errs := os.Stdout, os.Stderr
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	os.Stdout, os.Stderr = null, null
	t.Cleanup(func() { os.Stdout, os.Stderr = out, errs; null.Close() })

	table := func(name string, columns []expertsheet.Column, row []any) string {
		var b bytes.Buffer
		require.NoError(t, expertsheet.WriteCSV(&b, expertsheet.Sheet{Header: expertsheet.Header(columns), Rows: [][]any{row}}))
		file := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(file, b.Bytes(), 0o600))
		return file
	}
	units := table("units.csv", expertsheet.UnitColumns, expertsheet.UnitExample)
	experts := table("experts.csv", expertsheet.ExpertColumns, expertsheet.ExpertExample)
	services := table("services.csv", expertsheet.ServiceColumns, []any{"张三", "居民身份证", "11010519491231002X", "2023年立项评审", "技术", "2023-06-18", "重大", "2023"})
	integrity := table("integrity.csv", expertsheet.IntegrityColumns, []any{"单位", "某公司", "统一社会信用代码", "91350100M000100Y43", "科研失信", "2024-01-01", "", "市科技局", "渝科监〔2024〕1号"})
	projects := table("projects.csv", reviewsheet.ProjectColumns, []any{"", "2023-001", "在研项目", "91350100M000100Y43", "张三", "居民身份证", "11010519491231002X", "", "2023-09-01", "", "重大", "2023"})
	memberships := table("memberships.csv", reviewsheet.MembershipColumns, []any{"", "技术", "张三", "居民身份证", "11010519491231002X", "2023-03-01", "2023-12-31", "", "重大", "2023"})
	lines := filepath.Join(folder, "journal.jsonl")
	for _, step := range []struct {
		name string
		run  func() error
		want int
	}{
		{"experts of a unit nobody knows", importing{What: "experts", File: experts}.Run, 1},
		{"units, dry", importing{What: "units", File: units, DryRun: true}.Run, 0},
		{"still nobody knows it", importing{What: "experts", File: experts}.Run, 1},
		{"units", importing{What: "units", File: units}.Run, 0},
		{"experts", importing{What: "experts", File: experts}.Run, 0},
		{"experts twice", importing{What: "experts", File: experts}.Run, 1},
		{"applications without a guide", importing{What: "applications", File: units}.Run, 1},
		{"past panels", importing{What: "past_services", File: services}.Run, 0},
		{"the integrity ledger", importing{What: "integrity_records", File: integrity}.Run, 0},
		{"running projects", importing{What: "running_projects", File: projects}.Run, 0},
		{"running projects twice", importing{What: "running_projects", File: projects}.Run, 1},
		{"memberships of a programme nobody has set up", importing{What: "memberships", File: memberships}.Run, 1},
		{"no such file", importing{What: "units", File: filepath.Join(folder, "none")}.Run, 2},
		{"an administrator", func() error { return userAdd{Name: "root1", Role: "system_admin"}.Run(&user{}) }, 0},
		{"the same again", func() error { return userAdd{Name: "root1", Role: "system_admin"}.Run(&user{}) }, 1},
		{"a role that is none", func() error { return userAdd{Name: "root2", Role: "king"}.Run(&user{}) }, 1},
		{"another password", func() error { return userPassword{Name: "root1"}.Run(&user{}) }, 0},
		{"disabled", func() error { return userDisable{Name: "root1"}.Run(&user{}) }, 0},
		{"nobody disabled", func() error { return userDisable{Name: "nobody"}.Run(&user{}) }, 1},
		{"the journal", func() error { return journalExport{File: lines}.Run(&journalling{}) }, 0},
		{"the invariants", check{}.Run, 0},
		{"no such configuration", check{Config: filepath.Join(folder, "none.yaml")}.Run, 2},
	} {
		assert.Equal(t, step.want, verify.Status(step.run()), step.name)
	}
	data, err := os.ReadFile(lines)
	require.NoError(t, err)
	_, err = journal.Verify(bytes.NewReader(data), nil, nil)
	require.NoError(t, err)
	assert.Contains(t, string(data), `"act":"expert.import"`)
	assert.NotContains(t, string(data), "110105", "no document in the journal")
}
