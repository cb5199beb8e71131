package api

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"keping/rbac"
)

// manyLines is from which maxLength on a text may have several lines: reasons,
// opinions, summaries. Anything shorter, or without a bound, is one line.
const manyLines = 500

// unbounded is how long a text is at most whose field names no bound: ids,
// cursors, what stands in a list.
const unbounded = 200

// register is huma.Register with every text of the request checked and brought
// to its one written form before the handler sees it.
func register[I, O any](s *Server, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	huma.Register(s.API, op, func(ctx context.Context, in *I) (*O, error) {
		var bad rbac.Fields
		tidy(reflect.ValueOf(in).Elem(), "", "", &bad)
		if refusal, ok := rbac.AsRefusal(bad.Refusal()); ok {
			if err := s.refuse(ctx, requestOf(ctx), refusal); err != nil {
				return nil, problemOf(ctx, err)
			}
			return nil, problemOf(ctx, refusal)
		}
		return handler(ctx, in)
	})
}

// tidy walks a request by the paths its sender knows. The tag is that of the
// field the value stands in.
func tidy(v reflect.Value, path string, tag reflect.StructTag, bad *rbac.Fields) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			tidy(v.Elem(), path, tag, bad)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "RawBody" {
				tidy(v.Field(i), under(path, f), f.Tag, bad)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			tidy(v.Index(i), path+"["+strconv.Itoa(i)+"]", tag, bad)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			name := fmt.Sprint(key)
			if written, err := rbac.OneLine(name); err != nil || written != name {
				bad.Check(false, path, "项目名有看不见的字符或首尾有空白")
				continue
			}
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			tidy(value, strings.TrimPrefix(path+"."+name, "."), tag, bad)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		if v.CanSet() && v.Len() > 0 && path != "password" && path != "secret" { // these are hashed as typed
			v.SetString(written(v.String(), path, tag, bad))
		}
	}
}

// under is the path of a field of what stands at path.
func under(path string, f reflect.StructField) string {
	for _, kind := range []string{"json", "path", "query", "header"} {
		if name, _, _ := strings.Cut(f.Tag.Get(kind), ","); name != "" && name != "-" {
			return strings.TrimPrefix(path+"."+name, ".")
		}
	}
	return path // embedded, or the body itself
}

func written(text, path string, tag reflect.StructTag, bad *rbac.Fields) string {
	longest, _ := strconv.Atoi(tag.Get("maxLength"))
	least, _ := strconv.Atoi(tag.Get("minLength"))
	form := rbac.OneLine
	if longest >= manyLines {
		form = rbac.Lines
	}
	out, err := form(text)
	full := utf8.RuneCountInString(strings.TrimSpace(out))
	switch {
	case err != nil:
		bad.Check(false, path, "%s", err)
	case full == 0 && (longest < manyLines || least > 0):
		bad.Check(false, path, "不能只有空白")
	case longest == 0 && full > unbounded:
		bad.Check(false, path, "长度不得超过 %d 个字", unbounded)
	case full < least:
		bad.Check(false, path, "长度不得少于 %d 个字（首尾空白不计）", least)
	}
	return out
}
