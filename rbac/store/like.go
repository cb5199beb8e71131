package store

// Containing is a LIKE pattern for rows that contain text; a wildcard in it is
// no text to look for.
func Containing(text string) string {
	out := []rune{'%'}
	for _, r := range text {
		if r != '%' && r != '_' && r != '\\' {
			out = append(out, r)
		}
	}
	return string(append(out, '%'))
}
