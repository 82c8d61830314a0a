# Alarms of Amazon CloudWatch, as SNS delivers them.
if .Type == "Notification" and (.Message | type) == "string" then
  . as $sns
  | (try (.Message | fromjson) catch {}) as $alarm
  | if $alarm.AlarmName then {
      id: $sns.MessageId,
      source: "cloudwatch",
      subject: "\($alarm.AlarmName): \($alarm.NewStateReason)",
      message: $alarm.AlarmDescription,
      severity: (if $alarm.NewStateValue == "ALARM" then "critical" else "info" end),
      state: (if $alarm.NewStateValue == "OK" then "resolved" else "firing" end),
      fingerprint: $alarm.AlarmArn,
      time: ($alarm.StateChangeTime | sub("\\+0000$"; "Z")),
      labels: ([$alarm.Trigger.Dimensions[]? | {key: .name, value: .value}] | from_entries + {region: $alarm.Region})
    } else {subject: $sns.Subject, message: $sns.Message, source: $sns.TopicArn} end
else . end
