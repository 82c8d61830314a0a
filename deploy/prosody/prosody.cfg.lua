-- One host with accounts, one service with rooms, no other servers.
pidfile = "/tmp/prosody.pid"
data_path = "/data"
log = { info = "*console" }
admin_socket = "/tmp/prosody.sock"

c2s_ports = { 5222 }
c2s_direct_tls_ports = { 5223 }
s2s_ports = { }
s2s_direct_tls_ports = { }

-- The chat in the browser, see web/index.html. There is no TLS on this port: it
-- is for localhost only, and that is where compose has it.
http_ports = { 5280 }
http_interfaces = { "*" }
https_ports = { }
http_paths = { files = "/" }
http_files_dir = "/web"
http_default_host = "localhost" -- also for http://127.0.0.1:5280
consider_websocket_secure = true

certificates = "/data/certs"
ssl = { certificate = "/data/certs/fullchain.pem"; key = "/data/certs/server.key" }
c2s_direct_tls_ssl = { certificate = "/data/certs/fullchain.pem"; key = "/data/certs/server.key" }

authentication = "internal_hashed"
storage = "internal"

modules_enabled = {
	"disco"; "roster"; "saslauth"; "tls";
	"blocklist"; "bookmarks"; "carbons"; "pep"; "private"; "smacks"; "vcard4"; "vcard_legacy";
	"csi_simple"; "ping"; "time"; "uptime"; "version";
	"http_files"; "websocket";
	"admin_shell"; "posix";
}
modules_disabled = { "s2s" }

VirtualHost "localhost"

Component "conference.localhost" "muc"
	-- The archive keeps the room's history over a restart of the server.
	modules_enabled = { "muc_mam" }
	muc_log_expires_after = "1d"
