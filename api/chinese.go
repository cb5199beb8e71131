package api

import (
	"regexp"

	"github.com/danielgtaylor/huma/v2/validation"
)

// speakChinese replaces the texts of the validation library. It runs before
// the first operation is registered, as texts are copied into the schemas.
func speakChinese() {
	for text, chinese := range map[*string]string{
		&validation.MsgUnexpectedProperty:                 "没有这一项，请删去或核对名称",
		&validation.MsgExpectedRFC3339DateTime:            "应为 RFC 3339 时间，如 2025-03-01T09:00:00Z",
		&validation.MsgExpectedRFC1123DateTime:            "应为 RFC 1123 时间",
		&validation.MsgExpectedRFC3339Date:                "应为日期，如 2025-03-01",
		&validation.MsgExpectedRFC3339Time:                "应为时刻，如 09:00:00Z",
		&validation.MsgExpectedRFC5322Email:               "应为电子邮箱地址%.0s", // the parser's own words, in English, are left out
		&validation.MsgExpectedRFC5890Hostname:            "应为主机名",
		&validation.MsgExpectedRFC2673IPv4:                "应为 IPv4 地址",
		&validation.MsgExpectedRFC2373IPv6:                "应为 IPv6 地址",
		&validation.MsgExpectedRFCIPAddr:                  "应为 IP 地址",
		&validation.MsgExpectedRFC3986URI:                 "应为网址%.0s",
		&validation.MsgExpectedRFC4122UUID:                "应为 UUID%.0s",
		&validation.MsgExpectedRFC6570URITemplate:         "应为网址模板",
		&validation.MsgExpectedRFC6901JSONPointer:         "应为 JSON 指针",
		&validation.MsgExpectedRFC6901RelativeJSONPointer: "应为相对 JSON 指针",
		&validation.MsgExpectedRegexp:                     "应为正则表达式%.0s",
		&validation.MsgExpectedMatchAtLeastOneSchema:      "不符合任何一种允许的形式",
		&validation.MsgExpectedMatchExactlyOneSchema:      "应恰好符合一种允许的形式",
		&validation.MsgExpectedNotMatchSchema:             "不得为这种形式",
		&validation.MsgExpectedPropertyNameInObject:       "缺少必要的项",
		&validation.MsgExpectedBoolean:                    "应为 true 或 false",
		&validation.MsgExpectedDuration:                   "应为时长%.0s",
		&validation.MsgExpectedNumber:                     "应为数字",
		&validation.MsgExpectedInteger:                    "应为整数",
		&validation.MsgExpectedString:                     "应为文字",
		&validation.MsgExpectedBase64String:               "应为 base64 文字",
		&validation.MsgExpectedArray:                      "应为列表",
		&validation.MsgExpectedObject:                     "应为对象",
		&validation.MsgExpectedArrayItemsUnique:           "列表中有重复",
		&validation.MsgExpectedOneOf:                      "应为以下之一：“%s”",
		&validation.MsgExpectedMinimumNumber:              "不得小于 %v",
		&validation.MsgExpectedExclusiveMinimumNumber:     "应大于 %v",
		&validation.MsgExpectedMaximumNumber:              "不得大于 %v",
		&validation.MsgExpectedExclusiveMaximumNumber:     "应小于 %v",
		&validation.MsgExpectedNumberBeMultipleOf:         "应为 %v 的整数倍",
		&validation.MsgExpectedMinLength:                  "长度不得少于 %d 个字",
		&validation.MsgExpectedMaxLength:                  "长度不得超过 %d 个字",
		&validation.MsgExpectedBePattern:                  "格式不符：应为 %s",
		&validation.MsgExpectedMatchPattern:               "格式不符：应匹配 %s",
		&validation.MsgExpectedMinItems:                   "至少 %d 项",
		&validation.MsgExpectedMaxItems:                   "至多 %d 项",
		&validation.MsgExpectedMinProperties:              "至少 %d 项",
		&validation.MsgExpectedMaxProperties:              "至多 %d 项",
		&validation.MsgExpectedRequiredProperty:           "缺少必填项 %s",
		&validation.MsgExpectedDependentRequiredProperty:  "填写 %[2]s 时须同时填写 %[1]s",
	} {
		*text = chinese
	}
}

// literals are texts that neither huma nor encoding/json keeps in a variable.
var literals = []struct {
	pattern *regexp.Regexp
	chinese string
}{
	{regexp.MustCompile(`^invalid integer$`), "应为整数"},
	{regexp.MustCompile(`^invalid float`), "应为数字"},
	{regexp.MustCompile(`^invalid boolean$`), "应为 true 或 false"},
	{regexp.MustCompile(`^invalid date/time`), "应为时间"},
	{regexp.MustCompile(`^invalid`), "值的格式不符"},
	{regexp.MustCompile(`^unparsable value$`), "值无法读取"},
	{regexp.MustCompile(`^required (path|query|header|cookie) parameter is missing$`), "缺少必填项"},
	{regexp.MustCompile(`^request body is required$`), "缺少请求内容：须随请求提交 JSON（Content-Type: application/json）"},
	{regexp.MustCompile(`^unknown query parameter`), "没有这个查询参数，请删去或核对名称"},
	{regexp.MustCompile(`^unexpected query parameter`), "没有这个查询参数，请删去或核对名称"},
	{regexp.MustCompile(`^cannot read multipart form`), "上传的表单无法读取"},
	{regexp.MustCompile(`^file required$|^no file provided`), "请选择要上传的文件"},
	{regexp.MustCompile(`cannot unmarshal (number|string|bool|array|object)`), "值的类型不符"},
	{regexp.MustCompile(`unexpected end of JSON input|unexpected EOF|^EOF$`), "JSON 不完整"},
	{regexp.MustCompile(`invalid character|after top-level value`), "不是合法的 JSON"},
	{regexp.MustCompile(`exceeded max depth`), "JSON 嵌套过深"},
}

var hasChinese = regexp.MustCompile(`\p{Han}`)

// chinese is text in Chinese; what no table knows becomes a general sentence,
// never foreign prose.
func chinese(text string) string {
	if hasChinese.MatchString(text) {
		return text
	}
	for _, l := range literals {
		if l.pattern.MatchString(text) {
			return l.chinese
		}
	}
	return "值不符合要求"
}
