package sink

import "crypto/tls"

// step is a part of the way into the room. They are in order: each needs those
// before it.
type step int

const (
	stepAddress step = iota
	stepTCP
	stepTLS
	stepMechanisms
	stepLogin
	stepService
	stepRoom
	stepJoin
	stepNick
	stepVoice
	stepMemory
	stepRoundTrip
	stepThrottle
)

// trace notes how far a login has come, for Inspect. A nil one notes nothing.
type trace struct {
	reached   map[step]string // what was found there
	tls       tls.ConnectionState
	mechanism string
	failed    []error // addresses that did not do
}

func (t *trace) reach(s step, found string) {
	if t != nil {
		t.reached[s] = found
	}
}

func (t *trace) secured(state tls.ConnectionState) {
	if t != nil {
		t.tls = state
		t.reached[stepTLS] = ""
	}
}

func (t *trace) chosen(mechanism string) {
	if t != nil {
		t.mechanism = mechanism
	}
}

// useless notes an address that did not do.
func (t *trace) useless(why error) {
	if t != nil {
		t.failed = append(t.failed, why)
	}
}
