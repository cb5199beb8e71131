package store

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs/calendars"
	"keping/configs/database"
	"keping/configs/database/databasetest"
	"keping/configs/rulepacks"
	"keping/rbac"
	"keping/rbac/journal"
	"keping/rbac/notice"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
)

var instant = time.Date(2025, 3, 3, 1, 0, 0, 0, time.UTC)

func open(t *testing.T) *Store {
	t.Helper()
	keys, err := secret.NewKeys(secret.Random(16), secret.Random(32))
	require.NoError(t, err)
	s := &Store{DB: databasetest.Open(t, func() time.Time { return instant }), Keys: keys}
	require.NoError(t, s.EnsurePack(t.Context(), rulepacks.Shapingba))
	return s
}

func verified(t *testing.T, s *Store) []EntryView {
	t.Helper()
	var lines bytes.Buffer
	_, err := s.ExportJournal(t.Context(), &lines)
	require.NoError(t, err)
	_, err = journal.Verify(&lines, nil, nil)
	require.NoError(t, err)
	entries, err := s.Entries(t.Context(), "", 0, 10000)
	require.NoError(t, err)
	return entries
}

var officer = rbac.Actor{User: "0190b2a0-0000-7000-8000-000000000001", Role: rbac.Officer}

func TestSchema(t *testing.T) {
	s := open(t)
	seen := databasetest.Schema(t, s.DB.Read(t.Context()), &rbac.Person{}, &rbac.Identity{}, &rbac.User{}, &rbac.Grant{}, &rbac.Link{}, &rbac.File{}, &rbac.Unit{}, &rbac.Release{}, &NameCorrection{}, &rbac.IntegrityRecord{}, &rbac.UnitClaim{},
		&entryRow{}, &headRow{}, &checkpointRow{}, &answerRow{}, &counter{}, &packRow{}, &calendarRow{}, &notice.Notice{})
	assert.Len(t, seen, 19)
}

func TestAct(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	call := Call{Actor: officer, Permission: "programme create"}
	before := len(verified(t, s))

	t.Run("its entry comes last, consequences by system after it", func(t *testing.T) {
		_, _, err := Act(ctx, s, call, func(step *Step) (struct{}, error) {
			step.Brings("draw.run", "draw/x", nil)
			step.On("p1")
			step.Fact("year", 2025)
			return struct{}{}, nil
		})
		require.NoError(t, err)
		entries := verified(t, s)[before:]
		require.Len(t, entries, 2)
		assert.Equal(t, "programme.create", entries[0].Act)
		assert.Equal(t, "programme/p1", entries[0].Object)
		assert.Equal(t, "officer:"+officer.User, entries[0].Actor)
		assert.JSONEq(t, `{"year":2025}`, string(entries[0].Facts))
		assert.Equal(t, "system", entries[1].Actor)
	})
	t.Run("a refusal outlives the rollback", func(t *testing.T) {
		from := len(verified(t, s))
		_, _, err := Act(ctx, s, call, func(step *Step) (struct{}, error) {
			require.NoError(t, step.Create(&counter{Series: "gone", Value: 1}).Error)
			pack, err := s.Pack(step)
			require.NoError(t, err)
			return struct{}{}, step.Obey(pack.Pass("R-004", nil), pack.Fail("R-036", nil, "缺文件（第十二条）。", "请补。"), pack.Fail("R-005", nil, "超额（第四条）。", "请改。"))
		})
		refusal, ok := rbac.AsRefusal(err)
		require.True(t, ok)
		assert.Len(t, refusal.Verdicts, 2, "every failing verdict, not only the first")
		entries := verified(t, s)[from:]
		require.Len(t, entries, 1)
		assert.Contains(t, string(entries[0].Facts), `"refused":"rule"`)
		assert.Contains(t, string(entries[0].Facts), `"rule":"R-036"`)
		var n int64
		require.NoError(t, s.DB.Read(ctx).Model(&counter{}).Where("series = 'gone'").Count(&n).Error)
		assert.Zero(t, n)
	})
	t.Run("a fault leaves nothing at all", func(t *testing.T) {
		from := len(verified(t, s))
		_, _, err := Act(ctx, s, call, func(step *Step) (struct{}, error) { return struct{}{}, errors.New("broken") })
		assert.EqualError(t, err, "broken")
		assert.Len(t, verified(t, s), from)
	})
	t.Run("facts the journal must not hold make a fault, not an entry", func(t *testing.T) {
		from := len(verified(t, s))
		_, _, err := Act(ctx, s, call, func(step *Step) (struct{}, error) {
			step.Fact("share", 0.5)
			return struct{}{}, nil
		})
		assert.Error(t, err)
		assert.Len(t, verified(t, s), from)
	})
	t.Run("who owes a relation and shows none", func(t *testing.T) {
		_, _, err := Act(ctx, s, Call{Actor: officer, Permission: "sheet save", Pending: true, Object: "s1"}, func(step *Step) (struct{}, error) { return struct{}{}, nil })
		assert.ErrorContains(t, err, "owes a relation")
	})
	t.Run("a state that another act has changed", func(t *testing.T) {
		_, _, err := Act(ctx, s, call, func(step *Step) (struct{}, error) {
			return struct{}{}, database.Swap(step.Tx, &counter{}, map[string]any{"series": "none"}, map[string]any{"value": 1})
		})
		refusal, ok := rbac.AsRefusal(err)
		require.True(t, ok)
		assert.Equal(t, rbac.RefusedVersion, refusal.Kind)
	})
	t.Run("sixty at once are one chain", func(t *testing.T) {
		from := len(verified(t, s))
		var all sync.WaitGroup
		for range 60 {
			all.Go(func() {
				_, _, err := Act(context.Background(), s, call, func(step *Step) (int, error) { return step.Number("series") })
				assert.NoError(t, err)
			})
		}
		all.Wait()
		assert.Len(t, verified(t, s), from+60)
		var row counter
		require.NoError(t, s.DB.Read(ctx).Take(&row, "series = 'series'").Error)
		assert.Equal(t, 60, row.Value, "no number twice, none lost")
	})
}

func TestPackInForce(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	inForce := func() string {
		id, _, err := Act(ctx, s, Call{Actor: officer, Permission: "programme create"}, func(step *Step) (string, error) {
			p, err := s.Pack(step)
			if err != nil {
				return "", err
			}
			return p.Version, nil
		})
		require.NoError(t, err)
		return id
	}
	require.Equal(t, "2024.1", inForce())
	change := func(version, day string) PackView {
		content := bytes.ReplaceAll(bytes.ReplaceAll(rulepacks.Shapingba, []byte(`"2024.1"`), []byte(`"`+version+`"`)), []byte(`"2024-01-20"`), []byte(`"`+day+`"`))
		view, _, err := Act(ctx, s, Call{Actor: officer, Permission: "rule_pack load"}, func(step *Step) (PackView, error) { return s.LoadPack(step, content) })
		require.NoError(t, err)
		return view
	}
	approve := func(id string) error {
		_, _, err := Act(ctx, s, Call{Actor: officer, Permission: "rule_pack approve", Object: id}, func(step *Step) (PackView, error) { return s.ApprovePack(step, id) })
		return err
	}
	next := change("2025.1", "2025-03-01")
	assert.Equal(t, "2024.1", inForce(), "loaded is not approved")
	require.NoError(t, approve(next.ID))
	assert.Equal(t, "2025.1", inForce())
	assert.Error(t, approve(next.ID), "approved once")
	later := change("2026.1", "2026-01-01")
	require.NoError(t, approve(later.ID))
	assert.Equal(t, "2025.1", inForce(), "approved, but not in force yet")
	_, _, err := Act(ctx, s, Call{Actor: officer, Permission: "rule_pack load"}, func(step *Step) (PackView, error) {
		return s.LoadPack(step, []byte(`{"name":"x"}`))
	})
	_, refused := rbac.AsRefusal(err)
	assert.True(t, refused)
}

func TestRelease(t *testing.T) {
	s := open(t)
	_, verdicts, err := Act(t.Context(), s, Call{Actor: officer, Permission: "release create"}, func(step *Step) (struct{}, error) {
		pack, err := s.Pack(step)
		if err != nil {
			return struct{}{}, err
		}
		if _, err := s.CreateRelease(step, NewRelease{Rule: "R-022", Object: "expert/e1", Reason: "领域内唯一的专家"}); err != nil {
			return struct{}{}, err
		}
		_, err = s.CreateRelease(step, NewRelease{Rule: "R-018", Object: "expert/e1", Reason: "硬规则不能放行"})
		assert.Error(t, err)
		assert.Error(t, s.Obey(step, "expert/e2", pack.Fail("R-022", nil, "超龄（第七条）。", "请放行。")), "released for another")
		step.Verdicts = nil
		return struct{}{}, s.Obey(step, "expert/e1", pack.Fail("R-022", nil, "超龄（第七条）。", "请放行。"))
	})
	require.NoError(t, err)
	require.Len(t, verdicts, 1)
	assert.Equal(t, rulebook.OutcomeReleased, verdicts[0].Verdict)
}

func TestDailyCheckpoint(t *testing.T) {
	keys, err := secret.NewKeys(secret.Random(16), secret.Random(32))
	require.NoError(t, err)
	now := instant
	s := &Store{DB: databasetest.Open(t, func() time.Time { return now }), Keys: keys, Witness: true}
	ctx := t.Context()
	require.NoError(t, s.EnsureCalendars(ctx, calendars.Files))
	count := func() (n int64) {
		require.NoError(t, s.DB.Read(ctx).Model(&checkpointRow{}).Count(&n).Error)
		return n
	}
	require.NoError(t, s.DailyCheckpoint(ctx))
	require.EqualValues(t, 1, count())
	require.NoError(t, s.DailyCheckpoint(ctx))
	require.EqualValues(t, 1, count(), "not twice a day")
	now = now.Add(25 * time.Hour)
	require.NoError(t, s.DailyCheckpoint(ctx))
	require.EqualValues(t, 1, count(), "nothing has happened since but the checkpoint itself")
	require.NoError(t, s.EnsurePack(ctx, rulepacks.Shapingba))
	require.NoError(t, s.DailyCheckpoint(ctx))
	require.EqualValues(t, 2, count())
}
