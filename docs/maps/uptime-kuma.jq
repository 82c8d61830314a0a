# Notifications of Uptime Kuma: down and up of one monitor belong together.
if .heartbeat and .monitor then {
    source: "uptime-kuma",
    subject: "\(.monitor.name) is \({"0": "down", "1": "up", "2": "pending", "3": "in maintenance"}[.heartbeat.status | tostring])",
    message: .heartbeat.msg,
    severity: (if .heartbeat.status == 0 then "critical" else "info" end),
    state: (if .heartbeat.status == 0 then "firing" elif .heartbeat.status == 1 then "resolved" else null end),
    fingerprint: "monitor \(.monitor.id)",
    links: {monitor: .monitor.url}
  }
else . end
