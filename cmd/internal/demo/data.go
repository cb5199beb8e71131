package demo

import (
	"bytes"
	"fmt"

	expertsheet "keping/experts/sheetio"
	"keping/rbac"
	"keping/reviewing/sheetio"
)

// The data are realistic in shape and nobody's: names are drawn from common
// surnames and given names, codes and numbers are made with right check digits.

const (
	surnames = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余"
	given    = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰飞凤洁梅琳云莲真环雪荣爱妹香月莺媛"
)

func nameOf(i int) string {
	s, g := []rune(surnames), []rune(given)
	return string([]rune{s[i%len(s)], g[(i*7+i/len(s)*3)%len(g)], g[(i*13+5+i/3)%len(g)]})
}

func residentOf(i, year int) string {
	return rbac.MakeResidentID("500106", year, i%12+1, i%28+1, i%997)
}

type unitData struct {
	name, code, kind, alias, parent, evidence string
	district, joint                           bool
}

// units are forty: offices, departments, universities with colleges and a
// hospital under them, institutes, enterprises.
func units() []unitData {
	var out []unitData
	add := func(u unitData) {
		u.code = rbac.MakeCreditCode(1000 + len(out)*37)
		out = append(out, u)
	}
	add(unitData{name: "重庆市沙坪坝区科学技术局", kind: "科技局", district: true})
	add(unitData{name: "重庆市沙坪坝区财政局", kind: "财政局", district: true})
	add(unitData{name: "重庆市沙坪坝区经济和信息化委员会", kind: "区级行业主管部门", alias: "沙坪坝区经信委", district: true, joint: true})
	add(unitData{name: "重庆市沙坪坝区卫生健康委员会", kind: "区级行业主管部门", alias: "沙坪坝区卫健委", district: true, joint: true})
	for _, n := range []string{"嘉陵理工大学", "歌乐山医科大学", "磁器口师范大学", "双碑工业大学"} {
		add(unitData{name: n, kind: "高校", district: true, evidence: "科研平台证明", joint: n == "嘉陵理工大学"})
	}
	for i, n := range []string{"嘉陵理工大学车辆工程学院", "歌乐山医科大学附属医院", "双碑工业大学材料学院"} {
		add(unitData{name: n, kind: []string{"高校", "医疗机构", "高校"}[i], parent: out[[]int{4, 5, 7}[i]].code, district: true})
	}
	for _, n := range []string{"微电子", "汽车工程", "生物医药", "环境保护", "先进材料", "人工智能"} {
		add(unitData{name: "西部" + n + "研究院", kind: "科研院所", alias: n + "院", district: n != "人工智能"})
	}
	for i := len(out); i < 40; i++ {
		n := []string{"智行汽车电子", "云芯半导体", "康源免疫", "绿擎新能源", "瀚海传感", "磐石模具", "晨曦医疗器械", "恒远制造", "启明软件", "巴渝环保", "虹光显示", "数联科技",
			"天枢导航", "新锐电池", "博创机器人", "惠民检测", "锦程物流装备", "砺行测控", "同心药业", "汇智云算", "德兴铸造", "华岩光电", "通渝网络"}[i-17]
		add(unitData{name: "重庆" + n + "有限公司", kind: "企业", alias: n, district: i%5 != 0})
	}
	return out
}

type expertData struct {
	name, document, mail, title, unit, pool, classes, field, history, evidence string
	year                                                                       int
	district                                                                   bool
}

// experts are 168: technical ones for two groups, management, finance, advisory.
func expertsOf(units []unitData) []expertData {
	var out []expertData
	homes := []int{4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24}
	for i := range 168 {
		e := expertData{name: nameOf(i), year: 1978 + i%14, pool: "技术", district: true, mail: fmt.Sprintf("expert%03d@example.cn", i), title: []string{"教授", "研究员", "正高级工程师", "副教授"}[i%4]}
		unit := units[homes[i%len(homes)]]
		e.unit = unit.code
		switch {
		case i < 84:
			e.classes, e.field = "同行技术", []string{"520.20", "510.30", "310.14", "430.45", "610.30"}[i%5]
		case i < 120:
			e.classes, e.field = "管理", "630.40"
			if i%6 == 0 {
				e.classes = "管理;同行技术"
			}
		case i < 150:
			e.classes, e.field = "财务", "790.55"
		default:
			e.pool, e.classes, e.field, e.evidence, e.year = "咨询", "同行技术", "520.20", "奖励|享受国务院政府特殊津贴", 1962+i%6
		}
		e.document = residentOf(i, e.year)
		e.history = fmt.Sprintf("%s|%s|%d-07-01|", unit.code, e.title, e.year+28)
		out = append(out, e)
	}
	// Planted: a member over the age the pack sets; facts missing; past posts on both sides of three years.
	out[2].year, out[2].document = 1968, residentOf(2, 1968)
	out[40].history = ""
	out[41].history += fmt.Sprintf(";%s|工程师|2018-01-01|2023-09-30", units[30].code)
	out[42].history += fmt.Sprintf(";%s|工程师|2016-01-01|2021-12-31", units[30].code)
	return out
}

type applicationData struct {
	title, item, lead, leader, document, members, joint, fiscal, self, months string
	programme                                                                 string
}

// avoiding is the application whose unit asks to keep an expert away.
const avoiding = "功率器件关键技术研究"

// applications are 36 for the reviews and one that article 7 forbids.
func applicationsOf(units []unitData, experts []expertData) []applicationData {
	var out []applicationData
	topics := []string{"域控制器", "毫米波雷达", "功率器件", "免疫细胞制备", "电池热管理", "视觉传感", "精密模具", "手术导航", "数字化产线", "工业软件", "烟气治理", "车规显示",
		"高精地图", "固态电解质", "协作机器人", "无损检测", "柔性装配", "在线测控"}
	for i := range 36 {
		a := applicationData{programme: "major", item: "A1", fiscal: "20", self: "10", months: "24"}
		if i >= 18 {
			a.programme, a.item, a.fiscal = "key", "B1", "8"
		}
		unit := units[25+i%15]
		a.title = topics[i%18] + []string{"关键技术研究", "应用示范"}[i/18]
		a.lead, a.leader, a.document = unit.code, nameOf(200+i), residentOf(200+i, 1975+i%15)
		member := 300 + i
		a.members = fmt.Sprintf("%s|居民身份证|%s|%s", nameOf(member), residentOf(member, 1985+i%10), unit.code)
		if i < 18 && i%6 == 0 {
			a.item, a.joint = "A2", units[2].code
		}
		out = append(out, a)
	}
	person := func(i int, unit string) string {
		return fmt.Sprintf(";%s|居民身份证|%s|%s", experts[i].name, experts[i].document, unit)
	}
	// An expert of the pool takes part in a major application: the whole review is closed to him.
	out[1].members += person(43, experts[43].unit)
	// An expert takes part in a key application together with somebody of a major one (co_member).
	out[20].members += person(44, experts[44].unit) + fmt.Sprintf(";%s|居民身份证|%s|%s", nameOf(302), residentOf(302, 1985+2), out[2].lead)
	// Near miss: a leader of the same name as a member of the technical group, other unit, other year.
	out[4].leader = experts[5].name
	return out
}

// workbooks are the three files such as a bureau would bring.
func workbooks(units []unitData, experts []expertData) (map[string][]byte, error) {
	yes := map[bool]string{true: "是", false: "否"}
	side := map[bool]string{true: "区内", false: "区外"}
	u := expertsheet.Sheet{Name: "单位", Header: expertsheet.Header(expertsheet.UnitColumns)}
	for _, x := range units {
		u.Rows = append(u.Rows, []any{x.name, x.code, x.kind, x.alias, x.parent, side[x.district], yes[x.joint], x.evidence, ""})
	}
	e := expertsheet.Sheet{Name: "专家", Header: expertsheet.Header(expertsheet.ExpertColumns)}
	for i, x := range experts {
		e.Rows = append(e.Rows, []any{x.name, []string{"男", "女"}[i%2], "居民身份证", x.document, fmt.Sprintf("138%08d", 1000+i), x.mail, x.title, x.unit,
			side[x.district], x.pool, x.classes, x.field, "", "", x.history, x.evidence})
	}
	out := map[string][]byte{}
	for name, sheet := range map[string]expertsheet.Sheet{"units.xlsx": u, "experts.xlsx": e} {
		var b bytes.Buffer
		if err := expertsheet.WriteXLSX(&b, sheet); err != nil {
			return nil, err
		}
		out[name] = b.Bytes()
	}
	return out, nil
}

func applicationBook(rows []applicationData) ([]byte, error) {
	s := expertsheet.Sheet{Name: "申报书", Header: expertsheet.Header(sheetio.ApplicationColumns)}
	for _, x := range rows {
		s.Rows = append(s.Rows, []any{x.title, x.item, x.lead, x.leader, "居民身份证", x.document, x.members, "", x.joint, x.fiscal, "", x.self, x.months, x.title + "：面向本区产业需求开展攻关。"})
	}
	var b bytes.Buffer
	err := expertsheet.WriteXLSX(&b, s)
	return b.Bytes(), err
}
