# Warnings among the events of Kubernetes, in both versions of the API.
if .kind == "Event" then
  (.regarding // .involvedObject // {}) as $object
  | if .type != "Warning" then empty else {
      source: (.reportingController // .source.component),
      hostName: $object.name,
      severity: "warning",
      subject: "\(.reason): \($object.kind) \($object.namespace)/\($object.name)",
      message: (.note // .message),
      time: (.eventTime // .lastTimestamp // .metadata.creationTimestamp),
      labels: {namespace: ($object.namespace // ""), kind: ($object.kind // ""), reason: (.reason // "")}
    } end
else . end
