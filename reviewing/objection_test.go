package reviewing

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestObjectionFault: a real name, a way to answer and grounds (P-41).
func TestObjectionFault(t *testing.T) {
	const text = "该项目与既有成果重复，附查新报告。"
	for _, c := range []struct{ unit, name, contact, text, fault string }{
		{"", "刘建国", "13900000000", text, ""},
		{"", "阿卜杜拉·买买提", "liu@example.org", text, ""},
		{"", "Maria García", "+8613900000000", text, ""},
		{"", "刘建国", "重庆市沙坪坝区大学城南路1号", text, ""},
		{"重庆示例科技有限公司", "王芳", "023-65000000", text, ""},
		{"沙坪坝区市民服务中心", "王芳", "023-65000000", text, ""},
		{"", "", "13900000000", text, "真实姓名"},
		{"", "　　", "13900000000", text, "真实姓名"},
		{"", "匿名", "13900000000", text, "真实姓名"},
		{"", "某某", "13900000000", text, "真实姓名"},
		{"", "一位知情群众", "13900000000", text, "真实姓名"},
		{"", "XXX", "13900000000", text, "真实姓名"},
		{"", "刘", "13900000000", text, "真实姓名"},
		{"", "12345", "13900000000", text, "真实姓名"},
		{"", "重庆示例科技有限公司", "13900000000", text, "法定代表人或联系人"},
		{"某公司", "王芳", "13900000000", text, "单位名称"},
		{"重庆示例科技有限公司", "匿名", "13900000000", text, "真实姓名"},
		{"", "刘建国", "微信联系", text, "联系方式"},
		{"", "刘建国", "12345", text, "联系方式"},
		{"", "刘建国", "     ", text, "联系方式"},
		{"", "刘建国", "13900000000", "不公平", "10个字"},
		{"", "刘建国", "13900000000", "　　　　　　　　　　　　　", "10个字"},
	} {
		if got := ObjectionFault(c.unit, c.name, c.contact, c.text); c.fault == "" {
			assert.Empty(t, got, c)
		} else {
			assert.Contains(t, got, c.fault, c)
		}
	}
}
