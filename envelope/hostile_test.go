package envelope_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// hostile are messages of up to 1 MB that are meant to take time.
func hostile() map[string]string {
	const size = 1 << 20
	fill := func(before, part, after string) string {
		return before + strings.TrimSuffix(strings.Repeat(part, size/len(part)), ",") + after
	}
	var names strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&names, `,"%s%d":%d`, strings.Repeat("_", i%40), i, i)
	}
	var severities strings.Builder
	for i := range 400 {
		fmt.Fprintf(&severities, `,"%sseverity%s":99`, strings.Repeat("_", i%20), strings.Repeat("_", i/20))
	}
	return map[string]string{
		"many members":         `{"a":1` + names.String() + `}`,
		"many severities":      `{"a":1` + severities.String() + `,"facility":"x"}`,
		"a batch":              fill(`{"log_records":[`, `{"msg":"m","a":1},`, `]}`),
		"a batch in much else": `{"a":1` + names.String() + `,"log_records":[` + strings.TrimSuffix(strings.Repeat(`{"n":1},`, 1000), ",") + `]}`,
		"deep":                 strings.Repeat(`{"data":`, 5000) + `{"msg":"m"}` + strings.Repeat(`}`, 5000),
		"a long text":          `{"message":"` + strings.Repeat("a b ", size/4) + `","b":"a b","c":"b a"}`,
		"brackets":             strings.Repeat("[", size),
		"alerts":               fill(`{"receiver":"r","alerts":[`, `{"labels":{"alertname":"A","pod":"p"},"annotations":{"summary":"s"}},`, `]}`),
		"links":                `{"message":"` + strings.Repeat("<http", size/5) + `"}`,
		"lines":                fill("", `{"msg":"m"}`+"\n", ""),
		"pairs":                strings.Repeat(`a="b" `, size/6),
		"words":                strings.Repeat("ERR ", size/4),
	}
}

// TestNoMessageTakesLong allows ten times the 100 ms that a message may take, for
// machines that are busy or look for data races.
func TestNoMessageTakesLong(t *testing.T) {
	const limit, tries = 10 * time.Second, 3 // a busy machine, and -race
	for name, body := range hostile() {
		best := time.Hour
		for range tries {
			start := time.Now()
			_, _ = envelope.Decoder{}.Decode(envelope.Raw{Body: []byte(body), From: envelope.Place{Topic: "t", Time: start}})
			if best = min(best, time.Since(start)); best < limit {
				break
			}
		}
		if t.Logf("%s: %v", name, best); best > limit {
			t.Errorf("%s: %v", name, best)
		}
	}
}
