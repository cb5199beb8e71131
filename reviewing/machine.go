package reviewing

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"keping/experts"
	"keping/rbac"
)

// Machine is a life cycle as the code runs on it: from state, by move, to state.
type Machine struct {
	ID    string                       `json:"id"`
	Name  string                       `json:"name"`
	Moves map[string]map[string]string `json:"moves"`
}

// Machines are the life cycles of intake, panel, marks, list and objections.
func Machines() []Machine {
	return []Machine{
		{"SM-06", "申报", plain(ApplicationMoves)}, {"SM-07", "专家", plain(experts.Moves)}, {"SM-08", "专家组", plain(GroupMoves)},
		{"SM-09", "评审批次", plain(ReviewMoves)}, {"SM-10", "评审任务", plain(SeatMoves)}, {"SM-11", "评分", plain(SheetMoves)},
		{"SM-12", "拟立项清单", plain(ListMoves)}, {"SM-13", "异议", plain(ObjectionMoves)},
	}
}

func plain[S ~string](moves map[S]map[string]S) map[string]map[string]string {
	out := map[string]map[string]string{}
	for from, byMove := range moves {
		out[string(from)] = map[string]string{}
		for move, to := range byMove {
			out[string(from)][move] = string(to)
		}
	}
	return out
}

// Mermaid draws the machine as a state diagram, the same text every time.
func (m Machine) Mermaid() string {
	var text strings.Builder
	fmt.Fprintf(&text, "stateDiagram-v2\n")
	for _, from := range slices.Sorted(maps.Keys(m.Moves)) {
		if len(m.Moves[from]) == 0 {
			fmt.Fprintf(&text, "    %s --> [*]\n", from)
		}
		for _, move := range slices.Sorted(maps.Keys(m.Moves[from])) {
			fmt.Fprintf(&text, "    %s --> %s: %s\n", from, m.Moves[from][move], move)
		}
	}
	return text.String()
}

// stateNames are the states as users read them; one word means one thing in
// all machines but where a key says whose it is.
var stateNames = map[string]string{
	"draft": "草稿", "unit_review": "单位审核", "submitted": "已提交", "correction": "待补正", "accepted": "已受理", "refused": "未通过", "in_review": "评审中", "reviewed": "已评审",
	"proposed": "拟立项", "reserve": "备选", "declined": "不立项", "awarded": "已立项", "withdrawn": "已撤回",
	"preparing": "筹备", "frozen": "名单已锁定", "drawn": "已抽取", "composed": "已组成", "marking": "评分中", "discussing": "讨论中", "closed": "已结束", "void": "已作废",
	"invited": "已邀请", "pledged": "已承诺", "vacated": "已空出", "revised": "已修改",
	"drafted": "拟订中", "deliberated": "已审议", "public": "公示中", "interrupted": "公示中断", "confirmed": "已确认", "superseded": "已被新版替代",
	"lodged": "已提出", "rejected": "不受理", "investigating": "调查中", "upheld": "异议成立", "dismissed": "异议不成立",
	"approved": "已批准", "published": "已发布", "forming": "组建中", "in_term": "在任", "dissolved": "已解散", "recommended": "已推荐", "ended": "已退出",
	"in_pool": "在库", "suspended": "已暂停", "banned": "已禁用", "left": "已退出", "pending": "待处理", "clear": "无利益关系", "SM-09/void": "流会", "SM-09/run": "已抽取", "SM-10/accepted": "已接受", "SM-07/proposed": "待审核",
}

// moveNames are the moves as users read them.
var moveNames = map[string]string{
	"submit": "提交", "hand_in": "提交单位审核", "endorse": "单位审核通过", "send_back": "退回负责人", "send_back_correction": "退回负责人补正", "withdraw": "撤回", "accept": "受理", "correct": "更正或补正",
	"refuse": "作不通过处理", "review": "列入评审批次", "close": "结束", "propose": "列为拟立项", "reserve": "列为备选", "decline": "列为不立项", "award": "立项",
	"freeze": "锁定名单", "run": "抽取", "thaw": "解除锁定", "confirm": "确认", "start": "开始评分", "open": "开启评分", "redo": "环节重评", "reopen": "重新评分", "void": "作废或流会",
	"pledge": "承诺", "vacate": "替换", "save": "保存", "enter": "补录", "revise": "讨论后修改", "return": "退回",
	"adjust": "调整", "deliberate": "审议", "publicise": "公示", "interrupt": "中断公示", "resume": "恢复", "supersede": "生成新版",
	"reject": "不受理", "investigate": "调查", "uphold": "认定异议成立", "dismiss": "认定异议不成立", "archive": "归档", "recommend": "推荐成员", "approve": "审定", "dissolve": "解散",
	"admit": "入库", "suspend": "暂停", "exit": "退出", "lapse": "到期自动暂停", "ban": "禁用", "lift": "解除禁用", "expire": "期满自动恢复", "publish": "发布",
}

// MoveRefusal says that a state machine forbids an act in the present state,
// and what can be done instead. act is a move of the machine, or in words.
func MoveRefusal(machine, state, act string) error {
	name, present := "该事项", stateNames[machine+"/"+state]
	if present == "" {
		present = stateNames[state]
	}
	if words := moveNames[act]; words != "" {
		act = words
	}
	var open []string
	for _, m := range Machines() {
		if m.ID == machine {
			name = m.Name
			for _, move := range slices.Sorted(maps.Keys(m.Moves[state])) {
				open = append(open, moveNames[move])
			}
		}
	}
	way := "请刷新后核对。"
	if len(open) > 0 {
		way = "现在可以：" + strings.Join(open, "、") + "。"
	}
	return &rbac.Refusal{Kind: rbac.RefusedState, Message: fmt.Sprintf("%s当前为“%s”，不能%s（%s）。%s", name, present, act, machine, way)}
}
