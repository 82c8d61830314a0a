// Package check is the report on a setup: what was looked at, what is wrong,
// and what an operator can do about it. The parts that look write it; the
// command prints it.
package check

import (
	"errors"
	"slices"
	"strings"
)

// Class says which part of the setup a result is about. It decides the exit
// code.
type Class string

// The classes, in the order in which a setup is looked at.
const (
	Settings    Class = "settings"     // the environment
	Connection  Class = "connection"   // address, TCP and TLS of the XMPP server
	Login       Class = "login"        // the XMPP account
	Room        Class = "room"         // the room, and our rights there
	Broker      Class = "broker"       // what holds the notifications
	DeadLetters Class = "dead letters" // where undeliverable ones go
)

// ExitCode is what the program ends with if the class has failed.
func (c Class) ExitCode() int {
	return 2 + slices.Index([]Class{Settings, Connection, Login, Room, Broker, DeadLetters}, c)
}

// Status is how something is.
type Status string

// What a result can be.
const (
	OK   Status = "ok"
	Warn Status = "warn" // it works, and may not be meant so
	Fail Status = "fail" // the worker cannot keep its promises
	Skip Status = "skip" // not looked at, because something before it failed
)

// Result is one line of a report.
type Result struct {
	Class  Class  `json:"class"`
	Name   string `json:"name"` // what was looked at, like "tls"
	Status Status `json:"status"`
	Detail string `json:"detail,omitempty"` // what was found
	Fix    string `json:"fix,omitempty"`    // what to do about it
}

// Text is what was found, with the fix.
func (r *Result) Text() string {
	if r.Fix == "" {
		return r.Detail
	}
	return r.Detail + ": " + r.Fix
}

// Report is what was looked at, in order.
type Report []Result

// Add appends a result.
func (r *Report) Add(class Class, name string, status Status, detail, fix string) {
	*r = append(*r, Result{class, name, status, detail, fix})
}

// Fail appends what has failed. The fix is that of the *Fault in err, if there
// is one.
func (r *Report) Fail(class Class, name string, err error) {
	detail, fix := err.Error(), ""
	if f, ok := errors.AsType[*Fault](err); ok {
		detail, fix = strings.TrimSuffix(detail, ": "+f.Fix), f.Fix
	}
	r.Add(class, name, Fail, detail, fix)
}

// Of returns the texts of the results that have the status.
func (r Report) Of(status Status) []string {
	var texts []string
	for i := range r {
		if r[i].Status == status {
			texts = append(texts, r[i].Text())
		}
	}
	return texts
}

// ExitCode is 0 if nothing has failed, else that of the first that has.
func (r Report) ExitCode() int {
	for i := range r {
		if r[i].Status == Fail {
			return r[i].Class.ExitCode()
		}
	}
	return 0
}
