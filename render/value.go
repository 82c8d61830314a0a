package render

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// decode returns a JSON value as templates see it: with safe texts, numbers that
// are numbers, and without what is null. nil if it is no JSON.
func (c Config) decode(text []byte) (any, error) {
	if len(text) > maxData {
		return nil, errData
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, nil //nolint:nilerr // what is no JSON is absent
	}
	return c.value(value), nil
}

func (c Config) value(value any) any {
	switch value := value.(type) {
	case string:
		return c.safe(clean(bound(value)))
	case json.Number:
		return number(value)
	case []any:
		for i := range value {
			value[i] = c.value(value[i])
		}
	case map[string]any:
		members := make(map[string]any, len(value))
		for name, member := range value {
			if member != nil {
				members[c.safe(oneLine(name))] = c.value(member)
			}
		}
		return members
	}
	return value
}

// number returns an int if it is whole and fits, so that it can be compared and
// counted with, else a float64, or the digits of what is too large for that.
func number(digits json.Number) any {
	if whole, err := strconv.Atoi(digits.String()); err == nil {
		return whole
	}
	if float, err := digits.Float64(); err == nil {
		return float
	}
	return digits.String()
}
