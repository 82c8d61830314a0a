package validate_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yannh/kubeconform/pkg/validator"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write what is made") //nolint:gochecknoglobals // a flag of the test

// directories are what operators apply.
func directories() []string {
	return append(workers(), "monitoring", "rooms")
}

// workers are those with one Deployment each.
func workers() []string {
	return []string{"nats", "kafka", "keda/nats", "keda/kafka", "rooms/payments", "rooms/platform", "rooms/rest"}
}

// build returns what kubectl apply -k would apply.
func build(t *testing.T, dir string) []byte {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join("..", dir))
	if err != nil {
		t.Fatal(err)
	}
	text, err := resources.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestManifestsSatisfyTheSchemas holds them against the schemas of Kubernetes
// and KEDA, strictly: a misspelt member is an error.
func TestManifestsSatisfyTheSchemas(t *testing.T) {
	v := newValidator(t)
	for _, dir := range directories() {
		manifests := build(t, dir)
		for _, wrong := range problems(v, manifests) {
			t.Errorf("%s: %s", dir, wrong)
		}
		// A check that finds nothing wrong must find what is.
		for from, to := range map[string]string{
			"readinessProbe:": "readyProbe:", "containerPort: 9464": "containerPort: many", "podSelector:": "podSelektor:",
			"podMetricsEndpoints:": "podEndpoints:", "expr:": "expression:",
		} {
			if !bytes.Contains(manifests, []byte(from)) {
				continue
			}
			if broken := bytes.Replace(manifests, []byte(from), []byte(to), 1); len(problems(v, broken)) == 0 {
				t.Errorf("%s: nothing is wrong with %s", dir, to)
			}
		}
	}
}

func newValidator(t *testing.T) validator.Validator {
	t.Helper()
	v, err := validator.New([]string{writeSchemas(t)}, validator.Opts{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func problems(v validator.Validator, manifests []byte) (found []string) {
	for _, result := range v.Validate("manifests.yaml", io.NopCloser(bytes.NewReader(manifests))) {
		if result.Status != validator.Valid && result.Status != validator.Empty {
			found = append(found, string(result.Resource.Bytes)+"\n"+result.Err.Error())
		}
	}
	return found
}

// list returns what is built.
func list(t *testing.T, dir string) (all []object) {
	t.Helper()
	for text := range strings.SplitSeq(string(build(t, dir)), "\n---\n") {
		var r object
		if err := yaml.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// every returns what is built of one kind.
func every(t *testing.T, dir, kind string) (some []object) {
	t.Helper()
	for _, r := range list(t, dir) {
		if r["kind"] == kind {
			some = append(some, r)
		}
	}
	return some
}

// resources returns what is built, by kind: the worker's own where there are several.
func resources(t *testing.T, dir string) map[string]object {
	t.Helper()
	all := map[string]object{}
	for _, r := range list(t, dir) {
		kind, _ := r["kind"].(string)
		if name := at[string](t, r, "metadata", "name"); all[kind] == nil || strings.HasPrefix(name, "xmpp-notifier") {
			all[kind] = r
		}
	}
	return all
}

// at returns the member at a path.
func at[T any](t *testing.T, r object, path ...string) T {
	t.Helper()
	var value any = r
	for _, name := range path {
		inner, _ := value.(object)
		value = inner[name]
	}
	typed, ok := value.(T)
	if !ok {
		t.Fatalf("%s is %T in %v", strings.Join(path, "."), value, r)
	}
	return typed
}

// TestTheirPartsFitTogether holds what no schema knows.
func TestTheirPartsFitTogether(t *testing.T) {
	known := settings(t)
	for _, dir := range workers() {
		t.Run(dir, func(t *testing.T) {
			all := resources(t, dir)
			deployment := all["Deployment"]
			labels := at[object](t, deployment, "spec", "template", "metadata", "labels")
			for kind, path := range map[string][]string{
				"Deployment":          {"spec", "selector", "matchLabels"},
				"PodDisruptionBudget": {"spec", "selector", "matchLabels"},
				"NetworkPolicy":       {"spec", "podSelector", "matchLabels"},
			} {
				if selector := at[object](t, all[kind], path...); len(selector) == 0 || !maps.Equal(selector, labels) {
					t.Errorf("%s selects %v, the pods are %v", kind, selector, labels)
				}
			}
			if grace := at[float64](t, deployment, "spec", "template", "spec", "terminationGracePeriodSeconds"); grace <= 20 {
				t.Errorf("pods are killed after %v s, SHUTDOWN_GRACE is 20s", grace)
			}
			for name := range at[object](t, all["ConfigMap"], "data") {
				if !strings.Contains(known, "\n  "+name+" ") {
					t.Errorf("%s is no setting", name)
				}
			}
			checkContainers(t, all, known)
		})
	}
}

// checkContainers checks the containers' references.
func checkContainers(t *testing.T, all map[string]object, known string) {
	t.Helper()
	pod := at[object](t, all["Deployment"], "spec", "template", "spec")
	secret := at[object](t, all["Secret"], "data")
	for _, c := range at[[]any](t, pod, "containers") {
		container, _ := c.(object)
		command, _ := at[[]any](t, container, "args")[0].(string)
		if !strings.Contains(known, "\n  "+command+" ") {
			t.Errorf("%s is no command of the worker", command)
		}
		for _, e := range at[[]any](t, container, "env") {
			env, _ := e.(object)
			name, value := at[string](t, env, "name"), at[string](t, env, "value")
			if name, isFile := strings.CutSuffix(name, "_FILE"); isFile {
				if secret[filepath.Base(value)] == nil {
					t.Errorf("%s: there is no %s in the secret", name, value)
				}
			}
			if !strings.Contains(known, strings.TrimSuffix(name, "_FILE")) {
				t.Errorf("%s is no setting", name)
			}
		}
	}
}

// TestSecretsAreExamples: nobody has put a real one into the repository.
func TestSecretsAreExamples(t *testing.T) {
	for _, dir := range workers() {
		var found int
		for _, secret := range every(t, dir, "Secret") {
			for name, value := range at[object](t, secret, "data") {
				if !strings.Contains(name, "password") {
					continue
				}
				found++
				encoded, _ := value.(string)
				text, err := base64.StdEncoding.DecodeString(encoded)
				if err != nil || string(text) != "change-me\n" {
					t.Errorf("%s: %s is %q, %v", dir, name, text, err)
				}
			}
		}
		if found == 0 {
			t.Errorf("%s has no password", dir)
		}
	}
}

// TestScalersAreKnown holds the triggers against KEDA's list of parameters,
// and against the settings of the workers that they scale.
func TestScalersAreKnown(t *testing.T) {
	var keda struct {
		Scalers []struct {
			Type       string
			Parameters []struct {
				Name             string
				Optional         bool
				Default          string
				AllowedValue     []string
				MetadataVariable bool `json:"metadataVariableReadable"`
				TriggerAuth      bool `json:"triggerAuthenticationVariableReadable"`
			}
		}
	}
	if err := json.Unmarshal(read(t, filepath.Join(moduleDir(t, kedaModule), kedaScalers)), &keda); err != nil {
		t.Fatal(err)
	}
	for dir, same := range map[string]map[string]string{
		"keda/nats":  {"stream": "NATS_STREAM", "consumer": "NATS_CONSUMER"},
		"keda/kafka": {"topic": "KAFKA_TOPICS", "consumerGroup": "KAFKA_GROUP_ID", "bootstrapServers": "KAFKA_BROKERS"},
	} {
		all := resources(t, dir)
		trigger, _ := at[[]any](t, all["ScaledObject"], "spec", "triggers")[0].(object)
		metadata := at[object](t, trigger, "metadata")
		for parameter, setting := range same {
			if want := at[string](t, all["ConfigMap"], "data", setting); metadata[parameter] != want {
				t.Errorf("%s: %s is %v, %s is %s", dir, parameter, metadata[parameter], setting, want)
			}
		}
		var names []string
		for _, scaler := range keda.Scalers {
			if scaler.Type != trigger["type"] {
				continue
			}
			for _, p := range scaler.Parameters {
				value, given := metadata[p.Name].(string)
				switch names = append(names, p.Name); {
				case !given && !p.Optional && p.Default == "" && !p.TriggerAuth:
					t.Errorf("%s: %s is missing", dir, p.Name)
				case given && (!p.MetadataVariable || len(p.AllowedValue) > 0 && !slices.Contains(p.AllowedValue, value)):
					t.Errorf("%s: %s cannot be %q", dir, p.Name, value)
				}
			}
		}
		for name := range metadata {
			if !slices.Contains(names, name) {
				t.Errorf("%s: %s is no parameter of %v", dir, name, trigger["type"])
			}
		}
		if at[object](t, all["Deployment"], "spec")["replicas"] != nil {
			t.Errorf("%s: KEDA and the Deployment both say how many workers there are", dir)
		}
	}
}

// TestTheImageIsOne: kustomize replaces it in all containers.
func TestTheImageIsOne(t *testing.T) {
	for _, dir := range workers() {
		images := regexp.MustCompile(`(?m)^ +image: (.*)$`).FindAllSubmatch(build(t, dir), -1)
		if len(images) != 1 {
			t.Errorf("%s has %d images", dir, len(images))
		}
		for _, image := range images {
			if string(image[1]) != "registry.example.org/xmpp-notifier:devel" {
				t.Errorf("%s: image %s", dir, image[1])
			}
		}
	}
}

// TestRoomsShareNothing: each room has a durable consumer, pods and settings of
// its own, so that one that is away holds up no other.
func TestRoomsShareNothing(t *testing.T) {
	seen := map[string]string{}
	once := func(what, value string) {
		if seen[what+value] != "" {
			t.Errorf("two rooms have the %s %s", what, value)
		}
		seen[what+value] = value
	}
	for _, settings := range every(t, "rooms", "ConfigMap") {
		once("room", at[string](t, settings, "data", "XMPP_ROOM"))
		once("consumer", at[string](t, settings, "data", "NATS_CONSUMER"))
	}
	for _, deployment := range every(t, "rooms", "Deployment") {
		once("instance", at[string](t, deployment, "spec", "selector", "matchLabels", "app.kubernetes.io/instance"))
		once("deployment", at[string](t, deployment, "metadata", "name"))
	}
	if len(seen) != 12 {
		t.Errorf("three rooms have %d of 12 names: %v", len(seen), seen)
	}
}

// TestAnOutageOfTheRoomHoldsUpNothing: no pod is ready then. Nodes are drained
// nevertheless, no init container waits for the room, and workers are on several nodes.
func TestAnOutageOfTheRoomHoldsUpNothing(t *testing.T) {
	for _, dir := range workers() {
		all := resources(t, dir)
		if policy := at[string](t, all["PodDisruptionBudget"], "spec", "unhealthyPodEvictionPolicy"); policy != "AlwaysAllow" {
			t.Errorf("%s: the eviction policy is %s", dir, policy)
		}
		pod := at[object](t, all["Deployment"], "spec", "template", "spec")
		if pod["initContainers"] != nil {
			t.Errorf("%s has init containers", dir)
		}
		spread, _ := at[[]any](t, pod, "topologySpreadConstraints")[0].(object)
		labels := at[object](t, all["Deployment"], "spec", "template", "metadata", "labels")
		if selector := at[object](t, spread, "labelSelector", "matchLabels"); !maps.Equal(selector, labels) {
			t.Errorf("%s spreads %v, the pods are %v", dir, selector, labels)
		}
	}
}

// TestComposeHasTheBrokerOfTheTests: the demo runs the version of NATS that the tests run.
func TestComposeHasTheBrokerOfTheTests(t *testing.T) {
	image := at[string](t, compose(t), "services", "nats", "image")
	modules, err := os.ReadFile(filepath.Join("..", "..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`nats-server/v2 v(\S+)`).FindStringSubmatch(string(modules))
	if version == nil || image != "nats:"+version[1]+"-alpine" {
		t.Errorf("the demo has %s, the tests have %v", image, version)
	}
}

func compose(t *testing.T) (services object) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &services); err != nil {
		t.Fatal(err)
	}
	return services
}

// TestComposeHasTheSameRooms: the profile rooms of the demo says of each room what the
// manifests say.
func TestComposeHasTheSameRooms(t *testing.T) {
	demo := compose(t)
	for _, settings := range every(t, "rooms", "ConfigMap") {
		wanted := at[object](t, settings, "data")
		_, team, _ := strings.Cut(at[string](t, settings, "data", "NATS_CONSUMER"), "xmpp-notifier-")
		service := at[object](t, demo, "services", "worker-"+team)
		for _, name := range []string{"NATS_CONSUMER", "MATCH", "EXCLUDE"} {
			if got := at[object](t, service, "environment")[name]; got != wanted[name] {
				t.Errorf("worker-%s has %s=%v, the manifests %v", team, name, got, wanted[name])
			}
		}
		if profiles := at[[]any](t, service, "profiles"); len(profiles) != 1 || profiles[0] != "rooms" {
			t.Errorf("worker-%s is in the profiles %v", team, profiles)
		}
	}
}

// TestMonitorsSelectTheWorkers: the PodMonitor finds the pods and their port.
func TestMonitorsSelectTheWorkers(t *testing.T) {
	monitor := every(t, "monitoring", "PodMonitor")[0]
	selector := at[object](t, monitor, "spec", "selector", "matchLabels")
	endpoint, _ := at[[]any](t, monitor, "spec", "podMetricsEndpoints")[0].(object)
	for _, dir := range workers() {
		pod := at[object](t, resources(t, dir)["Deployment"], "spec", "template")
		for name, value := range selector {
			if got := at[object](t, pod, "metadata", "labels")[name]; got != value {
				t.Errorf("%s: the label %s is %v, the monitor selects %v", dir, name, got, value)
			}
		}
		container, _ := at[[]any](t, pod, "spec", "containers")[0].(object)
		port, _ := at[[]any](t, container, "ports")[0].(object)
		if port["name"] != endpoint["port"] {
			t.Errorf("%s: the port is %v, the monitor scrapes %v", dir, port["name"], endpoint["port"])
		}
	}
}

// TestRulesAreThoseOfPrometheus: the operator's resource holds the rules of
// deploy/prometheus. With -update it is written.
func TestRulesAreThoseOfPrometheus(t *testing.T) {
	var rules object
	if err := yaml.Unmarshal(read(t, "../../prometheus/alerts.yml"), &rules); err != nil {
		t.Fatal(err)
	}
	want, err := yaml.Marshal(object{
		"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
		"metadata": object{"name": "xmpp-notifier"}, "spec": rules,
	})
	if err != nil {
		t.Fatal(err)
	}
	const file = "../monitoring/rules.yaml"
	want = append([]byte("# Made from deploy/prometheus/alerts.yml: go test -run TestRules -update\n"), want...)
	if *update {
		if err := os.WriteFile(file, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, file); !bytes.Equal(got, want) {
		t.Errorf("%s differs from deploy/prometheus/alerts.yml: run this test with -update", file)
	}
}
