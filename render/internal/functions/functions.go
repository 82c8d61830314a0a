// Package functions has what templates can call: what users of Alertmanager,
// Grafana and Helm know, under the names and with the order of arguments that
// they know, and a few of our own for a text in a chat room.
//
// What a well-kept library has is taken from it, function by function: none
// reads files, the environment or the network, and none makes random values.
package functions

import (
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/sandbox"
)

// Env is what the functions need of their surroundings.
type Env struct {
	// Escape takes away what a text could mean to a client, Bare gives back the
	// text as it came, for comparisons.
	Escape, Bare func(string) string
	// Now is the time.
	Now func() time.Time
	// Decode reads JSON as templates see it.
	Decode func(text []byte) (any, error)
	// OneLine, Lines and Cut shorten texts.
	OneLine    func(string) string
	Lines, Cut func(int, string) string
}

// Group is a part of the functions, for the documents.
type Group struct {
	Title     string
	Functions []sandbox.Function
}

// Groups returns all functions.
func Groups(env Env) []Group {
	return []Group{
		{"Text", env.text()},
		{"Patterns", env.patterns()},
		{"Printing", env.printing()},
		{"Style", env.style()},
		{"Conditions", env.conditions()},
		{"Lists and maps", append(env.lists(), env.maps()...)},
		{"Numbers", env.numbers()},
		{"Time", env.times()},
		{"JSON", env.json()},
	}
}

// All returns the functions of all groups.
func All(env Env) []sandbox.Function {
	var all []sandbox.Function
	for _, group := range Groups(env) {
		all = append(all, group.Functions...)
	}
	return all
}

// define makes one entry of a group.
func define(name, args, does string, call any, aliases ...string) sandbox.Function {
	return sandbox.Function{Name: name, Aliases: aliases, Args: args, Does: does, Call: call}
}
