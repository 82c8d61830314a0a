package sourcetest

import "testing"

// Each calls f with every test that makes sense for a broker.
func Each(b Broker, f func(name string, run func(*testing.T, Broker))) {
	for _, test := range append(testsFor(b), test{"NoLeaks", testNoLeaks}) {
		f(test.name, test.run)
	}
}
