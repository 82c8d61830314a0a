//go:build mutants

package sim_test

import "testing"

// Every place of a mutant is there, once.
func TestMutantsApply(t *testing.T) {
	for _, m := range mutants() {
		for _, e := range append([]edit{{m.dir, m.old, m.new}}, m.more...) {
			if _, _, err := e.apply(".."); err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
		}
	}
}
