package api

import (
	"encoding/json"
	"strings"

	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/rulebook"
	"keping/rbac/store"
)

func (s *Server) loadPack(step *store.Step, in *struct {
	Write
	Body rulebook.Pack
}) (store.PackView, error) {
	content, err := json.Marshal(in.Body)
	if err != nil {
		return store.PackView{}, err
	}
	return s.Store.LoadPack(step, content)
}

func (s *Server) approvePack(step *store.Step, in *ByID) (store.PackView, error) {
	return s.Store.ApprovePack(step, in.ID)
}

func (s *Server) listPacks(r *Reading, in *struct{ Paging }) (Page[store.PackView], error) {
	packs, err := s.Store.Packs(r, in.After, in.Limit+1)
	return page(packs, in.Limit, func(p store.PackView) string { return p.ID }), err
}

func (s *Server) loadCalendar(step *store.Step, in *struct {
	Write
	Body calendar.Year
}) (calendar.Year, error) {
	content, err := json.Marshal(in.Body)
	if err != nil {
		return calendar.Year{}, err
	}
	return s.Store.SaveCalendar(step, content)
}

func (s *Server) listCalendars(r *Reading, _ *struct{}) (Page[calendar.Year], error) {
	years, err := s.Store.Calendars(r)
	return Page[calendar.Year]{Items: years}, err
}

func (s *Server) listNotices(r *Reading, in *struct {
	Paging
	State  string `query:"state" enum:"queued,sent,failed,dropped"`
	Object string `query:"object" maxLength:"100"`
}) (Page[store.NoticeView], error) {
	notices, err := s.Store.Notices(r, in.State, in.Object, in.After, in.Limit+1)
	for i := range notices {
		notices[i] = noticeFor(r.Actor.Role, notices[i])
	}
	return page(notices, in.Limit, func(n store.NoticeView) string { return n.ID }), err
}

// noticeFor hides where an invitation, or the link for an expert's first sign-in,
// went: who sits is not told by a letter and a domain either (P-12).
func noticeFor(role rbac.Role, n store.NoticeView) store.NoticeView {
	if role != rbac.Supervisor && (strings.HasPrefix(n.Object, "seat/") || strings.HasPrefix(n.Object, "user/")) {
		n.Address = "***"
	}
	return n
}

func (s *Server) resendNotice(step *store.Step, in *ByID) (store.NoticeView, error) {
	n, err := s.Store.ResendNotice(step, in.ID)
	return noticeFor(step.Call.Actor.Role, n), err
}
