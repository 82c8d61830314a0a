package render_test

// everyHelper is a template that uses all helpers and all of a notification.
const everyHelper = `{{.Mark}} {{strong .Subject}} {{upper .Source}} {{.Level}} {{if .Resolved}}over{{end}}{{if .Firing}}on{{end}}
{{lines 3 .Message}}
{{range $name, $value := .Labels}}{{$name}}={{$value | cut 20 | code}} {{end}}
{{range .Links}}{{.Name}} {{.URL}}
{{end}}{{.Link "runbook"}}
{{with .Data}}{{json .}}{{toPrettyJson .}}{{end}}
{{with .Extra}}{{range $name, $value := .}}{{$name}}: {{printf "%.50v" $value}} {{end}}{{end}}
{{date "15:04" .Time}} {{date "2006-01-02" "UTC" .Time}} {{since .Time .Expiry}}
{{default "no host" .Host}} {{trim .Domain | lower}} {{contains "a" .Server}} {{hasPrefix "a" .Instance}} {{replace "a" "b" .Type}}
{{splitList "," .Trace | join ";"}} {{emph .ID}} {{oneline .Message}} {{html .Subject}} {{js .Subject}} {{urlquery .Subject}}
{{quote .Message}} {{blockquote .Message}} {{print .State .Severity .Fingerprint}} {{println .Expiry.IsZero}}
{{.Default}}`
