-- Debian's configuration, cut down to one host with rooms on loopback.
run_as_root = {{.Root}}
pidfile = "{{.Dir}}/prosody.pid"
data_path = "{{.Dir}}/data"
log = { info = "*console" }
admins = { "admin@{{.Domain}}" }
admin_socket = "{{.Dir}}/prosody.sock"

plugin_paths = { "{{.Dir}}/plugins" }

interfaces = { "127.0.0.1" }
local_interfaces = { "127.0.0.1" }
c2s_ports = { {{.C2S}} }
c2s_direct_tls_ports = { {{.TLS}} }
s2s_ports = { }
s2s_direct_tls_ports = { }

certificates = "{{.Dir}}/certs"
ssl = { certificate = "{{.Dir}}/certs/fullchain.pem"; key = "{{.Dir}}/certs/server.key"{{if .OldTLS}}; protocol = "tlsv1_1"; ciphers = "ALL:@SECLEVEL=0"{{end}} }
c2s_direct_tls_ssl = { certificate = "{{.Dir}}/certs/fullchain.pem"; key = "{{.Dir}}/certs/server.key" }
{{- if .MaxStanzaBytes}}
c2s_stanza_size_limit = {{.MaxStanzaBytes}}
{{- end}}

authentication = "internal_hashed"
{{- if .PlainOnly}}
disable_sasl_mechanisms = { "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS" }
{{- end}}
storage = "internal"
archive_expires_after = "1w"

modules_enabled = {
	"disco"; "roster"; "saslauth"; "tls";
	"blocklist"; "bookmarks"; "carbons"; "pep"; "private"; "smacks"; "vcard4"; "vcard_legacy";
	"csi_simple"; "ping"; "register"; "time"; "uptime"; "version";
	"admin_adhoc"; "admin_shell"; "posix";
{{- if .Throttle}}
	"limits";
{{- end}}
{{- if .Web}}
	"websocket";
{{- end}}
}
modules_disabled = { "s2s" }
{{- if .Throttle}}
limits = { c2s = { rate = "10kb/s" }; s2sin = { rate = "30kb/s" } }
{{- end}}

{{- if .Web}}
http_ports = { }
https_ports = { {{.Web}} }
https_ssl = { certificate = "{{.Dir}}/certs/fullchain.pem"; key = "{{.Dir}}/certs/server.key" }
http_default_host = "{{.Domain}}"
{{- end}}

VirtualHost "{{.Domain}}"

Component "{{.MUC}}" "muc"
	muc_room_default_history_length = {{.History}}
	modules_enabled = {
{{- if .Archive}}
		"muc_mam";
{{- end}}
{{- if .ArchiveFirst}}
		"archive_first";
{{- end}}
{{- if .NoIDs}}
		"no_ids";
{{- end}}
{{- if .Firewall}}
		"firewall";
{{- end}}
	}
{{- if .Firewall}}
	firewall_scripts = { "{{.Dir}}/rules.pfw" }
{{- end}}
