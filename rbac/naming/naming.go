// Package naming compares names of units and of people as they come in free
// text: full- and half-width, brackets, short forms, old names, place prefixes,
// numerals, titles, pinyin, minority names.
//
// It judges names alone. Same means one name after normalising and aliases;
// Related a college, hospital or branch and its parent, or two of one parent;
// Different that nothing points to one unit or person; Unknown everything that
// a human has to look at: short forms that are not in the table, homophones,
// pinyin, masked names, another legal form. Whether two people of one name are
// one person only documents tell, so callers take Same and Different without a
// document for unknown.
//
// All functions are pure. A comparison costs O(n) in the names' lengths but for
// the alias table's longest prefix, which is looked up by length.
package naming

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Verdict is what two names say of each other.
type Verdict string

// The verdicts.
const (
	Same      Verdict = "same"
	Related   Verdict = "related"
	Unknown   Verdict = "unknown"
	Different Verdict = "different"
)

// Alone is what names say where neither a document nor a code stands beside
// them: neither Same nor Different is then more than Unknown.
func (v Verdict) Alone() Verdict {
	if v == Same || v == Different {
		return Unknown
	}
	return v
}

// maxBytes bounds the names that are compared: nobody's is longer.
const maxBytes = 600

// Alias is another name of a unit: a short form, or an old name until a day.
type Alias struct {
	Name  string // the full, present name
	Until string // YYYY-MM-DD, the last day of an old name; "" for a short form
}

// Aliases are known by the folded alias.
type Aliases struct {
	of      map[string]Alias
	longest int
}

//go:embed aliases.csv
var embedded []byte

// Default is the table that ships; a bureau extends it by a file of its own.
func Default() *Aliases {
	a := &Aliases{of: map[string]Alias{}}
	if err := a.Read(bytes.NewReader(embedded)); err != nil {
		panic("naming: aliases.csv: " + err.Error())
	}
	return a
}

// Read adds aliases from CSV with the columns alias, name and, optional, until.
// A faulty row is named by its line.
func (a *Aliases) Read(r io.Reader) error {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = -1
	for first := true; ; first = false {
		row, err := rows.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		line, _ := rows.FieldPos(0)
		row[0] = strings.TrimPrefix(row[0], "\ufeff")
		if first && row[0] == "alias" {
			continue
		}
		if len(row) < 2 || fold(row[0]) == "" || fold(row[1]) == "" {
			return fmt.Errorf("第%d行：应为 别名,全称[,停用日期]", line)
		}
		alias := Alias{Name: numerals(fold(row[1]))}
		if len(row) > 2 {
			alias.Until = strings.TrimSpace(row[2])
		}
		key := numerals(fold(row[0]))
		a.of[key] = alias
		a.longest = max(a.longest, len([]rune(key)))
	}
}

// fold takes away what does not tell names apart: width, spaces, punctuation
// but brackets and dots, case, accents, traditional forms.
func fold(name string) string {
	var out strings.Builder
	for _, r := range norm.NFKC.String(name) {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r) || r == '\u200b' || r == '\ufeff':
		case strings.ContainsRune("·•‧・･●∙", r):
			out.WriteRune('·')
		case strings.ContainsRune("[【〔{", r):
			out.WriteRune('(')
		case strings.ContainsRune("]】〕}", r):
			out.WriteRune(')')
		case r == '(' || r == ')' || r == '*':
			out.WriteRune(r)
		case unicode.IsPunct(r) || unicode.IsSymbol(r):
		default:
			out.WriteString(strings.ToLower(bare(Simplified(r))))
		}
	}
	return out.String()
}

// Simplified is the simplified form of a traditional letter that names and
// titles use, and any other letter itself.
func Simplified(r rune) rune {
	if s, ok := simplified[r]; ok {
		return s
	}
	return r
}

// simplified are the traditional forms that names of people and units use.
var simplified = func() map[rune]rune {
	out := map[rune]rune{}
	from := []rune("張陳劉楊趙黃吳鄭孫馬羅謝許鄧馮蕭葉蘇魯韓蔣沈賈鍾鐘盧譚陸範萬錢湯賀賴龔龐嚴歐陽閻顧侯鄒龍偉強傑麗華國建軍學東紅寧慶蘭鳳鵬飛雲風輝曉靜穎瑩潔玉勝凱銳鋒鋼鐵錦銘鑫鴻濤濱澤淵漢潤嬋嬌媽娟婭顏顯題順須頓穎頌業醫藥學術術藝書畫電機車輛運輸農業產業區縣鄉鎮廠礦園圍團體會議員長門問間聞關開閉陰陽雙雜離難靈響齊齒壯聲壽夢奪奮婁專導將尋對層島崗嶺幣幫庫廣廳彎彥從復徵德愛慮憲應懷戰戲戶擔據攝擬敵數斷時暫條來極構槍標樣樹橋檢樓權歡歲歷歸殘氣決況準滅濟濕灣災為無煙營燈爾狀獨獲現環產畢異當療發盤監盡睜確碼礎禮禪種積穩窮競筆築簡糧紀約級純紙納細終組經結給絡統絲維綱網綠編練縣總績織繼續罷聖聯職聽肅腦腫臨興舉舊艦莊蓋藍蔔處號虧蟲補裝複見規視親覺觀計訊記講許設訪評詞試詩話該詳誠語說請諸謀識證議譯護讀變讓財責貢質購貝資賓賢賣賽贊趕躍車輕載輔輪輸轉農達遠適選遼還邊郵鄰釋針鈞鈴鉅鉉銀銅鋁錄鍵鎮鏡鑄陝陣隊階際隨險雞電霧靈靜頂項預領頭頻顆額願類飯館馳駐騎驗體高鬆鮑鮮鯉鳥鳴鴨麥黨齡")
	to := []rune("张陈刘杨赵黄吴郑孙马罗谢许邓冯萧叶苏鲁韩蒋沈贾钟钟卢谭陆范万钱汤贺赖龚庞严欧阳阎顾侯邹龙伟强杰丽华国建军学东红宁庆兰凤鹏飞云风辉晓静颖莹洁玉胜凯锐锋钢铁锦铭鑫鸿涛滨泽渊汉润婵娇妈娟娅颜显题顺须顿颖颂业医药学术术艺书画电机车辆运输农业产业区县乡镇厂矿园围团体会议员长门问间闻关开闭阴阳双杂离难灵响齐齿壮声寿梦夺奋娄专导将寻对层岛岗岭币帮库广厅弯彦从复征德爱虑宪应怀战戏户担据摄拟敌数断时暂条来极构枪标样树桥检楼权欢岁历归残气决况准灭济湿湾灾为无烟营灯尔状独获现环产毕异当疗发盘监尽睁确码础礼禅种积稳穷竞笔筑简粮纪约级纯纸纳细终组经结给络统丝维纲网绿编练县总绩织继续罢圣联职听肃脑肿临兴举旧舰庄盖蓝卜处号亏虫补装复见规视亲觉观计讯记讲许设访评词试诗话该详诚语说请诸谋识证议译护读变让财责贡质购贝资宾贤卖赛赞赶跃车轻载辅轮输转农达远适选辽还边邮邻释针钧铃钜铉银铜铝录键镇镜铸陕阵队阶际随险鸡电雾灵静顶项预领头频颗额愿类饭馆驰驻骑验体高松鲍鲜鲤鸟鸣鸭麦党龄")
	for i, r := range from {
		if i < len(to) {
			out[r] = to[i]
		}
	}
	return out
}()

// numerals turns 第二十四 into 第24, and 24所 into 第24研究所.
func numerals(name string) string {
	runes := []rune(name)
	var out []rune
	for i := 0; i < len(runes); {
		out = append(out, runes[i])
		i++
		if runes[i-1] != '第' {
			continue
		}
		j := i
		for j < len(runes) && strings.ContainsRune("〇零一二三四五六七八九十百", runes[j]) {
			j++
		}
		if j > i {
			out = append(out, []rune(fmt.Sprint(number(runes[i:j])))...)
			i = j
		}
	}
	name = string(out)
	if at := strings.IndexFunc(name, unicode.IsDigit); at >= 0 && strings.HasSuffix(name, "所") && !strings.Contains(name, "第") && !strings.HasSuffix(name, "研究所") {
		digits := strings.TrimSuffix(name[at:], "所")
		if strings.Trim(digits, "0123456789") == "" {
			return name[:at] + "第" + digits + "研究所"
		}
	}
	return name
}

func number(digits []rune) int {
	total, last := 0, 0
	for _, r := range digits {
		switch r {
		case '十':
			total += max(last, 1) * 10
			last = 0
		case '百':
			total += max(last, 1) * 100
			last = 0
		default:
			last = last*10*btoi(last > 0) + slices.Index([]rune("〇一二三四五六七八九"), r)*btoi(r != '零')
		}
	}
	return total + last
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
