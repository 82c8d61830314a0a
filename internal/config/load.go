package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/kelseyhightower/envconfig"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// Group is a set of settings that belong together: a pointer to a struct with
// the tags envconfig (the name of the variable), default, required and desc.
type Group struct {
	Title string
	Spec  any
}

// Setting is one variable: what it means and, once loaded, what it is.
type Setting struct {
	Name, Type, Default, Desc string
	Required                  bool
	// Value is masked if it is a secret. Origin says where it came from: the
	// environment, a file, or the default.
	Value, Origin string
}

// fileSuffix makes the name of the variable that holds the path of a secret.
const fileSuffix = "_FILE"

// Load fills the groups from the environment and returns the settings as they
// are now, and everything that is wrong with them. A variable that is set but
// empty counts as not set.
func Load(groups ...Group) ([]Setting, []error) {
	var settings []Setting
	var errs []error
	for _, g := range groups {
		spec := reflect.ValueOf(g.Spec).Elem()
		var failed []string
		for _, field := range settingFields(spec.Type()) {
			s := describe(field)
			if err := s.load(field, spec.FieldByIndex(field.Index)); err != nil {
				errs = append(errs, err)
				failed = append(failed, s.Name)
			}
			settings = append(settings, s)
		}
		if v, ok := g.Spec.(interface{ Validate() []error }); ok {
			for _, err := range slices.DeleteFunc(v.Validate(), about(failed)) {
				errs = append(errs, redacted{err})
			}
		}
	}
	return settings, errs
}

// about tells the errors that name one of the settings: those that did not load
// have no value to find fault with.
func about(names []string) func(error) bool {
	return func(err error) bool {
		words := strings.FieldsFunc(err.Error(), func(r rune) bool {
			return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		})
		return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(words, name) })
	}
}

// Describe returns the settings of the groups without loading them.
func Describe(groups ...Group) []Setting {
	var settings []Setting
	for _, g := range groups {
		for _, field := range settingFields(reflect.TypeOf(g.Spec).Elem()) {
			settings = append(settings, describe(field))
		}
	}
	return settings
}

// settingFields lists the fields of a spec that come from the environment, those
// of embedded structs included. The program sets the others, without the tag.
func settingFields(spec reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(spec), func(f reflect.StructField) bool {
		return f.Tag.Get("envconfig") == ""
	})
}

func describe(f reflect.StructField) Setting {
	return Setting{
		Name:     f.Tag.Get("envconfig"),
		Type:     kinds()[f.Type].name,
		Default:  f.Tag.Get("default"),
		Desc:     f.Tag.Get("desc"),
		Required: f.Tag.Get("required") == "true",
	}
}

// load sets one field. Fields are loaded one by one because envconfig stops at
// the first error, and an operator wants to see them all.
func (s *Setting) load(f reflect.StructField, field reflect.Value) error {
	if os.Getenv(s.Name) == "" {
		_ = os.Unsetenv(s.Name)
	}
	s.Origin = "default"
	if _, set := os.LookupEnv(s.Name); set {
		s.Origin = "environment"
	}
	if err := s.loadFile(field); err != nil {
		return err
	}
	if s.Origin == "default" || s.Origin == "environment" {
		if err := process(f, field); err != nil {
			return s.explain(f, err)
		}
	}
	if list, ok := reflect.TypeAssert[*[]string](field.Addr()); ok {
		*list = trimmed(*list)
	}
	if s.Required && field.IsZero() { // such as a list of commas
		return check.Faultf(s.Desc, "%s is not set", s.Name)
	}
	s.Value = display(field.Interface())
	return nil
}

// trimmed is the list without the spaces around its items, and without empty ones.
func trimmed(list []string) []string {
	var items []string
	for _, item := range list {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// process runs envconfig on a struct that has only this field.
func process(f reflect.StructField, field reflect.Value) error {
	one := reflect.New(reflect.StructOf([]reflect.StructField{f}))
	if err := envconfig.Process("", one.Interface()); err != nil {
		return err
	}
	field.Set(one.Elem().Field(0))
	return nil
}

// loadFile reads a secret from the file that NAME_FILE names.
func (s *Setting) loadFile(field reflect.Value) error {
	secret, ok := reflect.TypeAssert[*Secret](field.Addr())
	path := os.Getenv(s.Name + fileSuffix)
	if !ok || path == "" {
		return nil
	}
	if s.Origin == "environment" {
		return check.Faultf("remove one", "%s and %s%s are both set", s.Name, s.Name, fileSuffix)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return check.Faultf("name a readable file", "%s%s=%q: %w", s.Name, fileSuffix, path, errors.Unwrap(err))
	}
	s.Origin = "file " + path
	line := strings.TrimRight(strings.TrimPrefix(string(text), "\uFEFF"), "\r\n") // some editors begin with a mark
	if line == "" {
		return check.Faultf("write the secret into it", "%s%s=%q: the file is empty", s.Name, fileSuffix, path)
	}
	if err := secret.Decode(line); err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return nil
}

// explain turns an error of envconfig into one that names the fix.
func (s *Setting) explain(f reflect.StructField, err error) error {
	parse, ok := errors.AsType[*envconfig.ParseError](err)
	if !ok {
		return check.Faultf(s.Desc, "%s is not set", s.Name)
	}
	if s.Type == typeSecret {
		return fmt.Errorf("%s: %w", s.Name, parse.Err)
	}
	return check.Faultf("give "+kinds()[f.Type].example, "%s=%q: not a %s", s.Name, Redact(parse.Value), s.Type)
}

// kind is a type of settings, as operators know it.
type kind struct {
	name, example string // no example: every text is a value
}

const typeSecret = "secret"

// kinds are those that a field of a spec may have.
func kinds() map[reflect.Type]kind {
	number := kind{"number", "a whole number, like 20"}
	return map[reflect.Type]kind{
		reflect.TypeFor[string]():        {name: "text"},
		reflect.TypeFor[[]string]():      {name: "list"},
		reflect.TypeFor[bool]():          {"boolean", "true or false"},
		reflect.TypeFor[int]():           number,
		reflect.TypeFor[int64]():         number,
		reflect.TypeFor[time.Duration](): {"duration", "a number with its unit, like 500ms, 30s or 5m"},
		reflect.TypeFor[Secret]():        {name: typeSecret},
	}
}

func display(v any) string {
	if list, ok := v.([]string); ok {
		return redactList(list)
	}
	return Redact(fmt.Sprint(v))
}
