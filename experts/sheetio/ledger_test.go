package sheetio

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// TestLedgers: tables of past years come as a bureau's Excel leaves them (GBK),
// and each fault is told by row, column and reason.
func TestLedgers(t *testing.T) {
	gbk := func(lines ...string) []byte {
		data, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(strings.Join(lines, "\n")))
		require.NoError(t, err)
		return data
	}
	rows, faults := Services("往年评审.csv", gbk("姓名,证件类型,证件号码,专项类别,年度,评审批次,席位类别,评审日期", "张三,居民身份证,11010519491231002X,重大,2023,2023年立项评审,技术,2023-06-18"))
	require.NoError(t, faults.Refusal())
	require.Len(t, rows, 1)
	assert.Equal(t, "technical", string(rows[0].Service.Class))
	assert.Equal(t, "major", rows[0].Service.ProgrammeKind)
	_, faults = Services("a.csv", gbk("姓名,证件类型,证件号码,专项类别,年度,评审批次,席位类别,评审日期", "张三,居民身份证,110105194912310021,重小,二三,评审,院士,2023-06-31",
		"张三,居民身份证,11010519491231002X,重大,2023,评审,技术,2023-06-18", "张三,居民身份证,11010519491231002X,重大,2023,评审,技术,2023-06-18"))
	said := ""
	for _, f := range faults.Fields {
		said += f.Field + f.Message + "\n"
	}
	for _, want := range []string{"第2行“证件号码”", "第2行“专项类别”", "第2行“年度”", "第2行“席位类别”", "第2行“评审日期”", "第4行“评审批次”与第3行重复"} {
		assert.Contains(t, said, want)
	}

	records, faults := Integrity("诚信.csv", gbk("对象,名称,证件类型,证件号码,记录种类,起,止,来源,文号", "单位,某公司,统一社会信用代码,91350100M000100Y43,科研失信,2024-01-01,,市科技局,渝科监〔2024〕1号", "专家,张三,居民身份证,11010519491231002X,科研失信,2024-01-01,2026-12-31,市科技局,渝科监〔2024〕2号"))
	require.NoError(t, faults.Refusal())
	require.Len(t, records, 2)
	assert.Equal(t, "unit", records[0].Record.SubjectKind)
	assert.Equal(t, "person", records[1].Record.SubjectKind)
	_, faults = Integrity("诚信.csv", gbk("对象,名称,证件类型,证件号码,记录种类,起,止,来源,文号", "路人,张三,居民身份证,11010519491231002X,科研失信,2024-01-01,,市科技局,一号", "专家,张三,居民身份证,1,科研失信,2024-01-01,2023-01-01,市科技局,"+strings.Repeat("字", 101)))
	said = ""
	for _, f := range faults.Fields {
		said += f.Field + f.Message + "\n"
	}
	for _, want := range []string{"第2行“对象”", "第3行“证件号码”", "第3行“止”止日2023-01-01早于起日", "第3行“文号”超过100个字"} {
		assert.Contains(t, said, want)
	}
}
