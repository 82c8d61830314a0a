package functions

import (
	"encoding/json"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/sandbox"
)

func (env Env) json() []sandbox.Function {
	encode := func(encode func(any) ([]byte, error)) func(any) (string, error) {
		return func(value any) (string, error) {
			text, err := encode(value)
			// The texts in the value are escaped, but not what JSON makes of them.
			return env.Escape(env.Bare(string(text))), err
		}
	}
	return []sandbox.Function{
		define("toJson", "VALUE", "as JSON", encode(json.Marshal), "json"),
		define("toPrettyJson", "VALUE", "as JSON in lines", encode(func(value any) ([]byte, error) { return json.MarshalIndent(value, "", "  ") })),
		define("fromJson", "TEXT", "the value that the JSON is", func(s string) (any, error) {
			return env.Decode([]byte(env.Bare(s)))
		}),
	}
}
