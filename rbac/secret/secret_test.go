package secret

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSeal(t *testing.T) {
	keys, err := NewKeys(strings.Repeat("0a", 16), strings.Repeat("0b", 32))
	require.NoError(t, err)
	const plain, place = "resident_id:11010519491231002X", "identity/1"
	sealed := keys.Seal(plain, place)
	opened, err := keys.Open(sealed, place)
	require.NoError(t, err)
	assert.Equal(t, plain, opened)
	assert.NotContains(t, string(sealed), "110105")
	assert.NotEqual(t, sealed, keys.Seal(plain, place), "a fresh nonce each time")

	_, err = keys.Open(sealed, "identity/2")
	assert.Error(t, err, "moved to another row")
	for i := range sealed {
		broken := append(Sealed{}, sealed...)
		broken[i] ^= 1
		_, err := keys.Open(broken, place)
		assert.Error(t, err, "byte %d changed", i)
	}
	_, err = keys.Open(sealed[:5], place)
	assert.Error(t, err)
	other, err := NewKeys(strings.Repeat("0c", 16), strings.Repeat("0b", 32))
	require.NoError(t, err)
	_, err = other.Open(sealed, place)
	assert.Error(t, err, "another key")

	assert.Nil(t, keys.Seal("", place))
	opened, err = keys.Open(nil, place)
	require.NoError(t, err)
	assert.Empty(t, opened)
	_, err = json.Marshal(sealed)
	assert.Error(t, err, "a sealed field never leaves as JSON")
}

func TestIndex(t *testing.T) {
	keys, err := NewKeys(strings.Repeat("0a", 16), strings.Repeat("0b", 32))
	require.NoError(t, err)
	other, err := NewKeys(strings.Repeat("0a", 16), strings.Repeat("0c", 32))
	require.NoError(t, err)
	assert.Equal(t, keys.Index("passport:E1"), keys.Index("passport:E1"))
	assert.NotEqual(t, keys.Index("passport:E1"), keys.Index("officer:E1"), "the kind counts")
	assert.NotEqual(t, keys.Index("passport:E1"), other.Index("passport:E1"))
	for _, bad := range [][2]string{{"zz", strings.Repeat("0b", 32)}, {strings.Repeat("0a", 8), strings.Repeat("0b", 32)}, {strings.Repeat("0a", 16), "0b"}} {
		_, err := NewKeys(bad[0], bad[1])
		assert.Error(t, err)
	}
	assert.NotEqual(t, Random(16), Random(16))
	assert.Len(t, Random(16), 32)
}

func TestScan(t *testing.T) {
	var s Sealed
	require.NoError(t, s.Scan([]byte("abc")))
	assert.Equal(t, Sealed("abc"), s)
	require.NoError(t, s.Scan(nil))
	assert.Nil(t, s)
	value, err := s.Value()
	require.NoError(t, err)
	assert.Nil(t, value, "an empty field is NULL")
	assert.Error(t, s.Scan(7))
}
