package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"keping/configs/database"
	"keping/experts"
	"keping/rbac"
	"keping/rbac/calendar"
	rbacstore "keping/rbac/store"
)

// ExpertField is one field of an expert with one keyword, or with none.
type ExpertField struct {
	ExpertID string `gorm:"primaryKey;size:36"`
	Code     string `gorm:"primaryKey;size:10"`
	Keyword  string `gorm:"primaryKey;size:50"`
}

// Keyword is a keyword some expert has: few are searched for the many.
type Keyword struct {
	Keyword string `gorm:"primaryKey;size:50"`
}

// ExpertUnit is a unit an expert works or has worked at.
type ExpertUnit struct {
	ExpertID string `gorm:"primaryKey;size:36"`
	UnitID   string `gorm:"primaryKey;size:36"`
}

// ExpertAbsence is a span of days an expert is not available.
type ExpertAbsence struct {
	ExpertID string `gorm:"primaryKey;size:36"`
	FromDay  string `gorm:"primaryKey;size:10"`
	ToDay    string `gorm:"primaryKey;size:10"`
}

const keywordLength = 50

func unique[T comparable](rows []T) []T {
	seen := map[T]bool{}
	return slices.DeleteFunc(rows, func(row T) bool {
		twice := seen[row]
		seen[row] = true
		return twice
	})
}

// Index writes the rows by which the given records are searched, in place of
// those of before.
func Index(tx *database.Tx, records []experts.Expert) error {
	ids := make([]string, len(records))
	var fields []ExpertField
	var keywords []Keyword
	var units []ExpertUnit
	var absences []ExpertAbsence
	for i, e := range records {
		ids[i] = e.ID
		for _, f := range e.Fields {
			fields = append(fields, ExpertField{e.ID, f.Code, ""})
			for _, word := range f.Keywords {
				runes := []rune(strings.TrimSpace(word))
				word = strings.TrimSpace(string(runes[:min(len(runes), keywordLength)])) // MySQL takes a word with a blank behind it for the same
				if word != "" {
					fields, keywords = append(fields, ExpertField{e.ID, f.Code, word}), append(keywords, Keyword{word})
				}
			}
		}
		if e.UnitID != "" {
			units = append(units, ExpertUnit{e.ID, e.UnitID})
		}
		for _, post := range e.Employments {
			units = append(units, ExpertUnit{e.ID, post.UnitID})
		}
		for _, span := range e.Unavailable {
			absences = append(absences, ExpertAbsence{e.ID, span.From, span.To})
		}
	}
	var errs []error
	for chunk := range slices.Chunk(ids, 500) {
		for _, row := range []any{&ExpertField{}, &ExpertUnit{}, &ExpertAbsence{}} {
			errs = append(errs, tx.Where("expert_id IN ?", chunk).Delete(row).Error)
		}
	}
	for chunk := range slices.Chunk(unique(fields), 500) {
		errs = append(errs, tx.Create(&chunk).Error)
	}
	for chunk := range slices.Chunk(unique(keywords), 500) {
		errs = append(errs, tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&chunk).Error)
	}
	for chunk := range slices.Chunk(unique(units), 500) {
		errs = append(errs, tx.Create(&chunk).Error)
	}
	for chunk := range slices.Chunk(unique(absences), 500) {
		errs = append(errs, tx.Create(&chunk).Error)
	}
	return errors.Join(errs...)
}

// EnsureSearch indexes the records that no act has indexed: those of before
// this version, and those another program has written.
func (s *Store) EnsureSearch(ctx context.Context) error {
	for {
		n := 0
		err := s.DB.Do(ctx, func(tx *database.Tx) error {
			var rows []experts.Expert
			if err := tx.Where("searchable = ?", false).Order("id").Limit(500).Find(&rows).Error; err != nil || len(rows) == 0 {
				n = 0
				return err
			}
			n = len(rows)
			if err := Index(tx, rows); err != nil {
				return err
			}
			ids := make([]string, len(rows))
			for i, e := range rows {
				ids[i] = e.ID
			}
			return tx.Model(&experts.Expert{}).Where("id IN ?", ids).Update("searchable", true).Error
		}, nil)
		if err != nil || n == 0 {
			return err
		}
	}
}

// Filter narrows a list of experts.
type Filter struct {
	Q, Class, Field, Keyword, State, Pool, Title, UnitID, AvoidUnit string
	InDistrict                                                      *bool
	Available                                                       string // a civil day
	PanelsMax                                                       *int   // panels this year at most
	UnusedSince                                                     string // on no panel from this civil day on
	Due                                                             bool   // the yearly re-check is due, or soon
	Untold                                                          bool   // count the panels whose names are not told yet too (P-12)
}

// served are the panels of a span of days, one row for each expert and panel:
// live seats of reviews that were not called off, and what was imported. It
// reads what lies in the span and nothing of the years before.
const served = `SELECT s.expert_id, s.review_id AS panel, r.meeting_day AS day FROM reviews r JOIN seats s ON s.review_id = r.id
	WHERE r.meeting_day >= ? AND r.meeting_day <= ? AND r.state <> 'void' AND s.state <> 'vacated' AND s.expert_id <> '' AND ` + told + `
	UNION SELECT expert_id, id, day FROM past_services WHERE day >= ? AND day <= ?`

// told are the panels whose names the reader may know (as reviewing.NamesOpen
// has it), given the instant and whether all are: before that, a count of panels
// would tell who sits.
const told = "(r.state IN ('marking', 'discussing', 'closed') OR r.meets_at <= ? OR ?)"

const lastDay = "9999-12-31"

// Listed is an expert with what a list says of the panels so far.
type Listed struct {
	experts.Expert
	PanelsThisYear int    `json:"panels_this_year" doc:"本年已参加的评审专家组数；名单公开之前的不计"`
	LastUsed       string `json:"last_used" doc:"最近一次评审日期；空为未参加过"`
	RecheckDue     string `json:"recheck_due" doc:"须在此日前核对档案"`
}

// ListExperts pages through the records by id; q finds a substring of the
// name. The ids are found in narrow indexes alone; the wide rows are read for
// the page only.
func (s *Store) ListExperts(ctx context.Context, f Filter, after string, limit int) ([]Listed, error) {
	db := s.DB.Read(ctx)
	step := &rbacstore.Step{Tx: &database.Tx{DB: db, Now: s.DB.Now()}}
	pack, err := s.Pack(step)
	if err != nil {
		return nil, err
	}
	year := calendar.Day(step.Now)[:4]
	all := f.Untold || !pack.NamesMasked || !pack.Uses("P-12")
	q := db.Model(&experts.Expert{}).Where("id > ?", after)
	where := func(asked bool, condition string, args ...any) {
		if asked {
			q = q.Where(condition, args...)
		}
	}
	where(f.Q != "", "name"+rbacstore.Like, rbacstore.Containing(f.Q))
	where(f.Class != "", "classes"+rbacstore.Like, rbacstore.Containing(`"`+f.Class+`"`))
	if f.Field != "" {
		q, err = having(db, q, "code >= ? AND code < ?", f.Field, f.Field+"~") // ~ comes after every digit and the point
	}
	if f.Keyword != "" && err == nil {
		var words []string
		err = db.Model(&Keyword{}).Where("keyword"+rbacstore.Like, rbacstore.Containing(f.Keyword)).Limit(many+1).Pluck("keyword", &words).Error
		switch {
		case len(words) > many:
			q = q.Where("EXISTS (SELECT 1 FROM expert_fields f WHERE f.expert_id = experts.id AND f.keyword"+rbacstore.Like+")", rbacstore.Containing(f.Keyword))
		case err == nil:
			q, err = having(db, q, "keyword IN ?", words)
		}
	}
	if err != nil {
		return nil, err
	}
	// Not by their own index, which leads to the wide rows: nearly all are of one state and pool.
	where(f.State != "", "COALESCE(state, '') = ?", f.State)
	where(f.Pool != "", "COALESCE(pool, '') = ?", f.Pool)
	where(f.Title != "", "title = ?", f.Title)
	where(f.UnitID != "", "unit_id = ?", f.UnitID)
	where(f.AvoidUnit != "", "id NOT IN (SELECT expert_id FROM expert_units WHERE unit_id = ?)", f.AvoidUnit) // 回避单位: nobody who works there or has worked there
	where(f.Available != "", "id NOT IN (SELECT expert_id FROM expert_absences WHERE to_day >= ? AND from_day <= ?)", f.Available, f.Available)
	where(f.UnusedSince != "", "id NOT IN (SELECT expert_id FROM ("+served+") panels)", f.UnusedSince, lastDay, step.Now, all, f.UnusedSince, lastDay)
	if f.InDistrict != nil {
		q = q.Where("in_district = ?", *f.InDistrict)
	}
	if f.PanelsMax != nil {
		from, to := year+"-01-01", year+"-12-31"
		q = q.Where("id NOT IN (SELECT expert_id FROM ("+served+") panels GROUP BY expert_id HAVING COUNT(*) > ?)", from, to, step.Now, all, from, to, *f.PanelsMax)
	}
	if f.Due {
		by := step.Now.In(calendar.Zone).AddDate(0, 0, pack.RecheckNoticeDays).AddDate(0, -pack.RecheckMonths, 0)
		q = q.Where("state = ? AND confirmed_day <= ? AND ? > 0", experts.InPool, calendar.Day(by), pack.RecheckMonths)
	}
	var ids []string
	if err := q.Order("id").Limit(limit).Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
		return nil, err
	}
	var rows []experts.Expert
	if err := db.Where("id IN ?", ids).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	uses, err := usesOf(db, ids, year, step.Now, all)
	if err != nil {
		return nil, err
	}
	out := make([]Listed, len(rows))
	for i, e := range rows {
		use := uses[e.ID]
		out[i] = Listed{e, use.panels, use.last, ""}
		if e.State == experts.InPool {
			out[i].RecheckDue = experts.RecheckDue(pack, e)
		}
	}
	return out, nil
}

// many is from where on a list of what matches costs more than asking each
// expert in turn until the page is full.
const many = 5000

// having narrows to who has a field of the condition: by the list of these
// where they are few, else one expert after the other.
func having(db, q *gorm.DB, condition string, args ...any) (*gorm.DB, error) {
	var n int64
	if err := db.Table("(?) few", db.Model(&ExpertField{}).Select("expert_id").Where(condition, args...).Limit(many)).Count(&n).Error; err != nil {
		return q, err
	}
	if n < many {
		return q.Where("id IN (SELECT expert_id FROM expert_fields WHERE "+condition+")", args...), nil
	}
	return q.Where("EXISTS (SELECT 1 FROM expert_fields WHERE expert_id = experts.id AND "+condition+")", args...), nil
}

type use struct {
	panels int
	last   string
}

// usesOf counts the panels of some experts.
func usesOf(db *gorm.DB, ids []string, year string, now time.Time, all bool) (map[string]use, error) {
	var rows []struct{ ExpertID, Panel, Day string }
	err := db.Raw(`SELECT s.expert_id, s.review_id AS panel, r.meeting_day AS day FROM seats s JOIN reviews r ON r.id = s.review_id
		WHERE s.expert_id IN ? AND r.state <> 'void' AND s.state <> 'vacated' AND `+told+` UNION SELECT expert_id, id, day FROM past_services WHERE expert_id IN ?`, ids, now, all, ids).Scan(&rows).Error
	out := map[string]use{}
	for _, r := range rows {
		u := out[r.ExpertID]
		if strings.HasPrefix(r.Day, year) {
			u.panels++
		}
		u.last = max(u.last, r.Day)
		out[r.ExpertID] = u
	}
	return out, err
}

// Served are the panels that experts sit or sat on from a day to a day, of all
// experts or of the given.
func Served(db *gorm.DB, from, to string, only []string) (map[string][]experts.Served, error) {
	seats := db.Table("reviews r").Select("s.expert_id", "s.review_id AS id", "p.kind", "r.meeting_day AS day").
		Joins("JOIN seats s ON s.review_id = r.id").Joins("JOIN programmes p ON p.id = r.programme_id").
		Where("r.meeting_day >= ? AND r.meeting_day <= ? AND r.state <> 'void' AND s.state <> 'vacated'", from, to)
	past := db.Table("past_services").Select("expert_id", "id", "programme_kind AS kind", "day").Where("day >= ? AND day <= ?", from, to)
	if only != nil {
		seats, past = seats.Where("s.expert_id IN ?", only), past.Where("expert_id IN ?", only)
	}
	out := map[string][]experts.Served{}
	for _, q := range []*gorm.DB{seats, past} {
		var rows []struct{ ExpertID, ID, Kind, Day string }
		if err := q.Scan(&rows).Error; err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.ExpertID] = append(out[r.ExpertID], experts.Served{ID: r.ID, Kind: r.Kind, Day: r.Day})
		}
	}
	return out, nil
}

// checkDay refuses what is no civil day, naming the field.
func checkDay(bad *rbac.Fields, field, day string) {
	if day == "" {
		return
	}
	_, err := calendar.Parse(day)
	bad.Check(err == nil, field, "%v", err)
}

// after tells whether a day lies after today.
func after(day string, now time.Time) bool { return day == "" || day > calendar.Day(now) }
