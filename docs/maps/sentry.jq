# Alerts of Sentry, of the integration platform and of the older webhook. The id
# is that of the event: another event of the same issue is shown again.
(.data.event // .event) as $event
| if $event.event_id then {
    id: $event.event_id,
    source: (.project_name // .project_slug // "sentry"),
    severity: ($event.level // .level // "error"),
    subject: ($event.title // .message),
    message: ($event.culprit // .culprit),
    fingerprint: ($event.issue_id // .id),
    links: {issue: ($event.web_url // .url)},
    labels: (
      [($event.tags // [])[] | arrays | {key: .[0], value: .[1]}] | from_entries
      + (if $event.environment then {environment: $event.environment} else {} end)
    )
  }
else . end
