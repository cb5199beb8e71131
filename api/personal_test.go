package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPersonalData: documents, phones and cards are sealed in the store, masked
// in every answer, absent from the journal, and found again by blind index.
func TestPersonalData(t *testing.T) {
	w := newWorld(t)
	w.populate()
	const phone, card = "13812345678", "6222021234567890128"
	document := resident(950, 1979)
	body := map[string]any{"name": "新专家", "document_kind": "resident_id", "document": document, "phone": phone, "bank_card": card, "mail": "new@example.cn", "unit_id": w.units["lead0"], "in_district": true,
		"pool": "technical", "classes": []string{"finance"}, "fields": []any{map[string]any{"code": "790.55"}}}
	keeper := w.users["keeper"]
	body["bank_card"] = card[:18] + "0"
	keeper.do("POST", "/api/experts", body).is(t, http.StatusUnprocessableEntity)
	body["bank_card"] = card
	id := keeper.ok("POST", "/api/experts", body).text(t, "result.id")
	shown := keeper.do("GET", "/api/experts/"+id, nil).is(t, http.StatusOK)
	assert.Equal(t, "138****5678", shown.text(t, "phone"))
	for _, path := range []string{"/api/experts/" + id, "/api/experts?q=新专家", "/api/experts"} {
		a := keeper.do("GET", path, nil).is(t, http.StatusOK)
		for _, secret := range []string{document, phone, card} {
			assert.NotContains(t, a.body, secret, path)
		}
	}
	for _, e := range w.journal(0) {
		assert.NotContains(t, string(e.Facts), "新专家")
		assert.NotContains(t, string(e.Facts), document)
	}
	var rows []struct{ Phone, BankCard []byte }
	require.NoError(t, w.app.Store.DB.Read(t.Context()).Table("experts").Where("id = ?", id).Find(&rows).Error)
	require.Len(t, rows, 1)
	assert.NotEmpty(t, rows[0].BankCard)
	assert.NotContains(t, string(rows[0].Phone), phone)
	assert.NotContains(t, string(rows[0].BankCard), card)
	var numbers [][]byte
	require.NoError(t, w.app.Store.DB.Read(t.Context()).Table("identities").Pluck("number", &numbers).Error)
	for _, n := range numbers {
		assert.NotContains(t, string(n), document)
	}
	body["name"], body["mail"] = "新专家", "again@example.cn"
	again := keeper.do("POST", "/api/experts", body)
	assert.Equal(t, http.StatusConflict, again.status, "the same document is the same person: %s", again.body)
}
