package store

import "strings"

// Like compares a column with what Containing answers. The escape is none that
// a dialect takes for its own, as both do the backslash in their own ways.
const Like = " LIKE ? ESCAPE '!'"

var literal = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// Containing is a pattern, for Like, of what contains text, letter by letter.
func Containing(text string) string { return "%" + literal.Replace(text) + "%" }
