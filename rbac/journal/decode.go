package journal

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Unreadable says that bytes are no JSON at all (exit status 2). Every other
// error of Decode means JSON that canonical JSON or the type has no room for
// (exit status 1).
type Unreadable struct{ Reason string }

func (e *Unreadable) Error() string { return "不是合法的JSON：" + e.Reason }

// Decode reads exactly one JSON value into a pointer to structs with json
// tags, slices, strings, int or int64, bool, pointers (null allowed), any, and
// maps of these by text. Keys must be exactly those of the struct.
func Decode(data []byte, into any) error {
	value, err := Parse(data)
	if err != nil {
		return err
	}
	return fill(reflect.ValueOf(into).Elem(), value, "")
}

// Parse reads exactly one JSON value as map[string]any, []any, string, int64,
// bool or nil.
func Parse(data []byte) (any, error) {
	if !utf8.Valid(data) {
		at := 0
		for at < len(data) {
			r, n := utf8.DecodeRune(data[at:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		return nil, &Unreadable{fmt.Sprintf("第%d字节不是UTF-8", at+1)}
	}
	p := &parser{text: string(data)}
	p.space()
	value := p.value(0)
	p.space()
	if p.broken == nil && p.at < len(p.text) {
		p.unreadable("后面还有多余内容")
	}
	if p.broken != nil {
		return nil, p.broken
	}
	return value, p.refused
}

// parser reads on after what is merely refused, because bytes that are no
// JSON further on weigh more.
type parser struct {
	text    string
	at      int
	broken  error // no JSON at all
	refused error // the first thing canonical JSON has no room for
}

func (p *parser) unreadable(format string, args ...any) {
	if p.broken == nil {
		p.broken = &Unreadable{fmt.Sprintf("第%d字节：", p.at+1) + fmt.Sprintf(format, args...)}
	}
	p.at = len(p.text)
}

func (p *parser) refuse(format string, args ...any) {
	if p.refused == nil {
		p.refused = fmt.Errorf(format, args...)
	}
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) take(c byte) bool {
	if p.peek() != c || p.at >= len(p.text) {
		return false
	}
	p.at++
	return true
}

const maxDepth = 500

func (p *parser) value(depth int) any {
	if depth > maxDepth {
		p.unreadable("嵌套过深")
		return nil
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.str()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for word, value := range map[string]any{"true": true, "false": false, "null": nil} {
		if strings.HasPrefix(p.text[p.at:], word) {
			p.at += len(word)
			return value
		}
	}
	p.unreadable("应为一个值")
	return nil
}

func (p *parser) object(depth int) any {
	p.at++
	members := map[string]any{}
	p.space()
	if p.take('}') {
		return members
	}
	for p.broken == nil {
		p.space()
		if p.peek() != '"' {
			p.unreadable("应为键")
			break
		}
		key := p.str()
		p.space()
		if !p.take(':') {
			p.unreadable("键后应为冒号")
			break
		}
		p.space()
		value := p.value(depth + 1)
		if _, twice := members[key]; twice {
			p.refuse("键“%s”在同一对象中出现两次", key)
		}
		for i := range len(key) {
			if key[i] >= utf8.RuneSelf {
				p.refuse("键“%s”不是ASCII", key)
				break
			}
		}
		members[key] = value
		p.space()
		if p.take('}') {
			break
		}
		if !p.take(',') {
			p.unreadable("对象不完整")
		}
	}
	return members
}

func (p *parser) array(depth int) any {
	p.at++
	items := []any{}
	p.space()
	if p.take(']') {
		return items
	}
	for p.broken == nil {
		p.space()
		items = append(items, p.value(depth+1))
		p.space()
		if p.take(']') {
			break
		}
		if !p.take(',') {
			p.unreadable("列表不完整")
		}
	}
	return items
}

func (p *parser) number() any {
	start := p.at
	p.take('-')
	digits := p.at
	for p.peek() >= '0' && p.peek() <= '9' {
		p.at++
	}
	if n := p.at - digits; n == 0 || n > 1 && p.text[digits] == '0' {
		p.unreadable("数字写法不对")
		return nil
	}
	whole := true
	if p.take('.') {
		whole = false
		if !p.digits() {
			return nil
		}
	}
	if p.take('e') || p.take('E') {
		whole = false
		if !p.take('+') {
			p.take('-')
		}
		if !p.digits() {
			return nil
		}
	}
	text := p.text[start:p.at]
	n, err := strconv.ParseInt(text, 10, 64)
	if !whole || text == "-0" || err != nil || n > maxInteger || n < -maxInteger {
		p.refuse("数字%.30s不是±(2^53-1)以内的整数", text)
	}
	return n
}

func (p *parser) digits() bool {
	start := p.at
	for p.peek() >= '0' && p.peek() <= '9' {
		p.at++
	}
	if p.at == start {
		p.unreadable("数字写法不对")
	}
	return p.at > start
}

func (p *parser) str() string {
	p.at++
	var out strings.Builder
	for {
		rest := p.text[p.at:]
		i := strings.IndexFunc(rest, func(r rune) bool { return r == '"' || r == '\\' || r < 0x20 })
		if i < 0 {
			p.unreadable("文字没有结束")
			return ""
		}
		out.WriteString(rest[:i])
		p.at += i
		switch {
		case rest[i] == '"':
			p.at++
			return out.String()
		case rest[i] != '\\':
			p.unreadable("文字中有控制字符")
			return ""
		}
		p.at++
		p.escape(&out)
		if p.broken != nil {
			return ""
		}
	}
}

func (p *parser) escape(out *strings.Builder) {
	c := p.peek()
	p.at++
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 && c != 0 {
		out.WriteByte("\"\\/\b\f\n\r\t"[i])
		return
	}
	if c != 'u' {
		p.unreadable("转义写法不对")
		return
	}
	r := p.hex4()
	if utf16.IsSurrogate(r) {
		low := rune(-1)
		if strings.HasPrefix(p.text[min(p.at, len(p.text)):], `\u`) {
			mark := p.at
			p.at += 2
			if low = p.hex4(); utf16.DecodeRune(r, low) == utf8.RuneError {
				p.at = mark
			}
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			p.refuse("文字中有不成对的代理字符")
		}
	}
	out.WriteRune(r)
}

func (p *parser) hex4() rune {
	if p.at+4 > len(p.text) {
		p.unreadable("转义不完整")
		return 0
	}
	n, err := strconv.ParseUint(p.text[p.at:p.at+4], 16, 32)
	if err != nil {
		p.unreadable("转义写法不对")
		return 0
	}
	p.at += 4
	return rune(n)
}

// fill puts a parsed value into a Go value of exactly that shape.
func fill(into reflect.Value, value any, at string) error {
	fail := func(format string, values ...any) error {
		text := fmt.Sprintf(format, values...)
		if at == "" { // the whole has no name
			return errors.New(text)
		}
		return errors.New(strings.TrimPrefix(at, ".") + "：" + text)
	}
	wrong := func(want string) error { return fail("应为%s", want) }
	switch into.Kind() {
	case reflect.Pointer:
		if value == nil {
			into.SetZero()
			return nil
		}
		into.Set(reflect.New(into.Type().Elem()))
		return fill(into.Elem(), value, at)
	case reflect.Struct:
		members, ok := value.(map[string]any)
		if !ok {
			return wrong("对象")
		}
		known := map[string]bool{}
		for i := range into.NumField() {
			key := keyOf(into.Type().Field(i))
			if key == "" {
				continue
			}
			known[key] = true
			member, ok := members[key]
			if !ok {
				return fail("缺少%s", key)
			}
			if err := fill(into.Field(i), member, at+"."+key); err != nil {
				return err
			}
		}
		for key := range members {
			if !known[key] {
				return fail("没有“%s”这一项", key)
			}
		}
		return nil
	case reflect.Map:
		members, ok := value.(map[string]any)
		if !ok {
			return wrong("对象")
		}
		into.Set(reflect.MakeMap(into.Type()))
		for key, member := range members {
			item := reflect.New(into.Type().Elem()).Elem()
			if err := fill(item, member, at+"."+key); err != nil {
				return err
			}
			into.SetMapIndex(reflect.ValueOf(key), item)
		}
		return nil
	case reflect.Interface:
		if value != nil {
			into.Set(reflect.ValueOf(value))
		}
		return nil
	case reflect.Slice:
		items, ok := value.([]any)
		if !ok {
			return wrong("列表")
		}
		into.Set(reflect.MakeSlice(into.Type(), len(items), len(items)))
		for i, item := range items {
			if err := fill(into.Index(i), item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
		return nil
	case reflect.String:
		text, ok := value.(string)
		if !ok {
			return wrong("文字")
		}
		into.SetString(text)
		return nil
	case reflect.Int, reflect.Int64:
		n, ok := value.(int64)
		if !ok {
			return wrong("整数")
		}
		into.SetInt(n)
		return nil
	case reflect.Bool:
		b, ok := value.(bool)
		if !ok {
			return wrong("true或false")
		}
		into.SetBool(b)
		return nil
	}
	return errors.New("cannot decode into " + into.Type().String())
}
