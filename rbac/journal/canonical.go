// Package journal is the evidence everything else stands on: canonical JSON,
// SM3 digests and the hash-chained journal (keping-journal/1). It is pure and
// agrees byte for byte with the published contract, so that anyone can
// recompute what the service wrote.
//
// Canonical JSON is RFC 8785 narrowed: ASCII keys sorted by byte, none twice;
// integers within ±(2⁵³−1) and no other numbers; valid UTF-8, escaped only
// where JSON demands; no white space. A file may be spelled otherwise, but
// what canonical JSON has no room for is refused, never repaired.
package journal

import (
	"encoding/hex"
	"fmt"
	"hash"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm3"
)

const maxInteger = 1<<53 - 1

// Hash is H of the contract: SM3 of the UTF-8 bytes, 64 lower-case hex digits.
func Hash(text string) string {
	sum := sm3.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// NewHash is H of what is written to it, as bytes.
func NewHash() hash.Hash { return sm3.New() }

// HashOf is H of the canonical form of v.
func HashOf(v any) (string, error) {
	data, err := Canonical(v)
	return Hash(string(data)), err
}

// Canonical writes structs (by json tags), maps with string keys, slices,
// strings, integers, booleans and nil pointers or nil interfaces (null). Floats
// and anything else are refused.
func Canonical(v any) ([]byte, error) {
	return appendCanonical(nil, reflect.ValueOf(v))
}

func appendCanonical(out []byte, v reflect.Value) ([]byte, error) {
	if !v.IsValid() {
		return append(out, "null"...), nil
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return append(out, "null"...), nil
		}
		return appendCanonical(out, v.Elem())
	case reflect.Bool:
		return strconv.AppendBool(out, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n := v.Int(); n > maxInteger || n < -maxInteger {
			return nil, fmt.Errorf("integer %d beyond ±(2^53-1)", n)
		}
		return strconv.AppendInt(out, v.Int(), 10), nil
	case reflect.String:
		return appendString(out, v.String())
	case reflect.Slice, reflect.Array:
		out = append(out, '[')
		for i := range v.Len() {
			if i > 0 {
				out = append(out, ',')
			}
			var err error
			if out, err = appendCanonical(out, v.Index(i)); err != nil {
				return nil, err
			}
		}
		return append(out, ']'), nil
	case reflect.Map, reflect.Struct:
		members, err := membersOf(v)
		if err != nil {
			return nil, err
		}
		out = append(out, '{')
		for i, m := range members {
			if i > 0 {
				out = append(out, ',')
			}
			if out, err = appendString(out, m.key); err != nil {
				return nil, err
			}
			out = append(out, ':')
			if out, err = appendCanonical(out, m.value); err != nil {
				return nil, err
			}
		}
		return append(out, '}'), nil
	}
	return nil, fmt.Errorf("canonical JSON has no room for %s", v.Type())
}

type member struct {
	key   string
	value reflect.Value
}

// membersOf are the key-value pairs of a map or struct, sorted by key.
func membersOf(v reflect.Value) ([]member, error) {
	var members []member
	if v.Kind() == reflect.Map {
		if v.Type().Key().Kind() != reflect.String {
			return nil, fmt.Errorf("canonical JSON has no room for %s", v.Type())
		}
		for iter := v.MapRange(); iter.Next(); {
			members = append(members, member{iter.Key().String(), iter.Value()})
		}
	} else {
		for i := range v.NumField() {
			if key := keyOf(v.Type().Field(i)); key != "" {
				members = append(members, member{key, v.Field(i)})
			}
		}
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.key, b.key) })
	for _, m := range members {
		for i := range len(m.key) {
			if m.key[i] >= utf8.RuneSelf {
				return nil, fmt.Errorf("key %q is not ASCII", m.key)
			}
		}
	}
	return members, nil
}

// keyOf is the JSON key of a field, "" for one left out.
func keyOf(field reflect.StructField) string {
	tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	switch {
	case !field.IsExported() || tag == "-":
		return ""
	case tag == "":
		return field.Name
	}
	return tag
}

func appendString(out []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("%q is not valid UTF-8", s)
	}
	out = append(out, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\b':
			out = append(out, `\b`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\f':
			out = append(out, `\f`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c < 0x20:
			out = fmt.Appendf(out, `\u%04x`, c)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"'), nil
}
