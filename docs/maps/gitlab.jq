# Pipelines of GitLab that failed, with the jobs that did.
if .object_kind == "pipeline" then
  .object_attributes as $p
  | if $p.status != "failed" then empty else {
      source: .project.path_with_namespace,
      subject: "Pipeline \($p.id) of \($p.ref) failed",
      message: ([.builds[]? | select(.status == "failed") | "✗ \(.stage): \(.name)"] | join("\n")),
      severity: "error",
      links: {pipeline: ($p.url // "\(.project.web_url)/-/pipelines/\($p.id)")},
      labels: {project: .project.path_with_namespace, ref: $p.ref, by: (.user.username // "")}
    } end
else . end
