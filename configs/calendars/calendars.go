// Package calendars embeds the working-day calendars that ship, as bytes.
package calendars

import "embed"

// Files are YYYY.json.
//
//go:embed *.json
var Files embed.FS
