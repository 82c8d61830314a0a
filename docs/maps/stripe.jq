# Events of Stripe that failed. Amounts are in the smallest unit of a currency.
if .object == "event" and .data.object then
  .data.object as $o
  | if (.type | test("failed|disputed|past_due|canceled")) then {
      id: .id,
      source: "stripe",
      eventType: .type,
      time: (.created | todate),
      severity: (if .type | test("dispute") then "critical" else "error" end),
      subject: "\(.type): \(if $o.amount then "\($o.amount / 100) \($o.currency | ascii_upcase)" else $o.id end)",
      message: ($o.failure_message // $o.last_payment_error.message),
      labels: {livemode: (.livemode | tostring)}
    } else empty end
else . end
