package bench

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"keping/api"
	"keping/configs/database"
	"keping/experts"
	"keping/experts/draw"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/journal"
	"keping/rbac/secret"
	"keping/rbac/store"
	"keping/reviewing"
	"keping/reviewing/rank"
	reviewstore "keping/reviewing/store"
)

// The size of one programme year; the pool's is per scale.
const (
	applications = 1000
	poolSize     = 200
	thisYear     = 2025
	password     = "keping-bench-2025"
)

// filled is what the requests need to know of the data.
type filled struct {
	programme string   // of the year that is being marked
	marking   string   // its review
	past      string   // last year's review, closed
	experts   []string // poolSize of them
	sheets    []string // drafts of the expert who signs in
}

// filler writes the data: the panels are drawn by the acts themselves, all
// other rows go in as rows, some thousands to an insert, as no 5,000 people
// are there to send them. What the journal, the draws and the rankings claim
// of them is true: `keping check` finds nothing.
type filler struct {
	app      *api.App
	scale    int
	officer  rbac.Actor
	overseer rbac.Actor
	units    []string // lead units first, then the experts' own
	experts  []experts.Expert
	people   []string // leaders and members, taken anew each year
	out      filled
}

const (
	leadUnits = 150
	batch     = 500 // rows to an insert: SQLite takes 32,766 values at a time
)

// fillClock is when all of it happened, a working day.
func fillClock() time.Time { return time.Date(thisYear, 6, 2, 9, 0, 0, 0, calendar.Zone) }

func fill(ctx context.Context, app *api.App, scale int) (filled, error) {
	f := &filler{app: app, scale: scale}
	for _, part := range []func(context.Context) error{f.accounts, f.pool} {
		if err := part(ctx); err != nil {
			return f.out, err
		}
	}
	for back := scale; back >= 0; back-- { // this year last: its panel is the newest
		if err := f.year(ctx, thisYear-back); err != nil {
			return f.out, fmt.Errorf("%d: %w", thisYear-back, err)
		}
	}
	return f.out, f.newcomers(ctx)
}

// rows runs fn as one act of nobody in particular.
func (f *filler) rows(ctx context.Context, fn func(*store.Step) error) error {
	_, _, err := store.Act(ctx, f.app.Store, store.Call{Actor: rbac.Actor{Role: rbac.CLI}, Permission: "bench fill"}, func(s *store.Step) (struct{}, error) {
		return struct{}{}, fn(s)
	})
	return err
}

// as runs an act of a role.
func as[R any](ctx context.Context, f *filler, actor rbac.Actor, permission rbac.Permission, object string, fn func(*store.Step) (R, error)) (R, error) {
	result, _, err := store.Act(ctx, f.app.Store, store.Call{Actor: actor, Permission: permission, Object: object}, fn)
	return result, err
}

func (f *filler) user(s *store.Step, login, person, hash string, role rbac.Role) (rbac.Actor, error) {
	u, err := store.MakeUser(s, store.NewUser{Login: login, Name: login}, person, "")
	if err != nil {
		return rbac.Actor{}, err
	}
	if err := store.AddRole(s, u, role); err != nil {
		return rbac.Actor{}, err
	}
	_, err = store.SetPassword(s, &u, hash, false)
	return rbac.Actor{User: u.ID, Role: role, Person: person, Name: login}, err
}

func (f *filler) accounts(ctx context.Context) error {
	hash, err := store.HashPassword(password)
	if err != nil {
		return err
	}
	return f.rows(ctx, func(s *store.Step) error {
		if f.officer, err = f.user(s, "officer", "", hash, rbac.Officer); err != nil {
			return err
		}
		f.overseer, err = f.user(s, "supervisor", "", hash, rbac.Supervisor)
		return err
	})
}

// persons records n people, each with a confirmed document; first numbers them.
func persons(s *store.Step, first, n int, name string) ([]string, error) {
	people, identities := make([]rbac.Person, n), make([]rbac.Identity, n)
	ids := make([]string, n)
	for i := range n {
		number := first + i
		ids[i] = s.NewID()
		people[i] = rbac.Person{ID: ids[i], Name: fmt.Sprintf("%s%d", name, number), BirthYear: 1980, CreatedAt: s.Now}
		document, err := rbac.ParseDocument("resident_id", rbac.MakeResidentID("500106", 1975+number/1000, number%12+1, number%28+1, number%1000))
		if err != nil {
			return nil, err
		}
		id := s.NewID()
		identities[i] = rbac.Identity{ID: id, PersonID: ids[i], Kind: string(document.Kind), Index: s.Keys.Index(document.Key()),
			Number: s.Keys.Seal(document.Key(), "identity/"+id), ConfirmedAt: &s.Now}
	}
	if err := s.CreateInBatches(people, batch).Error; err != nil {
		return nil, err
	}
	return ids, s.CreateInBatches(identities, batch).Error
}

// pool makes units, experts and applicants. Of each 200 experts 120 are
// technical, 40 management and 40 finance; every tenth works at a unit that
// applies, every tenth has left one within three years.
func (f *filler) pool(ctx context.Context) error {
	size := poolSize * f.scale
	return f.rows(ctx, func(s *store.Step) error {
		units := make([]rbac.Unit, leadUnits+size)
		for i := range units {
			kind := rbac.UnitKind("enterprise")
			if i >= leadUnits {
				kind = "institute"
			}
			units[i] = rbac.Unit{ID: s.NewID(), Code: rbac.MakeCreditCode(100 + i), Name: fmt.Sprintf("单位%d", i), Kind: kind, InDistrict: true,
				State: rbac.UnitActive, Version: 1, CreatedAt: s.Now}
			f.units = append(f.units, units[i].ID)
		}
		if err := s.CreateInBatches(units, batch).Error; err != nil {
			return err
		}
		ids, err := persons(s, 0, size, "专家")
		if err != nil {
			return err
		}
		if f.people, err = persons(s, size, 2*applications, "申报人"); err != nil {
			return err
		}
		for i, person := range ids {
			e := experts.Expert{ID: s.NewID(), PersonID: person, Name: fmt.Sprintf("专家%d", i), Gender: "女", BirthYear: 1980, Title: "教授", UnitID: f.units[leadUnits+i],
				InDistrict: true, Pool: experts.TechnicalPool, Classes: rbac.List[experts.Class]{classOf(i)}, MainField: "520.20",
				Fields: rbac.List[experts.Discipline]{{Code: "520.20", Keywords: []string{"智能驾驶"}}}, State: experts.InPool, Version: 1, CreatedAt: s.Now}
			former := f.units[leadUnits+(i+1)%size]
			switch i % 10 {
			case 1: // never of a group, so that no panel waits for the answer
				former = f.units[i%leadUnits]
			case 2:
				e.UnitID = f.units[i%leadUnits]
			}
			e.Employments = rbac.List[experts.Employment]{{UnitID: e.UnitID, Post: "教授", From: "2024-02-01"}, {UnitID: former, Post: "副教授", From: "2012-07-01", To: "2024-01-31"}}
			f.experts = append(f.experts, e)
			if i < poolSize {
				f.out.experts = append(f.out.experts, e.ID)
			}
		}
		return insert(s, f.experts[:poolSize])
	})
}

// newcomers join the pool last: what the panels are drawn from is the same at
// every scale.
func (f *filler) newcomers(ctx context.Context) error {
	return f.rows(ctx, func(s *store.Step) error { return insert(s, f.experts[poolSize:]) })
}

func classOf(i int) experts.Class {
	switch i % 5 {
	case 3:
		return experts.Management
	case 4:
		return experts.Finance
	}
	return experts.Technical
}

var criteria = rbac.List[reviewing.Criterion]{
	{Code: "innovation", Name: "创新性与先进性", Weight: 10000, Maximum: 2500, Step: 50, Classes: []string{}, Bands: []reviewing.Band{}},
	{Code: "route", Name: "技术路线", Weight: 10000, Maximum: 2500, Step: 50, Classes: []string{}, Bands: []reviewing.Band{}},
	{Code: "team", Name: "研究基础与团队", Weight: 10000, Maximum: 2500, Step: 50, Classes: []string{}, Bands: []reviewing.Band{}},
	{Code: "benefit", Name: "预期效益", Weight: 10000, Maximum: 2500, Step: 50, Classes: []string{}, Bands: []reviewing.Band{}},
}

// year makes one programme year with its review of 1,000 applications: closed
// if past, else in marking, where four of the five have submitted everything.
func (f *filler) year(ctx context.Context, year int) error {
	var (
		r      reviewing.Review
		g      reviewing.Guide
		apps   []reviewing.Application
		now    = year == thisYear
		number = fmt.Sprintf("%d-ZD-01", year)
		day    = fmt.Sprintf("%d-06-18", thisYear)
	)
	err := f.rows(ctx, func(s *store.Step) error {
		p := reviewing.Programme{ID: s.NewID(), Code: number, Kind: reviewing.Major, Year: year, Name: "智能驾驶", Basis: "沙委发〔2025〕3号", Version: 1, CreatedAt: s.Now}
		group := reviewing.Group{ID: s.NewID(), ProgrammeID: p.ID, Kind: "technical", State: reviewing.GroupInTerm, Version: 2}
		var members []reviewing.Membership
		for i, e := range f.experts[:poolSize] {
			if i%10 == 0 || i%10 == 5 || i%10 == 6 {
				members = append(members, reviewing.Membership{ID: s.NewID(), GroupID: group.ID, ExpertID: e.ID, PersonID: e.PersonID, Departments: rbac.List[string]{f.units[0]},
					Document: "推荐函", State: reviewing.InTerm, FromDay: "2025-01-01"})
			}
		}
		g = reviewing.Guide{ID: s.NewID(), ProgrammeID: p.ID, Title: fmt.Sprintf("%d年度申报指南", year), Criteria: criteria, Method: "mean", TieSteps: rbac.List[string]{"criterion:innovation"},
			Items: rbac.List[reviewing.Item]{{Code: "A1", Kind: reviewing.Major, Title: "智能驾驶关键部件", Problem: "突破关键核心技术", FiscalFen: 20000000, Months: 24, Mode: "open",
				Indicators: []reviewing.Indicator{{Name: "定位误差", Unit: "厘米", Direction: "le", Target: "5"}}}},
			PassLine: 6000, Places: 50, BudgetFen: 1000000000, OpensAt: s.Now.AddDate(0, -2, 0), ClosesAt: s.Now.AddDate(0, -1, 0), State: reviewing.GuidePublished,
			ApprovedBy: f.officer.User, Version: 3, CreatedAt: s.Now}
		r = reviewing.Review{ID: s.NewID(), Selecting: reviewing.Selecting{Selection: reviewing.ByDraw}, Number: number + "-P01", ProgrammeID: p.ID, GuideID: g.ID, Purpose: "award", Title: fmt.Sprintf("%d年立项评审", year), OfficerID: f.officer.User,
			Technical: 3, Management: 1, Finance: 1, UnitCap: 2, MeetingDay: day, State: reviewing.Preparing, Version: 1, CreatedAt: s.Now}
		var people []reviewing.ApplicationPerson
		var partners []reviewing.ApplicationUnit
		for i := range applications {
			unit, leader, member := f.units[i%leadUnits], f.people[2*i], f.people[2*i+1]
			a := reviewing.Application{ID: s.NewID(), Number: fmt.Sprintf("%s-%04d", number, i+1), ProgrammeID: p.ID, GuideID: g.ID, ItemCode: "A1", Title: fmt.Sprintf("第%d项关键技术研究", i+1),
				LeadUnitID: unit, LeaderID: leader, LeaderName: fmt.Sprintf("申报人%d", i), FiscalFen: 20000000, SelfFen: 10000000, Months: 24, Summary: "研究内容与技术路线",
				Budget: rbac.List[reviewing.BudgetLine]{{Name: "设备费", Fen: 30000000}}, State: reviewing.AppInReview, SubmittedAt: &s.Now, ReviewID: r.ID, CreatedBy: f.officer.User, Version: 4, CreatedAt: s.Now}
			apps = append(apps, a)
			people = append(people, reviewing.ApplicationPerson{ApplicationID: a.ID, PersonID: leader, Name: a.LeaderName, Role: "leader", UnitID: unit},
				reviewing.ApplicationPerson{ApplicationID: a.ID, PersonID: member, Name: "成员", Role: "member", UnitID: unit})
			partners = append(partners, reviewing.ApplicationUnit{ApplicationID: a.ID, UnitID: f.units[(i+7)%leadUnits], Role: "partner"})
		}
		f.out.programme = p.ID
		return insert(s, &p, &group, members, &g, &r, apps, people, partners)
	})
	if err != nil {
		return err
	}
	if err := f.draw(ctx, r.ID); err != nil {
		return err
	}
	seats, err := f.seats(ctx, r.ID)
	if err != nil {
		return err
	}
	if now {
		f.out.marking = r.ID
	} else {
		f.out.past = r.ID
	}
	return f.mark(ctx, r, g, apps, seats, now)
}

// insert creates rows, lists in batches.
func insert(s *store.Step, rows ...any) error {
	for _, row := range rows {
		if v := reflect.ValueOf(row); v.Kind() == reflect.Slice && v.Len() == 0 {
			continue
		}
		if err := s.CreateInBatches(row, batch).Error; err != nil {
			return err
		}
	}
	return nil
}

// draw freezes the frame and draws the panel, as officer and supervisor do.
func (f *filler) draw(ctx context.Context, review string) error {
	frame, err := as(ctx, f, f.officer, "frame freeze", review, func(s *store.Step) (string, error) {
		v, err := f.app.Reviews.FreezeFrame(s, review)
		return v.DrawID + " " + v.FrameHash, err
	})
	if err != nil {
		return err
	}
	var id, hash string
	if _, err := fmt.Sscan(frame, &id, &hash); err != nil {
		return err
	}
	holders := map[string]rbac.Actor{"bureau": f.officer, "supervisor": f.overseer}
	secrets := map[string]string{}
	for holder, actor := range holders {
		secrets[holder] = secret.Random(32)
		if _, err := as(ctx, f, actor, "draw commit", id, func(s *store.Step) (any, error) {
			return f.app.Reviews.CommitDraw(s, id, draw.Commit(hash, holder, secrets[holder]))
		}); err != nil {
			return err
		}
	}
	for holder, actor := range holders {
		if _, err := as(ctx, f, actor, "draw reveal", id, func(s *store.Step) (any, error) {
			return f.app.Reviews.RevealDraw(s, id, secrets[holder])
		}); err != nil {
			return err
		}
	}
	return nil
}

// seats lets everybody drawn accept and pledge; the first has an account.
func (f *filler) seats(ctx context.Context, review string) ([]reviewing.Seat, error) {
	var seats []reviewing.Seat
	err := f.rows(ctx, func(s *store.Step) error {
		if err := s.Where("review_id = ?", review).Order("code").Find(&seats).Error; err != nil {
			return err
		}
		for i := range seats {
			seats[i].State, seats[i].PledgedAt = reviewing.SeatPledged, &s.Now
		}
		return s.Model(&reviewing.Seat{}).Where("review_id = ?", review).Updates(map[string]any{"state": reviewing.SeatPledged, "pledged_at": s.Now, "reply_by": nil}).Error
	})
	return seats, err
}

// mark has everybody declare and mark every application.
func (f *filler) mark(ctx context.Context, r reviewing.Review, g reviewing.Guide, apps []reviewing.Application, seats []reviewing.Seat, now bool) error {
	record := rank.Record{Spec: rank.Spec, Review: r.Number, Minimum: 5, PassLine: g.PassLine, Form: g.Form(), Method: rank.Method{Name: g.Method}, Ties: g.TieSteps, Sheets: []rank.Sheet{}, Orders: []rank.Order{}}
	for i, seat := range seats {
		draft := now && i == 0
		err := f.rows(ctx, func(s *store.Step) error {
			if draft {
				hash, err := store.HashPassword(password)
				if err != nil {
					return err
				}
				if _, err := f.user(s, "expert", seat.PersonID, hash, rbac.Expert); err != nil {
					return err
				}
			}
			var declarations []reviewing.Declaration
			var sheets []reviewing.Sheet
			for j, a := range apps {
				declarations = append(declarations, reviewing.Declaration{ID: s.NewID(), ReviewID: r.ID, SeatID: seat.ID, ApplicationID: a.ID, State: "clear", CreatedAt: s.Now})
				sheet := reviewing.Sheet{ID: s.NewID(), ReviewID: r.ID, ApplicationID: a.ID, SeatID: seat.ID, Number: 1, Round: 1, State: reviewing.SheetDraft, Version: 1, CreatedAt: s.Now}
				if draft {
					f.out.sheets = append(f.out.sheets, sheet.ID)
				} else {
					counted, err := submitted(s, &sheet, a.Number, seat, i, j)
					if err != nil {
						return err
					}
					record.Sheets = append(record.Sheets, counted)
					s.Brings("sheet.submit", "sheet/"+sheet.ID, map[string]any{"review": r.Number, "sheet": sheet.Hash})
				}
				sheets = append(sheets, sheet)
			}
			return insert(s, declarations, sheets)
		})
		if err != nil {
			return err
		}
	}
	if now {
		return f.rows(ctx, func(s *store.Step) error {
			return s.Model(&reviewing.Review{}).Where("id = ?", r.ID).Updates(map[string]any{"state": reviewing.Marking, "chair_seat_id": seats[0].ID, "chair_how": "appointed"}).Error
		})
	}
	return f.close(ctx, r, seats, record)
}

// submitted fills in a submitted sheet and tells its line of the record.
func submitted(s *store.Step, sheet *reviewing.Sheet, number string, seat reviewing.Seat, i, j int) (rank.Sheet, error) {
	c := reviewing.SheetContent{Recommendation: "recommend", Opinion: "方案可行，建议支持。", Salt: secret.Random(16), OpinionSalt: secret.Random(16)}
	for k, line := range criteria {
		mark := 1000 + (j*7+i*3+k*11)%25*50
		c.Marks = append(c.Marks, reviewing.CriterionMark{Criterion: line.Code, Mark: &mark})
	}
	digest := c.Digest(number, seat.Code, 1)
	digest.Opinion = journal.Hash(c.OpinionSalt + "\n" + c.Opinion)
	var err error
	if sheet.Hash, err = rank.SheetHash(c.Salt, digest); err != nil {
		return rank.Sheet{}, err
	}
	sheet.State, sheet.SubmittedAt = reviewing.SheetSubmitted, &s.Now
	text, err := journal.Canonical(c)
	sheet.Content = s.Keys.Seal(string(text), "sheet/"+sheet.ID)
	return rank.Sheet{Status: "counted", Class: string(seat.Class), Salt: c.Salt, Hash: sheet.Hash, Sheet: digest}, err
}

// close closes a past review with the ranking its sheets give.
func (f *filler) close(ctx context.Context, r reviewing.Review, seats []reviewing.Seat, record rank.Record) error {
	return f.rows(ctx, func(s *store.Step) error {
		pack, err := f.app.Store.Pack(s)
		if err != nil {
			return err
		}
		record.RulePack = pack.ID()
		slices.SortFunc(record.Sheets, func(a, b rank.Sheet) int {
			return strings.Compare(a.Sheet.Application+"\x00"+a.Sheet.Expert, b.Sheet.Application+"\x00"+b.Sheet.Expert)
		})
		if record, err = rank.Compute(record); err != nil {
			return err
		}
		owed := map[string]int{}
		for _, seat := range seats {
			owed[seat.ID] = len(record.Results)
		}
		hash, err := reviewstore.KeepRanking(s, r.ID, record, owed)
		if err != nil {
			return err
		}
		opinion, err := journal.Canonical(reviewing.Opinion{Text: "专家组认为申报项目总体符合指南要求。"})
		if err != nil {
			return err
		}
		salt, text := secret.Random(16), string(opinion)
		set := map[string]any{"state": reviewing.Closed, "chair_seat_id": seats[0].ID, "chair_how": "appointed", "opened_chair": true, "opened_by_supervisor": true,
			"opinion": s.Keys.Seal(text, "review/"+r.ID+"/opinion"), "opinion_hash": journal.Hash(salt + "\n" + text), "opinion_salt": salt,
			"ranking_hash": hash, "closed_at": s.Now}
		if err := s.Model(&reviewing.Seat{}).Where("review_id = ?", r.ID).Update("signed_at", s.Now).Error; err != nil {
			return err
		}
		if err := s.Model(&reviewing.Application{}).Where("review_id = ?", r.ID).Update("state", reviewing.AppReviewed).Error; err != nil {
			return err
		}
		return database.Swap(s.Tx, &reviewing.Review{}, map[string]any{"id": r.ID}, set)
	})
}
