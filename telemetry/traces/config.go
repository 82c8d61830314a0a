package traces

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

// Config is what the operator says about traces. Attributes, and the OTEL_*
// variables that are not here (samplers, batches, limits, certificates,
// compression), are read from the environment by the SDK and its exporters.
type Config struct {
	Endpoint      string        `envconfig:"OTEL_EXPORTER_OTLP_ENDPOINT" desc:"Collector to send traces to by OTLP, like http://otel-collector:4318. Without it, and without OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and OTEL_TRACES_EXPORTER=otlp, there are no traces. All variables of OpenTelemetry's OTLP exporter and trace SDK mean what its specification says."`
	TraceEndpoint string        `envconfig:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" desc:"The same for traces alone: the whole URL, like http://otel-collector:4318/v1/traces."`
	Protocol      string        `envconfig:"OTEL_EXPORTER_OTLP_PROTOCOL" default:"http/protobuf" desc:"http/protobuf or http/json (port 4318 of a collector), or grpc (port 4317)."`
	TraceProtocol string        `envconfig:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL" desc:"The same for traces alone."`
	Headers       config.Secret `envconfig:"OTEL_EXPORTER_OTLP_HEADERS" desc:"Headers for the collector, like Authorization=Bearer%20abc, comma-separated and percent-encoded."`
	TraceHeaders  config.Secret `envconfig:"OTEL_EXPORTER_OTLP_TRACES_HEADERS" desc:"The same for traces alone."`
	Exporter      string        `envconfig:"OTEL_TRACES_EXPORTER" desc:"otlp, or none: no traces. Default: otlp if a collector is set."`
	Disabled      bool          `envconfig:"OTEL_SDK_DISABLED" default:"false" desc:"true: no traces."`
	Service       string        `envconfig:"OTEL_SERVICE_NAME" default:"xmpp-notifier" desc:"Name of the service in traces."`
	Attributes    string        `envconfig:"OTEL_RESOURCE_ATTRIBUTES" desc:"More about the service, name=value, comma-separated and percent-encoded, like deployment.environment.name=production."`
}

const (
	exporterOTLP = "otlp"
	exporterNone = "none"
	protocolGRPC = "grpc"
)

// on reports whether there are traces.
func (c *Config) on() bool {
	if c.Disabled || c.Exporter == exporterNone {
		return false
	}
	return c.Exporter == exporterOTLP || c.Endpoint != "" || c.TraceEndpoint != ""
}

// Validate returns everything that is wrong with c, each error with its fix. It
// finds what the SDK would print with the value, which may be a secret.
func (c Config) Validate() []error {
	errs := []error{checkWord("OTEL_TRACES_EXPORTER", c.Exporter, exporterOTLP, exporterNone)}
	for _, s := range []struct {
		prefix, endpoint, protocol string
		headers                    config.Secret
	}{
		{"OTEL_EXPORTER_OTLP_", c.Endpoint, c.Protocol, c.Headers},
		{"OTEL_EXPORTER_OTLP_TRACES_", c.TraceEndpoint, c.TraceProtocol, c.TraceHeaders},
	} {
		_, headers := parseHeaders(s.prefix+"HEADERS", s.headers)
		errs = append(errs, headers, checkEndpoint(s.prefix+"ENDPOINT", s.endpoint),
			checkWord(s.prefix+"PROTOCOL", s.protocol, "http/protobuf", "http/json", protocolGRPC),
			checkFile(s.prefix+"CERTIFICATE"), checkFile(s.prefix+"CLIENT_CERTIFICATE"), checkFile(s.prefix+"CLIENT_KEY"))
	}
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

func checkWord(name, value string, known ...string) error {
	if value == "" || slices.Contains(known, value) {
		return nil
	}
	return check.Faultf(fmt.Sprintf("use %s", strings.Join(known, " or ")), "%s=%q", name, value)
}

// checkEndpoint never repeats the value: it may have a password in it.
func checkEndpoint(name, endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return check.Faultf("give http://host:4318 or https://host", "%s: not a URL", name)
	case u.User != nil:
		return check.Faultf("move it to OTEL_EXPORTER_OTLP_HEADERS, as Authorization=Basic%20…", "%s: has a user name", name)
	}
	return nil
}

// checkFile looks at a file that the exporters read: they would go on without it.
func checkFile(name string) error {
	path := os.Getenv(name)
	if path == "" {
		return nil
	}
	if _, err := os.ReadFile(path); err != nil { //nolint:gosec // the operator names the file
		return check.Faultf("name a readable file", "%s=%q: %w", name, path, errors.Unwrap(err))
	}
	return nil
}

// headers returns those for traces, or nil if there are none: the exporter then
// looks into the environment, which has none either.
func (c *Config) headers() map[string]string {
	list, _ := parseHeaders("", c.Headers) // validated
	own, _ := parseHeaders("", c.TraceHeaders)
	if len(own) > 0 {
		return own
	}
	return list
}

// parseHeaders reads the list in the form of W3C baggage.
func parseHeaders(name string, list config.Secret) (map[string]string, error) {
	headers := map[string]string{}
	for i, pair := range strings.Split(list.Reveal(), ",") {
		key, value, found := strings.Cut(strings.TrimSpace(pair), "=")
		key = strings.TrimSpace(key)
		text, err := url.PathUnescape(value)
		switch {
		case key == "" && !found:
		case !found || err != nil || !httpguts.ValidHeaderFieldName(key) || !httpguts.ValidHeaderFieldValue(text):
			return nil, check.Faultf("percent-encode the value", "%s: entry %d is not of the form name=value", name, i+1)
		default:
			headers[key] = strings.TrimSpace(text)
		}
	}
	return headers, nil
}

// protocol is how traces are sent.
func (c *Config) protocol() string { return cmp.Or(c.TraceProtocol, c.Protocol) }
