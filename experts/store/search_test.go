package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"keping/configs/database"
	"keping/configs/database/databasetest"
	"keping/configs/rulepacks"
	"keping/experts"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
)

// BenchmarkSearch measures the processor time of one page of 50 for each
// filter, and the rare with the frequent: go test ./experts/store -bench Search
// -benchtime 20x. KEPING_EXPERTS sets the pool's size, 100000 unless told.
func BenchmarkSearch(b *testing.B) {
	size := 100000
	if n, err := strconv.Atoi(os.Getenv("KEPING_EXPERTS")); err == nil {
		size = n
	}
	s := pool(b, size)
	inside, outside := true, false
	none, two := 0, 2
	for _, x := range []struct {
		name string
		f    Filter
	}{
		{"all", Filter{}},
		{"name, many", Filter{Q: "伟"}},
		{"name, few", Filter{Q: "欧阳"}},
		{"name, none", Filter{Q: "不存在"}},
		{"class finance", Filter{Class: "finance"}},
		{"class, none in pool", Filter{Class: "finance", Pool: "advisory"}},
		{"field level 1", Filter{Field: "520"}},
		{"field level 2", Filter{Field: "520.20"}},
		{"field, none", Filter{Field: "999"}},
		{"keyword, many", Filter{Keyword: "智能"}},
		{"keyword, few", Filter{Keyword: "罕见"}},
		{"title 教授", Filter{Title: "教授"}},
		{"title, none", Filter{Title: "院士"}},
		{"title, none in state and pool", Filter{Title: "院士", State: "in_pool", Pool: "technical"}},
		{"state, none", Filter{State: "banned"}},
		{"outside district", Filter{InDistrict: &outside}},
		{"inside, rare title", Filter{InDistrict: &inside, Title: "院士"}},
		{"unit", Filter{UnitID: "unit-00017"}},
		{"avoid unit", Filter{AvoidUnit: "unit-00017"}},
		{"available", Filter{Available: "2025-06-18"}},
		{"panels at most 0", Filter{PanelsMax: &none}},
		{"panels at most 2", Filter{PanelsMax: &two}},
		{"unused since 3 years", Filter{UnusedSince: "2022-06-18"}},
		{"recheck due", Filter{Due: true}},
		{"all together", Filter{Q: "伟", Class: "technical", Field: "520", Keyword: "智能", State: "in_pool", Pool: "technical", Title: "教授", InDistrict: &inside, AvoidUnit: "unit-00017", Available: "2025-06-18", PanelsMax: &two, UnusedSince: "2024-06-18"}},
	} {
		b.Run(x.name, func(b *testing.B) {
			began, rows := processor(b), 0
			for b.Loop() {
				found, err := s.ListExperts(b.Context(), x.f, "", 51)
				require.NoError(b, err)
				rows = len(found)
			}
			b.ReportMetric(float64(processor(b)-began)/float64(b.N)/1e6, "cpu-ms/op")
			b.ReportMetric(float64(rows), "rows")
		})
	}
}

// processor is the processor time so far of this process and, where the tests
// run on the MariaDB of scripts/services, of that.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	spent := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	if folder := os.Getenv("KEPING_SERVICES"); folder != "" {
		pid, err := os.ReadFile(filepath.Join(folder, "mariadb.pid"))
		require.NoError(b, err)
		stat, err := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(pid)), "stat"))
		require.NoError(b, err)
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		for _, ticks := range fields[11:13] { // utime and stime, in hundredths of a second
			n, err := strconv.Atoi(ticks)
			require.NoError(b, err)
			spent += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return spent
}

// pool fills a store: experts of 500 units and 60 fields, 300 reviews of 7 in
// each of ten years, a tenth with days on which they cannot come.
func pool(b *testing.B, size int) *Store {
	b.Helper()
	now := time.Date(2025, 6, 2, 1, 0, 0, 0, time.UTC)
	keys, err := secret.NewKeys(secret.Random(16), secret.Random(32))
	require.NoError(b, err)
	s := &Store{&rbacstore.Store{DB: databasetest.Open(b, func() time.Time { return now }), Keys: keys}}
	require.NoError(b, s.EnsurePack(b.Context(), rulepacks.Shapingba))
	family, given := []rune("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"), []rune("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平")
	topics := []string{"智能驾驶", "智能制造", "新能源", "集成电路", "生物医药", "大数据", "区块链", "机器人", "新材料", "环境治理"}
	id := func(i int) string { return fmt.Sprintf("0190b2a0-0000-7000-8000-%012d", i) }
	require.NoError(b, s.DB.Do(b.Context(), func(tx *database.Tx) error {
		var rows []experts.Expert
		for i := range size {
			e := experts.Expert{ID: id(i), PersonID: fmt.Sprintf("person-%08d", i), Name: string([]rune{family[i%20], given[(i/20)%20], given[(i/7)%20]}), Gender: "女", BirthYear: 1960 + i%35,
				Title: []string{"教授", "副教授", "研究员", "高级工程师", "高级会计师"}[i%5], UnitID: fmt.Sprintf("unit-%05d", i%500), InDistrict: i%10 != 0, Pool: experts.TechnicalPool,
				Classes: []experts.Class{[]experts.Class{"technical", "technical", "technical", "technical", "management", "finance"}[i%6]}, Mail: fmt.Sprintf("e%d@example.cn", i),
				State: experts.InPool, ConfirmedDay: "2025-01-01", Version: 1, CreatedAt: now, Searchable: true}
			if i%1000 == 0 {
				e.Name, e.Pool, e.ConfirmedDay = "欧阳"+string(given[(i/1000)%20]), experts.AdvisoryPool, "2024-06-01"
				e.Classes = []experts.Class{"technical"}
			}
			for j := range 3 {
				code := fmt.Sprintf("%d.%d0", 510+10*((i+j*7)%20), 1+(i+j)%3)
				e.Fields = append(e.Fields, experts.Discipline{Code: code, Keywords: []string{topics[(i+j)%10], fmt.Sprintf("%s方向%d", topics[(i+j)%10], i%50)}})
			}
			if i%5000 == 0 {
				e.Fields[0].Keywords = append(e.Fields[0].Keywords, "罕见病")
			}
			e.MainField = e.Fields[0].Code
			for j := range 3 {
				e.Employments = append(e.Employments, experts.Employment{UnitID: fmt.Sprintf("unit-%05d", (i*3+j*11)%500), Post: "教师", From: fmt.Sprintf("%d-07-01", 2000+j*5), To: fmt.Sprintf("%d-06-30", 2005+j*5)})
			}
			if i%10 == 0 {
				e.Unavailable = []experts.Span{{From: "2025-06-10", To: "2025-06-20"}}
			}
			rows = append(rows, e)
		}
		for start := 0; start < len(rows); start += 2000 {
			chunk := rows[start:min(start+2000, len(rows))]
			if err := tx.CreateInBatches(&chunk, 200).Error; err != nil {
				return err
			}
			if err := Index(tx, chunk); err != nil {
				return err
			}
		}
		for i := range 3000 {
			day := fmt.Sprintf("%d-%02d-%02d", 2016+i%10, 1+i%12, 1+i%28)
			err := tx.Exec(`INSERT INTO reviews (id, number, programme_id, guide_id, purpose, title, officer_id, technical, management, finance, unit_cap, meeting_day, place, link, agenda, defence, pause_reason, redo_reason, redo_by,
				state, attempt, chair_seat_id, chair_how, opened_chair, opened_by_supervisor, opinion_hash, opinion_salt, ranking_hash, version, created_at)
				VALUES (?, ?, 'p', 'g', 'award', '', '', 5, 1, 1, 1, ?, '', '', '[]', '[]', '', '', '', 'composed', 1, '', '', 0, 0, '', '', '', 1, ?)`, id(i), fmt.Sprint(i), day, now).Error
			if err != nil {
				return err
			}
			for j := range 7 {
				err := tx.Exec(`INSERT INTO seats (id, review_id, application_id, class, code, expert_id, person_id, unit_id, state, reason, note_salt, pledged_at, signed_hash, dissent_salt, not_signed, vote, created_at)
					VALUES (?, ?, '', 'technical', '', ?, '', '', 'pledged', '', '', ?, '', '', '', '', ?)`, id(i*10+j), id(i), id((i*37+j*101)%min(size, 20000)), now, now).Error
				if err != nil {
					return err
				}
			}
		}
		return nil
	}, nil))
	return s
}

// TestEnsureSearch: what another program has written is searched by from the
// next start on.
func TestEnsureSearch(t *testing.T) {
	now := time.Date(2025, 6, 2, 1, 0, 0, 0, time.UTC)
	keys, err := secret.NewKeys(secret.Random(16), secret.Random(32))
	require.NoError(t, err)
	s := &Store{&rbacstore.Store{DB: databasetest.Open(t, func() time.Time { return now }), Keys: keys}}
	require.NoError(t, s.EnsurePack(t.Context(), rulepacks.Shapingba))
	require.NoError(t, s.DB.Do(t.Context(), func(tx *database.Tx) error {
		for i := range 3 {
			e := experts.Expert{ID: fmt.Sprintf("e%d", i), PersonID: fmt.Sprintf("p%d", i), UnitID: "u1", Pool: experts.TechnicalPool, State: experts.InPool, Version: 1, CreatedAt: now,
				Fields: []experts.Discipline{{Code: "520.20", Keywords: []string{"车路协同", "车路协同 ", strings.Repeat("很长的关键词", 20)}}}}
			if err := tx.Create(&e).Error; err != nil {
				return err
			}
		}
		return nil
	}, nil))
	find := func(f Filter) int {
		t.Helper()
		rows, err := s.ListExperts(t.Context(), f, "", 50)
		require.NoError(t, err)
		return len(rows)
	}
	require.Equal(t, 0, find(Filter{Keyword: "车路"}))
	require.NoError(t, s.EnsureSearch(t.Context()))
	require.NoError(t, s.EnsureSearch(t.Context()))
	require.Equal(t, 3, find(Filter{Keyword: "车路"}))
	var words []string
	require.NoError(t, s.DB.Read(t.Context()).Model(&Keyword{}).Order("keyword").Pluck("keyword", &words).Error)
	require.Len(t, words, 2, "with a blank behind it it is the same word")
	require.Equal(t, 3, find(Filter{Field: "520"}))
	require.Equal(t, 0, find(Filter{Field: "521"}))
	require.Equal(t, 0, find(Filter{AvoidUnit: "u1"}))
}
