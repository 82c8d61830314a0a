package envelope_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestSchemaAgreesWithDecode checks that a publisher who validates against the
// schema is never surprised by Decode. What the schema refuses is shown if it
// can be: a member of another type costs no message.
func TestSchemaAgreesWithDecode(t *testing.T) {
	schema := compileSchema(t)
	for kind, want := range map[string]bool{"good": true, "bad": false} {
		files, err := filepath.Glob("testdata/" + kind + "/*.json")
		if err != nil || len(files) < 20 {
			t.Fatalf("%d %s samples, want at least 20 (%v)", len(files), kind, err)
		}
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(schema, string(body)); (err == nil) != want {
				t.Errorf("%s: the schema says: %v", file, err)
			}
			e, err := decodeNative(body)
			if want && err != nil {
				t.Errorf("%s: Decode says: %v", file, err)
			}
			if strings.Contains(string(body), `"subject":"`) && kind == "bad" && err == nil && e.Subject == "" {
				t.Errorf("%s: the subject is lost: %+v", file, e)
			}
		}
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile("notification.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(schema *jsonschema.Schema, body string) error {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}
