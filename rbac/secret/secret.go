// Package secret seals personal data and one-time values: SM4-GCM per field,
// bound to the place where it stands, and an HMAC-SM3 blind index by which an
// identity document is found without being readable. It is pure but for
// crypto/rand.
package secret

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
)

// Sealed is nonce and ciphertext of one field; nil is an empty field. It never
// leaves as JSON: a view opens it or masks it explicitly.
type Sealed []byte

// Value writes NULL for an empty field.
func (s Sealed) Value() (driver.Value, error) {
	if s == nil {
		return nil, nil
	}
	return []byte(s), nil
}

// Scan reads bytes or NULL.
func (s *Sealed) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*s = nil
	case []byte:
		*s = append(Sealed{}, v...)
	case string:
		*s = Sealed(v)
	default:
		return fmt.Errorf("a sealed column holds %T", value)
	}
	return nil
}

// GormDataType names the column type.
func (Sealed) GormDataType() string { return "longblob" }

// MarshalJSON fails: whoever answers with a row instead of a view finds out at once.
func (Sealed) MarshalJSON() ([]byte, error) {
	return nil, errors.New("a sealed field must not be written as JSON")
}

// Keys seal and index.
type Keys struct {
	aead  cipher.AEAD
	index []byte
}

// NewKeys takes the SM4 key (32 hex digits) and the index key (64 hex digits).
func NewKeys(seal, index string) (*Keys, error) {
	key, err := hex.DecodeString(seal)
	if err != nil {
		return nil, err
	}
	block, err := sm4.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	indexKey, err := hex.DecodeString(index)
	if err != nil || len(indexKey) < 16 {
		return nil, errors.New("the index key needs at least 32 hex digits")
	}
	return &Keys{aead: aead, index: indexKey}, nil
}

// Seal encrypts plain for a place such as "identity/<id>"; moved elsewhere it
// cannot be opened. Empty text stays empty.
func (k *Keys) Seal(plain, place string) Sealed {
	if plain == "" {
		return nil
	}
	nonce := make([]byte, k.aead.NonceSize(), k.aead.NonceSize()+len(plain)+k.aead.Overhead())
	rand.Read(nonce)
	return k.aead.Seal(nonce, nonce, []byte(plain), []byte(place))
}

// Open decrypts what Seal made for the same place.
func (k *Keys) Open(sealed Sealed, place string) (string, error) {
	if sealed == nil {
		return "", nil
	}
	n := k.aead.NonceSize()
	if len(sealed) < n {
		return "", errors.New("sealed field too short")
	}
	plain, err := k.aead.Open(nil, sealed[:n], sealed[n:], []byte(place))
	if err != nil {
		return "", fmt.Errorf("open %s: %w", place, err)
	}
	return string(plain), nil
}

// Index is the blind index of text such as "resident_id:5001…": 64 hex digits.
func (k *Keys) Index(text string) string {
	mac := hmac.New(sm3.New, k.index)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// Random returns n random bytes as 2n hex digits: salts and one-time tokens.
func Random(n int) string {
	bytes := make([]byte, n)
	rand.Read(bytes)
	return hex.EncodeToString(bytes)
}
