package sink

import "testing"

func TestDepthOfTheHistory(t *testing.T) {
	type telling struct {
		shown  int // since the telling before
		tells  int
		forgot bool
		want   int
	}
	for name, list := range map[string][]telling{
		"long enough":                        {{0, 0, true, 0}, {100, 100, false, 0}, {100, 200, false, 0}},
		"short":                              {{0, 0, true, 0}, {100, 5, false, 0}, {1, 5, false, 5}, {9, 5, false, 5}},
		"short for others' messages":         {{0, 5, true, 0}, {3, 8, false, 0}, {3, 11, false, 0}},
		"a part is kept over a restart":      {{0, 0, true, 0}, {100, 1, false, 0}, {0, 1, false, 0}, {50, 20, false, 0}},
		"forgotten, and filled again":        {{100, 0, true, 0}, {3, 3, false, 0}, {3, 6, false, 0}},
		"short, but nothing said in between": {{0, 0, true, 0}, {100, 5, false, 0}, {0, 5, false, 0}},
	} {
		var d depth
		for i, l := range list {
			d.shown += l.shown
			if got := d.note(l.tells, l.forgot); got != l.want {
				t.Errorf("%s, telling %d: holds %d, want %d", name, i, got, l.want)
			}
		}
	}
}
