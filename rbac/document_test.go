package rbac

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseDocument(t *testing.T) {
	for _, c := range []struct{ kind, number, want string }{
		{"resident_id", "11010519491231002X", "resident_id:11010519491231002X"}, // the standard's own example
		{"居民身份证", " 11010519491231002x ", "resident_id:11010519491231002X"},
		{"身份证", "１１０１０５１９４９１２３１００２Ｘ", "resident_id:11010519491231002X"},
		{"护照", "e12345678", "passport:E12345678"},
		{"hk_macao", "H12345678", "hk_macao:H12345678"}, {"taiwan", "12345678", "taiwan:12345678"},
		{"foreign_resident", "FRA110081092901", "foreign_resident:FRA110081092901"},
		{"officer", "军字第1234567号", "officer:军字第1234567号"},
	} {
		d, err := ParseDocument(c.kind, c.number)
		require.NoError(t, err, c.number)
		assert.Equal(t, c.want, d.Key())
	}
	for _, c := range []struct{ kind, number, want string }{
		{"resident_id", "110105194912310021", "末位应为X"}, {"resident_id", "1101051949", "18位"},
		{"resident_id", MakeResidentID("500106", 1980, 2, 30, 1), "出生日期"},
		{"学生证", "1", "不在可用之列"}, {"passport", "12", "5至17位"}, {"hk_macao", "X1", "H或M"},
	} {
		_, err := ParseDocument(c.kind, c.number)
		assert.ErrorContains(t, err, c.want)
	}
	d, err := ParseDocument("resident_id", MakeResidentID("500106", 1980, 2, 28, 7))
	require.NoError(t, err)
	assert.Equal(t, 1980, d.BirthYear())
	assert.Equal(t, "500*************", d.Masked()[:16])
}

func TestParseCreditCode(t *testing.T) {
	code, err := ParseCreditCode("91350100m000100y43") // the standard's own example
	require.NoError(t, err)
	assert.Equal(t, "91350100M000100Y43", code)
	for seq := range 50 {
		_, err := ParseCreditCode(MakeCreditCode(seq))
		assert.NoError(t, err)
	}
	for text, want := range map[string]string{"91350100M000100Y44": "末位应为3", "9135": "18位", "91350100M000100YI3": "不应有“I”"} {
		_, err := ParseCreditCode(text)
		assert.ErrorContains(t, err, want)
	}
}

func TestParsePhone(t *testing.T) {
	for text, want := range map[string]string{"13800138000": "13800138000", "138-0013-8000": "13800138000", "+86 138 0013 8000": "13800138000",
		"023-65368888": "023-65368888", "（023）65368888": "02365368888", "+1 2025550123": "+12025550123"} {
		got, err := ParsePhone(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got)
	}
	for _, bad := range []string{"12345", "=cmd", "23800138000", "+86 23800138000x", "1380013800", "0000000000"} {
		_, err := ParsePhone(bad)
		assert.Error(t, err, bad)
	}
	assert.Equal(t, "138****8000", MaskPhone("13800138000"))
}

func TestParseBankCard(t *testing.T) {
	got, err := ParseBankCard("6222 0200 0000 0000 006")
	assert.ErrorContains(t, err, "末位应为")
	assert.Empty(t, got)
	got, err = ParseBankCard("4111-1111 11111111") // the usual test number
	require.NoError(t, err)
	assert.Equal(t, "************1111", MaskBankCard(got))
	for _, bad := range []string{"", "123", "4111111111111112", "411111111111111A", "=1+1"} {
		_, err := ParseBankCard(bad)
		assert.Error(t, err, bad)
	}
}

func TestApart(t *testing.T) {
	apart, err := ParseApart("# two pairs\npool_keeper, officer\n\nsystem_admin,audit_admin")
	assert.NoError(t, err)
	assert.Equal(t, Officer, apart.From(PoolKeeper, []Role{Director, Officer}))
	assert.Equal(t, AuditAdmin, apart.From(SystemAdmin, []Role{AuditAdmin}))
	assert.Empty(t, apart.From(Officer, []Role{Director}))
	_, err = ParseApart("pool_keeper, king")
	assert.ErrorContains(t, err, "king")
}

func TestPermission(t *testing.T) {
	assert.Equal(t, "submitSheet", Permission("sheet submit").Operation())
	assert.Equal(t, "fillInDraw", Permission("draw fill_in").Operation())
	assert.Equal(t, "sheet.submit", Permission("sheet submit").Act())
	assert.Equal(t, "sheet/-", Permission("sheet submit").Object("a b"))
}

func TestUnitRef(t *testing.T) {
	for text, want := range map[string]string{"91350100M000100Y43": "91350100M000100Y43", "military:bd-12345": "military:BD-12345", "军队单位代号：BD-12345": "military:BD-12345", "foreign:HRB 1234": "foreign:HRB1234"} {
		code, err := ParseUnitRef(text)
		assert.NoError(t, err, text)
		assert.Equal(t, want, code)
	}
	for text, why := range map[string]string{"91350100M000100Y44": "校验位", "martian:BD-12345": "种类", "military:一": "字母、数字"} {
		_, err := ParseUnitRef(text)
		assert.ErrorContains(t, err, why, text)
	}
}
