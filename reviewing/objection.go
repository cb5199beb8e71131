package reviewing

import (
	"regexp"
	"strings"
	"time"

	"keping/rbac"
	"keping/rbac/secret"
)

// Objection is one objection to a publicised line (SM-13). Who wrote it is
// sealed at "objection/<id>/…": hidden from applicant and panel.
type Objection struct {
	ID            string         `gorm:"primaryKey;size:36" json:"id"`
	ListID        string         `gorm:"size:36" json:"list_id"`
	ApplicationID string         `gorm:"size:36" json:"application_id"`
	Unit          secret.Sealed  `json:"-"` // where a unit objects; Name speaks for it
	Name          secret.Sealed  `json:"-"`
	Contact       secret.Sealed  `json:"-"`
	Text          secret.Sealed  `json:"-"`
	Finding       secret.Sealed  `json:"-"` // of the investigation
	Answer        secret.Sealed  `json:"-"`
	Salt          string         `gorm:"size:64" json:"-"` // of the text's digest in the journal
	State         ObjectionState `gorm:"size:20" json:"state"`
	AcceptBy      string         `gorm:"size:10" json:"accept_by"` // last day to accept it or not
	AnswerBy      string         `gorm:"size:10" json:"answer_by"` // last day to answer it
	ArchivedAt    *time.Time     `json:"archived_at"`
	DecidedBy     string         `gorm:"size:36" json:"-"`
	CreatedAt     time.Time      `gorm:"autoCreateTime:false" json:"created_at"`
	DecidedAt     *time.Time     `json:"decided_at"`
}

// ObjectionState is where an objection stands in SM-13.
type ObjectionState string

// The states of SM-13.
const (
	Lodged        ObjectionState = "lodged"        // supervisor accepts or not
	Accepted      ObjectionState = "accepted"      // the line is stopped; supervisor investigates
	Rejected      ObjectionState = "rejected"      // 不受理
	Investigating ObjectionState = "investigating" // supervisor concludes and answers
	Upheld        ObjectionState = "upheld"        // 调整: a new version of the list
	Dismissed     ObjectionState = "dismissed"     // 维持
)

// ObjectionMoves is SM-13 as a table.
var ObjectionMoves = map[ObjectionState]map[string]ObjectionState{
	Lodged:        {"accept": Accepted, "reject": Rejected},
	Accepted:      {"investigate": Investigating},
	Investigating: {"uphold": Upheld, "dismiss": Dismissed},
	Rejected:      {"archive": Rejected}, Upheld: {"archive": Upheld}, Dismissed: {"archive": Dismissed},
}

// Open tells whether an objection still waits for its answer.
func (s ObjectionState) Open() bool { return s == Lodged || s == Accepted || s == Investigating }

var (
	nameless = regexp.MustCompile(`匿名|某|无名|佚名|不愿透露|知情人|知情者|群众|网友|网民|市民|举报人|路人|保密|不详|(?i)anonym|^[xX]+$`)
	noUnit   = regexp.MustCompile(`匿名|某|(?i)anonym`)
	nameForm = regexp.MustCompile(`^[\p{L}][\p{L}\p{M}·•.\-'’ ]*[\p{L}.]$`)
	unitForm = regexp.MustCompile(`公司|集团|大学|学院|学校|医院|研究院|研究所|实验室|中心|协会|学会|委员会|事务所|合作社|[局厂所站]$`)
	mailForm = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s.]+$`)
	postForm = regexp.MustCompile(`[省市区县镇乡村路街道巷里号栋幢楼室].*[路街道巷里号栋幢楼室村]`)
)

// ObjectionFault tells what an objection lacks of P-41, "" if nothing: a real
// name, for a unit its name and that of its legal representative or contact
// person; where to reach them; and grounds. What is no phone number, mail or
// postal address reaches nobody.
func ObjectionFault(unit, name, contact, text string) string {
	name = strings.TrimSpace(name)
	_, notPhone := rbac.ParsePhone(contact)
	contact = rbac.Fold(contact)
	post := postForm.MatchString(contact) && Written(contact, 8)
	switch {
	case unit == "" && unitForm.MatchString(name):
		return "单位提出异议的，unit填写单位名称，name填写法定代表人或联系人姓名"
	case unit != "" && (noUnit.MatchString(unit) || !Written(unit, 4)):
		return "单位名称不完整，请填写登记的全称"
	case nameless.MatchString(rbac.Fold(name)) || !nameForm.MatchString(name):
		return "没有真实姓名"
	case notPhone != nil && !mailForm.MatchString(contact) && !post:
		return "联系方式不是电话号码、邮箱或通信地址"
	case !Written(text, 10):
		return "没有不少于10个字的异议内容和依据"
	}
	return ""
}
