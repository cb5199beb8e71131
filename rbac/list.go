package rbac

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// List is a slice kept as JSON in one column; nil is written as [], so that no
// reader meets NULL.
type List[T any] []T

// GormDataType names the column type.
func (List[T]) GormDataType() string { return "longtext" }

// Value writes the JSON.
func (l List[T]) Value() (driver.Value, error) {
	if l == nil {
		return "[]", nil
	}
	data, err := json.Marshal([]T(l))
	return string(data), err
}

// Scan reads the JSON.
func (l *List[T]) Scan(value any) error { return scanJSON(value, (*[]T)(l)) }

// MarshalJSON writes nil as [].
func (l List[T]) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]T(l))
}

// JSON is any value kept as JSON in one column.
type JSON[T any] struct{ V T }

// GormDataType names the column type.
func (JSON[T]) GormDataType() string { return "longtext" }

// Value writes the JSON.
func (j JSON[T]) Value() (driver.Value, error) {
	data, err := json.Marshal(j.V)
	return string(data), err
}

// Scan reads the JSON.
func (j *JSON[T]) Scan(value any) error { return scanJSON(value, &j.V) }

// MarshalJSON writes the value itself.
func (j JSON[T]) MarshalJSON() ([]byte, error) { return json.Marshal(j.V) }

// UnmarshalJSON reads the value itself.
func (j *JSON[T]) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &j.V) }

func scanJSON(value, into any) error {
	switch v := value.(type) {
	case nil:
		return nil
	case string:
		return json.Unmarshal([]byte(v), into)
	case []byte:
		return json.Unmarshal(v, into)
	}
	return fmt.Errorf("a JSON column holds %T", value)
}
