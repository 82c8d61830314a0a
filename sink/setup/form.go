package setup

import (
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// form is a form to fill in (XEP-0004).
type form struct {
	Fields []field `xml:"field"`
}

// field is one question, with the answer as it is now.
type field struct {
	Var      string    `xml:"var,attr"`
	Type     string    `xml:"type,attr"`
	Required *struct{} `xml:"required"`
	Values   []string  `xml:"value"`
}

// get returns the field of that name, nil if the form has none.
func (f *form) get(name string) *field {
	i := slices.IndexFunc(f.Fields, func(one field) bool { return one.Var == name })
	if i < 0 {
		return nil
	}
	return &f.Fields[i]
}

// value is the only value, or empty.
func (f *field) value() string {
	if len(f.Values) == 0 {
		return ""
	}
	return f.Values[0]
}

// is reports whether the answer is value already.
func (f *field) is(value string) bool {
	if f.Type == "boolean" {
		return truth(f.value()) == truth(value)
	}
	return f.value() == value
}

// truth reads a boolean, which XEP-0004 writes in two ways.
func truth(value string) bool { return value == "1" || value == "true" }

// submit is the answer to the form: all of its fields that have one, and none
// that it has not. Some services reset what is left out, ejabberd refuses what it
// has not listed, and Openfire refuses a field without a value.
func (f *form) submit() string {
	var b strings.Builder
	b.WriteString("<x xmlns='jabber:x:data' type='submit'>")
	for _, one := range f.Fields {
		if one.Var == "" || one.Type == "fixed" || strings.Join(one.Values, "") == "" {
			continue
		}
		b.WriteString("<field var='" + wire.Escape(one.Var) + "'>")
		for _, value := range one.Values {
			if value != "" {
				b.WriteString("<value>" + wire.Escape(value) + "</value>")
			}
		}
		b.WriteString("</field>")
	}
	return b.String() + "</x>"
}
