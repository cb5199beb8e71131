package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// strictJSON decodes a body that is wholly what it says: valid UTF-8, no key
// twice in one object, no NUL and no lone surrogate, which encoding/json would
// silently repair.
func strictJSON(data []byte, v any) error {
	if !utf8.Valid(data) {
		at := 0
		for rest := data; len(rest) > 0; {
			r, n := utf8.DecodeRune(rest)
			if r == utf8.RuneError && n == 1 {
				break
			}
			at, rest = at+n, rest[n:]
		}
		return fmt.Errorf("第%d字节不是合法的UTF-8编码", at+1)
	}
	if err := checkEscapes(data); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := checkDuplicates(decoder, 0); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

func checkEscapes(data []byte) error {
	text := string(data)
	for {
		i := strings.Index(text, `\`)
		if i < 0 || i+1 >= len(text) {
			return nil
		}
		if text[i+1] != 'u' || i+6 > len(text) {
			text = text[i+2:]
			continue
		}
		code := strings.ToLower(text[i+2 : i+6])
		text = text[i+6:]
		switch {
		case code == "0000":
			return errors.New("文字中不得有空字符（\\u0000）")
		case code >= "dc00" && code <= "dfff":
			return errors.New("文字中有不成对的代理字符（\\u" + code + "）")
		case code >= "d800" && code <= "dbff":
			next := strings.ToLower(text[:min(6, len(text))])
			if len(next) < 6 || next[:2] != `\u` || next[2:] < "dc00" || next[2:] > "dfff" {
				return errors.New("文字中有不成对的代理字符（\\u" + code + "）")
			}
			text = text[6:]
		}
	}
}

const maxDepth = 64

func checkDuplicates(decoder *json.Decoder, depth int) error {
	if depth > maxDepth {
		return errors.New("JSON 嵌套过深")
	}
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		seen := map[string]bool{}
		for decoder.More() {
			key, err := decoder.Token()
			if err != nil {
				return err
			}
			name, _ := key.(string)
			if seen[name] {
				return fmt.Errorf("“%s”出现了两次", name)
			}
			seen[name] = true
			if err := checkDuplicates(decoder, depth+1); err != nil {
				return err
			}
		}
		_, err = decoder.Token()
	case json.Delim('['):
		for decoder.More() {
			if err := checkDuplicates(decoder, depth+1); err != nil {
				return err
			}
		}
		_, err = decoder.Token()
	}
	return err
}
