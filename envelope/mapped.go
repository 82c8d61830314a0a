package envelope

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/xmpp-notifier/xmpp-notifier/envelope/internal/jq"
	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
)

// program returns the compiled MAP, nil if there is none.
func (c Config) program() (*jq.Program, error) {
	text, name := c.Map, "MAP"
	if c.MapFile != "" {
		if c.Map != "" {
			return nil, errors.New("MAP and MAP_FILE are both set: remove one")
		}
		content, err := os.ReadFile(c.MapFile)
		if err != nil {
			return nil, fmt.Errorf("MAP_FILE=%q: %w: name a readable file", c.MapFile, errors.Unwrap(err))
		}
		text, name = string(content), "MAP_FILE"
	}
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	program, err := jq.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: write a jq program, see docs/formats.md", name, err)
	}
	if err := try(program); err != nil {
		return nil, fmt.Errorf("%s: it does not end on a usual message: %w", name, err)
	}
	return program, nil
}

// try runs a program over usual messages. That it fails says nothing, for it may
// be made for others; but it has to end.
func try(program *jq.Program) error {
	for _, input := range []any{
		map[string]any{},
		"text",
		map[string]any{"subject": "Disk full", "severity": "critical", "labels": map[string]any{"team": "storage"}},
		map[string]any{"receiver": "r", "alerts": []any{map[string]any{"status": "firing", "labels": map[string]any{"alertname": "A"}}}},
	} {
		_, err := program.Run(jq.Message{Input: input, Topic: "notify.test", Headers: map[string]any{}})
		if errors.Is(err, jq.ErrSteps) || errors.Is(err, jq.ErrTime) {
			return err
		}
	}
	return nil
}

// mapped decodes what the operator's program makes of a message: each output is
// read like a message of its own. None means that it is not to be shown.
func (d Decoder) mapped(raw Raw) (Decoded, error) {
	outputs, err := d.run(raw)
	if err != nil {
		return Decoded{Format: "map"}, fmt.Errorf("MAP: %s", cut.Line(strings.ToValidUTF8(err.Error(), "\uFFFD"), maxMapError))
	}
	out := Decoded{Format: "map", Why: fmt.Sprintf("MAP makes %d of it", len(outputs))}
	if len(outputs) == 0 {
		out.Envelopes = []Envelope{{Unmapped: true, Headers: raw.Header}}
		return out, nil
	}
	plain := Decoder{config: d.config, words: d.words}
	plain.config.Format = formatAuto
	for i, output := range outputs {
		if kind := kindOf(string(output)); kind == "number" || kind == "boolean" {
			return out, fmt.Errorf("MAP: output %d: expected an object or a text, got %s", i+1, describe(string(output)))
		}
		decoded, err := plain.Decode(Raw{Body: output, From: raw.From})
		if err != nil {
			return out, fmt.Errorf("MAP: output %d: %w", i+1, err)
		}
		for j := range decoded.Envelopes {
			decoded.Envelopes[j].traced(raw)
			decoded.Envelopes[j].Headers = raw.Header
		}
		if out.Envelopes = append(out.Envelopes, decoded.Envelopes...); len(out.Envelopes) > maxParts {
			return out, fmt.Errorf("MAP: more than %d notifications in one message", maxParts)
		}
	}
	return out, nil
}

// maxMapError bounds an error of a program, which may quote the message.
const maxMapError = 300

// run gives a message to the program.
func (d Decoder) run(raw Raw) ([]json.RawMessage, error) {
	body, err := raw.Text()
	if err != nil {
		return nil, err
	}
	m := jq.Message{Input: string(body), Topic: raw.From.Topic, Headers: make(map[string]any, len(raw.Header))}
	if json.Valid(body) {
		decoder := json.NewDecoder(strings.NewReader(string(body)))
		decoder.UseNumber()
		if err := decoder.Decode(&m.Input); err != nil {
			return nil, err
		}
	}
	if utf8.Valid(raw.From.Key) && len(raw.From.Key) > 0 {
		m.Key = string(raw.From.Key)
	}
	for _, h := range raw.Header {
		if name := strings.ToLower(h.Key); m.Headers[name] == nil && utf8.ValidString(h.Value) {
			m.Headers[name] = h.Value
		}
	}
	return d.program.Run(m)
}
