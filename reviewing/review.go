package reviewing

import (
	"fmt"
	"slices"
	"time"

	"keping/experts"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
)

// ReviewState is where a review stands in SM-09.
type ReviewState string

// The states of SM-09; the comment says who acts next.
const (
	Preparing  ReviewState = "preparing"  // officer adds applications and freezes the frame
	Frozen     ReviewState = "frozen"     // holders commit, then reveal
	Drawn      ReviewState = "drawn"      // invited experts reply; officer confirms the panel
	Composed   ReviewState = "composed"   // experts pledge and declare; officer opens marking
	Marking    ReviewState = "marking"    // experts mark, round 1
	Discussing ReviewState = "discussing" // opened by chair and supervisor; experts may revise once
	Closed     ReviewState = "closed"     // award list
	Void       ReviewState = "void"       // 流会
)

// ReviewMoves is SM-09 as a table: from state, by act, to state.
var ReviewMoves = map[ReviewState]map[string]ReviewState{
	Preparing: {"freeze": Frozen, "void": Void}, Frozen: {"run": Drawn, "thaw": Preparing, "void": Void},
	Drawn: {"confirm": Composed, "void": Void}, Composed: {"start": Marking, "void": Void},
	Marking:    {"open": Discussing, "redo": Marking, "void": Void},
	Discussing: {"close": Closed, "reopen": Marking, "redo": Marking, "void": Void}, Closed: {}, Void: {},
}

// Review is one 评审批次.
type Review struct {
	ID          string `gorm:"primaryKey;size:36" json:"id"`
	Number      string `gorm:"size:40" json:"number"`
	ProgrammeID string `gorm:"size:36" json:"programme_id"`
	GuideID     string `gorm:"size:36" json:"guide_id"`
	Purpose     string `gorm:"size:20" json:"purpose"` // award
	Title       string `gorm:"size:200" json:"title"`
	OfficerID   string `gorm:"size:36" json:"officer_id"`
	Technical   int    `json:"technical"`
	Management  int    `json:"management"`
	Finance     int    `json:"finance"`
	UnitCap     int    `json:"unit_cap"`
	Selecting
	MeetingDay string `gorm:"size:10" json:"meeting_day"`
	Meeting
	Widening
	PausedAt    *time.Time    `json:"paused_at"` // by the supervisor: nothing moves until resumed
	PauseReason string        `gorm:"size:500" json:"pause_reason"`
	RedoReason  string        `gorm:"size:500" json:"redo_reason"` // asked for by an officer, approved by the supervisor
	RedoBy      string        `gorm:"size:36" json:"-"`
	State       ReviewState   `gorm:"size:20" json:"state"`
	Attempt     int           `json:"attempt"`
	ChairSeatID string        `gorm:"size:36" json:"chair_seat_id"`
	ChairHow    string        `gorm:"size:20" json:"chair_how"` // elected or appointed
	OpenedChair bool          `json:"opened_by_chair"`
	OpenedBySup bool          `gorm:"column:opened_by_supervisor" json:"opened_by_supervisor"`
	Opinion     secret.Sealed `json:"-"` // canonical Opinion of the chair, sealed at "review/<id>/opinion"
	OpinionHash string        `gorm:"size:64" json:"opinion_hash"`
	OpinionSalt string        `gorm:"size:64" json:"-"`
	RankingHash string        `gorm:"size:64" json:"ranking_hash"`
	ClosedAt    *time.Time    `json:"closed_at"`
	Version     int           `json:"version"`
	CreatedAt   time.Time     `gorm:"autoCreateTime:false" json:"created_at"`
}

// Opinion is the chair's consolidated word (综合意见): on the whole, and on each
// application it names.
type Opinion struct {
	Text         string               `json:"text" minLength:"10" maxLength:"10000"`
	Applications []ApplicationOpinion `json:"applications,omitempty" maxItems:"1000" doc:"逐项综合意见"`
}

// ApplicationOpinion is what a panel says of one application.
type ApplicationOpinion struct {
	ApplicationID string `json:"application_id" maxLength:"36"`
	Text          string `json:"text" minLength:"5" maxLength:"5000"`
}

// Of is what is said of one application, or "".
func (o Opinion) Of(application string) string {
	for _, a := range o.Applications {
		if a.ApplicationID == application {
			return a.Text
		}
	}
	return ""
}

// Ranking is the official record of a closed review, canonical.
type Ranking struct {
	ReviewID string `gorm:"primaryKey;size:36"`
	Record   string `gorm:"type:longtext"`
	Shared   bool   // at the closing the guide had another review that was not void
}

// SecondOpinion stands beside the official ranking of a closed review and never
// changes it: the files from which anyone computes it again, and the report.
type SecondOpinion struct {
	ReviewID    string    `gorm:"primaryKey;size:36"`
	RankingHash string    `gorm:"size:64"`       // of the official record it is computed from
	Why         string    `gorm:"size:500"`      // there is none, "" where there is
	Scores      string    `gorm:"type:longtext"` // scores.csv
	Costs       string    `gorm:"type:longtext"` // costs.csv, "" where places draw the line
	Ranking     string    `gorm:"type:longtext"` // ranking.csv
	Report      string    `gorm:"type:longtext"` // JSON
	Seed        int64     // the first 13 hexadecimal digits of RankingHash
	CreatedAt   time.Time `gorm:"autoCreateTime:false"`
}

// Result is one line of a closed ranking as boards read it, in the record's
// order; the record is what counts.
type Result struct {
	ReviewID      string `gorm:"primaryKey;size:36"`
	Position      int    `gorm:"primaryKey;autoIncrement:false"` // from 1
	ApplicationID string `gorm:"size:36"`
	Number        string `gorm:"size:40"`
	Title         string `gorm:"size:200"`
	Place         int    // the rank, 0 without
	Shown         string `gorm:"size:20"`
	Passed        bool
	Submitted     int    // final sheets, abstentions among them
	Totals        string `gorm:"size:2000"` // "CODE TOTAL" of each counted expert, joined by ";", see rank.Record.Totals
}

// Selection is how a review gets its experts.
type Selection string

// One panel is drawn for all applications; or every application gets its own,
// by correspondence: the best match, or drawn among its best.
const (
	ByDraw      Selection = "draw"
	ByMatch     Selection = "match"
	ByMatchDraw Selection = "match_draw"
)

// Selecting is how a review selects its experts, and for a match how many
// applications each takes at most and, drawn, among how many per seat.
type Selecting struct {
	Selection   Selection `gorm:"size:20" json:"selection"`
	ExpertLoad  int       `json:"expert_load"`
	BestPerSeat int       `json:"best_per_seat"`
}

// Matched tells that every application has its own panel.
func (s Selecting) Matched() bool { return s.Selection == ByMatch || s.Selection == ByMatchDraw }

// MatchFile is a file of a match: what is frozen with its frame and what its run
// has made, packed; those with profiles, which name experts by their works, sealed.
type MatchFile struct {
	DrawID string `gorm:"primaryKey;size:36"`
	Name   string `gorm:"primaryKey;size:40"`
	Hash   string `gorm:"size:64"`
	Data   []byte // gzip
}

// Widening is why a review goes beyond what its pack allows of itself.
type Widening struct {
	UnitCapReason string `gorm:"size:500" json:"unit_cap_reason"` // of the director, for more seats of one unit (P-15)
	FieldReason   string `gorm:"size:500" json:"field_reason"`    // of the officer, for technical experts of other fields
}

// NamesOpen tells whether bureau and panel may see who sits: from the start of
// the meeting on, by correspondence from that of the marking (P-12). The
// supervisor, who witnesses the draw, sees the names throughout.
func (r Review) NamesOpen(p *rulebook.Pack, now time.Time) bool {
	switch r.State {
	case Marking, Discussing, Closed:
		return true
	}
	return !p.NamesMasked || !p.Uses("P-12") || r.MeetsAt != nil && !now.Before(*r.MeetsAt)
}

// DrawTime is P-12 at the freeze: no earlier than so many hours before the
// panel meets, or before its day where no meeting is arranged yet. By
// correspondence nobody meets.
func DrawTime(p *rulebook.Pack, r Review, now time.Time) (rulebook.Verdict, error) {
	meets, err := calendar.Parse(r.MeetingDay)
	if err != nil {
		return rulebook.Verdict{}, err
	}
	if r.MeetsAt != nil {
		meets = *r.MeetsAt
	}
	earliest := meets.Add(-time.Duration(p.DrawHoursBefore) * time.Hour)
	inputs := rulebook.Inputs{"hours": p.DrawHoursBefore, "earliest": calendar.Stamp(earliest)}
	if p.DrawHoursBefore == 0 || r.Matched() {
		return p.NotApplicable("P-12", inputs), nil
	}
	return p.Check("P-12", !now.Before(earliest), inputs, fmt.Sprintf("抽取应临近评审：最早在评审前%d小时，即%s以后（惯例）。", p.DrawHoursBefore, calendar.Stamp(earliest)),
		"请届时再锁定候选名单；评审日有变的，请改期后办理。"), nil
}

// Draw is one attempt of a draw, of a panel or among applications.
type Draw struct {
	ID          string               `gorm:"primaryKey;size:36" json:"id"`
	ReviewID    string               `gorm:"size:36" json:"review_id"`
	Purpose     string               `gorm:"size:10" json:"purpose"` // panel or order
	Selection   Selection            `gorm:"size:20" json:"selection"`
	Attempt     int                  `json:"attempt"`
	State       string               `gorm:"size:10" json:"state"`   // frozen, run, void
	Frame       string               `gorm:"type:longtext" json:"-"` // canonical
	FrameHash   string               `gorm:"size:64" json:"frame_hash"`
	Commitments string               `gorm:"type:longtext" json:"-"` // JSON list of draw.Commitment
	Reveals     string               `gorm:"type:longtext" json:"-"` // JSON list of draw.Reveal
	Record      string               `gorm:"type:longtext" json:"-"`
	RevealBy    *time.Time           `json:"reveal_by"`
	Committers  rbac.List[Committer] `json:"-"` // who holds which secret
	Approvals   rbac.List[Approval]  `json:"-"` // who has agreed to void this attempt
	VoidSalt    string               `gorm:"size:64" json:"-"`
	VoidReason  string               `gorm:"size:500" json:"void_reason"`
	CreatedAt   time.Time            `gorm:"autoCreateTime:false" json:"created_at"`
}

// IsMatch tells that the attempt matches, each application its own panel.
func (d Draw) IsMatch() bool { return d.Selection == ByMatch || d.Selection == ByMatchDraw }

// Committer is the user behind a holder's name.
type Committer struct {
	Holder string `json:"holder"`
	User   string `json:"user"`
}

// Approval is one user's word to void an attempt.
type Approval struct {
	User string    `json:"user"`
	Role rbac.Role `json:"role"`
}

// Voidable tells whether an attempt has the approvals it needs: of a director
// and a supervisor, of whom the holder who failed to reveal is not one; where
// a supervisor failed, a director decides with a second director or another
// supervisor.
func Voidable(approvals []Approval, failed []string) bool {
	directors, supervisors := 0, 0
	for _, a := range approvals {
		switch {
		case slices.Contains(failed, a.User):
		case a.Role == rbac.Director:
			directors++
		case a.Role == rbac.Supervisor:
			supervisors++
		}
	}
	return directors > 0 && (supervisors > 0 || len(failed) > 0 && directors > 1)
}

// Failed are the users who committed to a draw and did not reveal in time.
func (d Draw) Failed(revealed []string, now time.Time) []string {
	var out []string
	if d.RevealBy == nil || !now.After(*d.RevealBy) {
		return nil
	}
	for _, c := range d.Committers {
		if !slices.Contains(revealed, c.Holder) {
			out = append(out, c.User)
		}
	}
	return out
}

// FrameCode ties a pseudonym of a frame to its expert; the salt behind
// "person" is sealed at "frame_code/<id>".
type FrameCode struct {
	ID       string `gorm:"primaryKey;size:36"`
	DrawID   string `gorm:"size:36"`
	Code     string `gorm:"size:40"`
	ExpertID string `gorm:"size:36"`
	Salt     secret.Sealed
}

// SeatState is where a seat stands in SM-10.
type SeatState string

// The states of a seat.
const (
	SeatInvited  SeatState = "invited"  // the expert replies before the deadline
	SeatAccepted SeatState = "accepted" // the expert pledges and declares
	SeatPledged  SeatState = "pledged"  // the expert marks
	SeatVacated  SeatState = "vacated"  // declined, no answer, replaced
)

// SeatMoves is SM-10 as a table.
var SeatMoves = map[SeatState]map[string]SeatState{
	SeatInvited:  {"accept": SeatAccepted, "vacate": SeatVacated},
	SeatAccepted: {"pledge": SeatPledged, "vacate": SeatVacated},
	SeatPledged:  {"vacate": SeatVacated},
	SeatVacated:  {},
}

// Telephone is a reply by telephone that waits for a second person's word.
type Telephone struct {
	ReplyEnteredBy string        `gorm:"size:36" json:"-"` // who took it down
	ReplyEntered   secret.Sealed `json:"-"`                // sealed at "seat/<id>/reply"
}

// Seat is one person's place on the panel (ApplicationID "") or, as a
// substitute, for one application.
type Seat struct {
	ID            string        `gorm:"primaryKey;size:36" json:"id"`
	ReviewID      string        `gorm:"size:36" json:"review_id"`
	ApplicationID string        `gorm:"size:36" json:"application_id"`
	Class         experts.Class `gorm:"size:20" json:"class"`
	Code          string        `gorm:"size:40" json:"code"`
	ExpertID      string        `gorm:"size:36" json:"-"`
	PersonID      string        `gorm:"size:36" json:"-"`
	UnitID        string        `gorm:"size:36" json:"-"` // of a joint seat: the joint unit
	State         SeatState     `gorm:"size:20" json:"state"`
	Reason        string        `gorm:"size:500" json:"reason"` // a code
	Note          secret.Sealed `json:"-"`                      // the reason in words, sealed at "seat/<id>/note"
	NoteSalt      string        `gorm:"size:64" json:"-"`
	ReplyBy       *time.Time    `json:"reply_by"`
	PledgedAt     *time.Time    `json:"pledged_at"`
	SignedAt      *time.Time    `json:"signed_at"`
	SignedHash    string        `gorm:"size:64" json:"signed_hash"`
	AttendedAt    *time.Time    `json:"attended_at"` // 签到
	Dissent       secret.Sealed `json:"-"`           // what the signature does not agree to, sealed at "seat/<id>/dissent"
	DissentSalt   string        `gorm:"size:64" json:"-"`
	NotSigned     string        `gorm:"size:500" json:"not_signed"` // the recorded reason why there is no signature
	Vote          string        `gorm:"size:36" json:"-"`           // seat voted for as chair
	Owed          int           `json:"-"`                          // sheets, written when the review closes
	Sheets        int           `json:"-"`                          // that it has handed in, likewise
	Telephone
	CreatedAt time.Time `gorm:"autoCreateTime:false" json:"created_at"`
}

// Declaration is what a seat declares for one application before any material
// is visible: none, or a recusal that suspends access at once.
type Declaration struct {
	ID            string        `gorm:"primaryKey;size:36" json:"id"`
	ReviewID      string        `gorm:"size:36" json:"review_id"`
	SeatID        string        `gorm:"size:36" json:"seat_id"`
	ApplicationID string        `gorm:"size:36" json:"application_id"`
	State         string        `gorm:"size:10" json:"state"` // clear, pending, approved, rejected
	Kind          string        `gorm:"size:20" json:"kind"`  // of the conflict, or Absence
	Reason        secret.Sealed `json:"-"`                    // sealed at "declaration/<id>"
	CreatedAt     time.Time     `gorm:"autoCreateTime:false" json:"created_at"`
}

// JointSeat records a joint unit's responsible person in a review.
type JointSeat struct {
	ID             string               `gorm:"primaryKey;size:36" json:"id"`
	ReviewID       string               `gorm:"size:36" json:"review_id"`
	UnitID         string               `gorm:"size:36" json:"unit_id"`
	Name           string               `gorm:"size:100" json:"name"`
	Post           string               `gorm:"size:50" json:"post"`
	UserID         string               `gorm:"size:36" json:"user_id"`
	Opinion        string               `gorm:"type:longtext" json:"opinion"`
	ParticipatedAt *time.Time           `json:"participated_at"`
	Earlier        rbac.List[JointPart] `json:"earlier" doc:"改写之前的参与情况"`
}

// JointPart is a joint unit's part in a review before it was written anew.
type JointPart struct {
	Name    string    `json:"name"`
	Post    string    `json:"post"`
	Opinion string    `json:"opinion"`
	At      time.Time `json:"at"`
	Reason  string    `json:"reason" doc:"为何改写"`
}

// Again keeps the part taken so far among the earlier ones, so that it can be
// taken anew.
func (j *JointSeat) Again(reason string) {
	if j.ParticipatedAt != nil {
		j.Earlier = append(j.Earlier, JointPart{j.Name, j.Post, j.Opinion, *j.ParticipatedAt, reason})
		j.ParticipatedAt = nil
	}
}

// JointSheet is one version of a joint unit's marks for one of its
// applications: it stands in the ranking record with status joint, under the
// seat's id, and never counts (decision 7).
type JointSheet struct {
	ID            string        `gorm:"primaryKey;size:36"`
	ReviewID      string        `gorm:"size:36"`
	ApplicationID string        `gorm:"size:36"`
	JointSeatID   string        `gorm:"size:36"`
	Number        int           // counts the versions
	Content       secret.Sealed // JSON of SheetContent, sealed at "joint_sheet/<id>"
	Hash          string        `gorm:"size:64"` // as journalled
	SubmittedAt   time.Time
}

// Composition is who effectively reviews: of a panel, or of one application
// after recusals.
type Composition struct {
	Number string // of the application, "" for the panel
	Counts map[experts.Class]int
}

// Size counts all but joint seats.
func (c Composition) Size() int {
	n := 0
	for class, count := range c.Counts {
		if class != experts.Joint {
			n += count
		}
	}
	return n
}

func (c Composition) missing() string {
	text := ""
	for _, class := range []experts.Class{experts.Technical, experts.Management, experts.Finance} {
		if c.Counts[class] == 0 {
			if text != "" {
				text += "、"
			}
			text += experts.ClassNames[class]
		}
	}
	return text
}

// PanelRules are for the panel and R-065 for an application.
func PanelRules(p *rulebook.Pack, panel Composition, applications []Composition) []rulebook.Verdict {
	inputs := rulebook.Inputs{"size": panel.Size(), "minimum": p.PanelMin}
	for class, n := range panel.Counts {
		inputs[string(class)] = n
	}
	missing := panel.missing()
	out := []rulebook.Verdict{
		p.Check("R-063", panel.Size() >= p.PanelMin, inputs, fmt.Sprintf("评审专家组一般不少于%d人（第二十条），现有%d人。", p.PanelMin, panel.Size()), "请由候补依次补足，或增加席位后重新抽取。"),
		p.Check("R-064", missing == "", inputs, "评审专家组缺少："+missing+"专家（第二十条）。", "请补足同行技术、管理、财务三类专家，每类至少一人。"),
	}
	for _, a := range applications {
		inputs := rulebook.Inputs{"application": a.Number, "size": a.Size(), "minimum": p.PanelMin}
		lack := a.missing()
		text := ""
		if lack != "" {
			text = "（缺：" + lack + "类）"
		}
		out = append(out, p.Check("R-065", a.Size() >= p.PanelMin && lack == "", inputs,
			fmt.Sprintf("项目%s回避后有效专家%d人%s，不足%d人或类别不全，须由候补专家依次补足（第二十条）。", a.Number, a.Size(), text, p.PanelMin),
			"请为该项目递补专家；候补用尽的，可由科技局领导批准直接指定。"))
	}
	return out
}

// Counts are seats per class.
func Counts(technical, management, finance int) map[experts.Class]int {
	return map[experts.Class]int{experts.Technical: technical, experts.Management: management, experts.Finance: finance}
}
