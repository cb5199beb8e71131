package api

import (
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// describe completes what huma has generated: every request and answer carries
// an example, put together from the examples, enumerations and bounds that
// stand at the fields themselves, so that none can contradict its schema.
func describe(api *huma.OpenAPI) {
	for _, item := range api.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			if op.RequestBody != nil {
				exemplify(api.Components.Schemas, op.RequestBody.Content)
			}
			for _, answer := range op.Responses {
				exemplify(api.Components.Schemas, answer.Content)
			}
		}
	}
}

func exemplify(registry huma.Registry, content map[string]*huma.MediaType) {
	for _, media := range content {
		if media.Schema != nil && media.Example == nil {
			media.Example = example(registry, media.Schema, 0)
		}
	}
}

func example(registry huma.Registry, s *huma.Schema, depth int) any {
	if s.Ref != "" {
		s = registry.SchemaFromRef(s.Ref)
	}
	switch {
	case s == nil || depth > 8:
		return nil
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Default != nil:
		return s.Default
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	switch s.Type {
	case huma.TypeObject:
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			out[name] = example(registry, s.Properties[name], depth+1)
		}
		return out
	case huma.TypeArray:
		return []any{example(registry, s.Items, depth+1)}
	case huma.TypeBoolean:
		return true
	case huma.TypeInteger, huma.TypeNumber:
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 1
	case huma.TypeString:
		return exampleText(s)
	}
	return nil
}

func exampleText(s *huma.Schema) string {
	switch {
	case s.Format == "date-time":
		return "2025-06-18T01:00:00Z"
	case s.Format == "uri":
		return "https://keping.example.cn/"
	case s.Format == "binary":
		return ""
	case strings.Contains(s.Pattern, "{64}"):
		return strings.Repeat("0a", 32)
	case s.MaxLength != nil && *s.MaxLength == 36:
		return "0190b2a0-0000-7000-8000-000000000000"
	case s.MaxLength != nil && *s.MaxLength == 10:
		return "2025-06-18"
	}
	text := "示例文字"
	for s.MinLength != nil && len([]rune(text)) < *s.MinLength {
		text += "示例文字"
	}
	if s.MaxLength != nil && len([]rune(text)) > *s.MaxLength {
		text = string([]rune(text)[:*s.MaxLength])
	}
	return text
}
