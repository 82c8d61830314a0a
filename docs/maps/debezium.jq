# Changes of a database: which row of which table, and what has changed in it.
(.payload // .) as $p
| if ($p | type) == "object" and $p.op and $p.source then
    ({c: "created", u: "updated", d: "deleted", r: "read"}[$p.op] // $p.op) as $what
    | ($p.before // {}) as $before
    | ($p.after // $before) as $row
    | {
        source: ($p.source.db // $p.source.name),
        eventType: $p.op,
        subject: "\($p.source.table): row \($row | to_entries | first.value) \($what)",
        message: (
          [$row | to_entries[] | select(.value != $before[.key]) | "\(.key): \(.value)"]
          | if length > 0 then join("\n") else null end
        ),
        time: ($p.ts_ms / 1000 | todate),
        labels: {table: $p.source.table, op: $what}
      }
  else . end
