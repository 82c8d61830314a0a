package validate_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/yaml"
)

// The modules that carry the schemas of KEDA and of the Prometheus operator;
// nothing of them is compiled. Those of Kubernetes are in kustomize.
const (
	operatorModule = "github.com/prometheus-operator/prometheus-operator@v0.92.1"
	operatorCRDs   = "example/prometheus-operator-crd/*.yaml"

	kedaModule  = "github.com/kedacore/keda/v2@v2.21.0"
	kedaCRDs    = "config/crd/bases/keda.sh_*.yaml"
	kedaScalers = "schema/generated/scalers-schema.json"
)

// object is one of JSON.
type object = map[string]any

// moduleDir returns where a module lies, which is downloaded if need be.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", module).Output()
	if err != nil {
		t.Fatalf("download %s: %v\n%s", module, err, out)
	}
	var answer struct{ Dir string }
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Dir
}

// writeSchemas writes a JSON schema for every kind, by its name in lower case,
// and returns the template of their paths.
func writeSchemas(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeKubernetes(t, dir)
	for module, pattern := range map[string]string{kedaModule: kedaCRDs, operatorModule: operatorCRDs} {
		files, err := filepath.Glob(filepath.Join(moduleDir(t, module), pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no schemas in %s: %v", module, err)
		}
		for _, file := range files {
			writeResource(t, dir, file)
		}
	}
	return filepath.Join(dir, "{{.ResourceKind}}.json")
}

// writeKubernetes takes the schemas out of the OpenAPI document in kustomize.
func writeKubernetes(t *testing.T, dir string) {
	t.Helper()
	var api struct {
		Definitions map[string]object `json:"definitions"`
	}
	text, err := json.Marshal(openapi.Schema())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &api); err != nil {
		t.Fatal(err)
	}
	for name, definition := range api.Definitions {
		switch {
		case strings.HasSuffix(name, ".IntOrString"):
			api.Definitions[name] = object{"type": []string{"integer", "string"}}
		case strings.HasSuffix(name, ".Quantity"):
			api.Definitions[name] = object{"type": []string{"number", "string"}}
		case definition["properties"] != nil:
			definition["additionalProperties"] = false
		}
	}
	addNewer(t, api.Definitions)
	write(t, filepath.Join(dir, "definitions.json"), object{"definitions": api.Definitions})
	for name, definition := range api.Definitions {
		for _, kind := range kindsOf(definition) {
			write(t, filepath.Join(dir, kind+".json"), object{"$ref": "definitions.json#/definitions/" + name})
		}
	}
}

// addNewer adds what our manifests use and kustomize's document is too old for.
func addNewer(t *testing.T, definitions map[string]object) {
	t.Helper()
	budget := at[object](t, definitions["io.k8s.api.policy.v1.PodDisruptionBudgetSpec"], "properties")
	budget["unhealthyPodEvictionPolicy"] = object{"enum": []string{"AlwaysAllow", "IfHealthyBudget"}} // stable since Kubernetes 1.31
}

// kindsOf returns the stable kinds that a definition describes, in lower case.
func kindsOf(definition object) (kinds []string) {
	list, _ := definition["x-kubernetes-group-version-kind"].([]any)
	for _, entry := range list {
		if gvk, ok := entry.(object); ok && gvk["version"] == "v1" {
			if kind, ok := gvk["kind"].(string); ok {
				kinds = append(kinds, strings.ToLower(kind))
			}
		}
	}
	return kinds
}

// writeResource takes the schema out of a custom resource definition.
func writeResource(t *testing.T, dir, file string) {
	t.Helper()
	var crd struct {
		Spec struct {
			Names    struct{ Kind string }
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema object `json:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(read(t, file), &crd); err != nil {
		t.Fatal(err)
	}
	schema := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	forbidOthers(schema)
	write(t, filepath.Join(dir, strings.ToLower(crd.Spec.Names.Kind)+".json"), schema)
}

// forbidOthers makes a schema refuse members that it does not have.
func forbidOthers(schema object) {
	for _, value := range schema {
		if inner, ok := value.(object); ok {
			forbidOthers(inner)
		}
	}
	if properties, ok := schema["properties"].(object); ok && schema["additionalProperties"] == nil && schema["type"] == "object" {
		if _, isObject := properties["metadata"]; isObject || schema["x-kubernetes-preserve-unknown-fields"] == nil {
			schema["additionalProperties"] = false
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t *testing.T, file string, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// settings returns the names of all commands and settings of the worker.
func settings(t *testing.T) string {
	t.Helper()
	var all string
	for _, topic := range [][]string{{"help"}, {"help", "settings"}} {
		help, err := run(t.Context(), "go", append([]string{"-C", "../../..", "run", "./cmd/xmpp-notifier"}, topic...)...)
		if err != nil {
			t.Fatal(err)
		}
		all += help
	}
	return all
}

func run(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	return string(out), err
}
