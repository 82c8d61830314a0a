package conn

import "crypto/tls"

// Step is a part of a login.
type Step string

// The steps.
const (
	StepAddress    Step = "address"
	StepTCP        Step = "tcp"
	StepTLS        Step = "tls"
	StepMechanisms Step = "mechanisms"
	StepLogin      Step = "login"
)

// Steps are all of them in order: each needs those before it.
func Steps() []Step { return []Step{StepAddress, StepTCP, StepTLS, StepMechanisms, StepLogin} }

// Trace notes how far a login has come. A nil one notes nothing.
type Trace struct {
	Reached   map[Step]string // what was found there
	TLS       tls.ConnectionState
	Mechanism string
	Failed    []error // addresses that did not do
}

func (t *Trace) reach(s Step, found string) {
	if t == nil {
		return
	}
	if t.Reached == nil {
		t.Reached = make(map[Step]string)
	}
	t.Reached[s] = found
}

func (t *Trace) secured(state tls.ConnectionState) {
	if t != nil {
		t.TLS = state
		t.reach(StepTLS, "")
	}
}

func (t *Trace) chosen(mechanism string) {
	if t != nil {
		t.Mechanism = mechanism
	}
}

// useless notes an address that did not do.
func (t *Trace) useless(why error) {
	if t != nil {
		t.Failed = append(t.Failed, why)
	}
}
