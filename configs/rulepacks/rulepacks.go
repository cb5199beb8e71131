// Package rulepacks embeds the rule packs that ship, as bytes.
package rulepacks

import _ "embed"

// Shapingba is the pack of 沙科局发〔2023〕41号.
//
//go:embed shapingba.json
var Shapingba []byte
