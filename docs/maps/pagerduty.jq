# Webhooks of PagerDuty, version 3: one fingerprint for all that becomes of an
# incident.
if .event.event_type and .event.data then
  .event as $e
  | $e.data as $incident
  | {
      id: $e.id,
      source: "pagerduty",
      eventType: $e.event_type,
      time: $e.occurred_at,
      subject: $incident.title,
      message: "\($e.event_type | sub("incident\\."; "")) · \($incident.service.summary)",
      severity: ($incident.priority.summary // (if $incident.urgency == "high" then "critical" else "warning" end)),
      state: (if $e.event_type == "incident.resolved" then "resolved" else "firing" end),
      fingerprint: $incident.id,
      links: {incident: $incident.html_url},
      labels: {service: ($incident.service.summary // ""), urgency: ($incident.urgency // "")}
    }
else . end
