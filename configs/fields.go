package configs

import "reflect"

// fieldMap turns a settings struct into the nested map of its koanf keys, so
// that a misspelt key in a file can be told from a known one.
func fieldMap(v any) map[string]any {
	out := map[string]any{}
	value := reflect.ValueOf(v)
	for i := range value.NumField() {
		field := value.Type().Field(i)
		if field.Type.Kind() == reflect.Struct {
			out[field.Tag.Get("koanf")] = fieldMap(value.Field(i).Interface())
		} else {
			out[field.Tag.Get("koanf")] = value.Field(i).Interface()
		}
	}
	return out
}
