package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// Group is a set of settings that belong together: a pointer to a struct with
// the tags env (the name of the variable), default, required and desc.
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

	kind kind
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
			if err := s.load(spec.FieldByIndex(field.Index)); err != nil {
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
		return f.Tag.Get("env") == ""
	})
}

func describe(f reflect.StructField) Setting {
	kind := kinds()[f.Type]
	return Setting{
		Name:     f.Tag.Get("env"),
		Type:     kind.name,
		Default:  f.Tag.Get("default"),
		Desc:     f.Tag.Get("desc"),
		Required: f.Tag.Get("required") == "true",
		kind:     kind,
	}
}

// load sets the field, which is zero.
func (s *Setting) load(field reflect.Value) error {
	text, err := s.read()
	if err != nil {
		return err
	}
	if text != "" {
		value, err := s.kind.parse(text)
		if err != nil {
			return s.explain(text, err)
		}
		field.Set(reflect.ValueOf(value))
	}
	if s.Required && field.IsZero() {
		return check.Faultf(s.Desc, "%s is not set", s.Name)
	}
	s.Value = display(field.Interface())
	return nil
}

// read returns the text of the setting, and notes where it is from.
func (s *Setting) read() (string, error) {
	text, path := os.Getenv(s.Name), ""
	if s.Type == typeSecret {
		path = os.Getenv(s.Name + fileSuffix)
	}
	switch {
	case text != "" && path != "":
		return "", check.Faultf("remove one", "%s and %s%s are both set", s.Name, s.Name, fileSuffix)
	case text != "":
		s.Origin = "environment"
		return text, nil
	case path != "":
		s.Origin = "file " + path
		return s.readFile(path)
	}
	s.Origin = "default"
	return s.Default, nil
}

// readFile reads a secret from the file that NAME_FILE names.
func (s *Setting) readFile(path string) (string, error) {
	content, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return "", check.Faultf("name a readable file", "%s%s=%q: %w", s.Name, fileSuffix, path, errors.Unwrap(err))
	}
	text := strings.TrimRight(strings.TrimPrefix(string(content), "\uFEFF"), "\r\n") // some editors begin with a mark
	if text == "" {
		return "", check.Faultf("write the secret into it", "%s%s=%q: the file is empty", s.Name, fileSuffix, path)
	}
	return text, nil
}

// explain names the setting and the fix. A secret is not repeated.
func (s *Setting) explain(text string, err error) error {
	if s.Type == typeSecret {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return check.Faultf("give "+s.kind.example, "%s=%q: not a %s", s.Name, Redact(text), s.Type)
}

func display(v any) string {
	if list, ok := v.([]string); ok {
		return redactList(list)
	}
	return Redact(fmt.Sprint(v))
}
