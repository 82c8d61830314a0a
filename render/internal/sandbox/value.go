package sandbox

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Number returns the number that value is or spells.
func Number(value any) (float64, bool) {
	v := reflect.ValueOf(value)
	switch {
	case !v.IsValid():
		return 0, false
	case v.CanInt():
		return float64(v.Int()), true
	case v.CanUint():
		return float64(v.Uint()), true
	case v.CanFloat():
		return v.Float(), true
	case v.Kind() == reflect.String:
		f, err := strconv.ParseFloat(strings.TrimSpace(v.String()), 64)
		return f, err == nil
	}
	return 0, false
}

// Time returns the time that value is or spells: by RFC 3339, or in seconds
// since 1970.
func Time(value any) (time.Time, bool) {
	switch v := value.(type) {
	case nil:
		return time.Time{}, true
	case time.Time:
		return v, true
	case string:
		if t, err := time.Parse(time.RFC3339, v); err == nil {
			return t, true
		}
	}
	seconds, ok := Number(value)
	return time.UnixMilli(int64(seconds * 1000)).UTC(), ok
}

// duration returns the duration that value is or spells, a number in seconds.
func duration(value any) (time.Duration, bool) {
	if s, ok := value.(string); ok {
		if d, err := time.ParseDuration(s); err == nil {
			return d, true
		}
	}
	seconds, ok := Number(value)
	return time.Duration(seconds * float64(time.Second)), ok
}

// Text is what a template prints of a value. What is absent has no text, nor has
// a time that nobody gave, and numbers have no exponents.
func Text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		if math.Abs(v) < 1e21 {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
	case time.Time:
		if v.IsZero() {
			return ""
		}
	}
	return fmt.Sprint(value)
}

// Kind names a type in the words of a template's author.
func Kind(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Time]():
		return "a time"
	case reflect.TypeFor[time.Duration]():
		return "a duration"
	}
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map:
		return "a map"
	case reflect.Interface:
		return "a value"
	case reflect.Struct, reflect.Pointer, reflect.Func:
		return article(strings.ToLower(t.Name()))
	default:
		return "a number"
	}
}

func article(word string) string {
	if strings.IndexByte("aeiou", (word + " ")[0]) >= 0 {
		return "an " + word
	}
	return "a " + word
}
