-- One host with accounts, one service with rooms, no other servers.
pidfile = "/tmp/prosody.pid"
data_path = "/data"
log = { info = "*console" }
admin_socket = "/tmp/prosody.sock"

c2s_ports = { 5222 }
c2s_direct_tls_ports = { 5223 }
s2s_ports = { }
s2s_direct_tls_ports = { }

certificates = "/data/certs"
ssl = { certificate = "/data/certs/fullchain.pem"; key = "/data/certs/server.key" }
c2s_direct_tls_ssl = { certificate = "/data/certs/fullchain.pem"; key = "/data/certs/server.key" }

authentication = "internal_hashed"
storage = "internal"

modules_enabled = {
	"disco"; "roster"; "saslauth"; "tls";
	"blocklist"; "bookmarks"; "carbons"; "pep"; "private"; "smacks"; "vcard4"; "vcard_legacy";
	"csi_simple"; "ping"; "time"; "uptime"; "version";
	"admin_shell"; "posix";
}
modules_disabled = { "s2s" }

VirtualHost "localhost"

Component "conference.localhost" "muc"
	-- The archive keeps the room's history over a restart of the server.
	modules_enabled = { "muc_mam" }
	muc_log_expires_after = "1d"
