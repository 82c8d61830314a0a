# Webhooks of GitHub. The kind of the event is in the header X-GitHub-Event,
# which brokers do not always carry: the members tell it as well.
def repo: .repository.full_name;
if .workflow_run and .action == "completed" then
  .workflow_run as $run
  | if $run.conclusion == "success" then empty else {
      source: repo,
      subject: "\($run.name) \($run.conclusion) on \($run.head_branch)",
      message: $run.head_commit.message,
      severity: "error",
      links: {run: $run.html_url},
      labels: {repository: repo, branch: $run.head_branch, event: $run.event}
    } end
elif .issue and .action then {
    source: repo,
    subject: "Issue \(.issue.number) \(.action): \(.issue.title)",
    message: (if .action == "opened" then .issue.body else null end),
    links: {issue: .issue.html_url},
    labels: {repository: repo}
  }
elif .commits and .ref then {
    source: repo,
    subject: "\(.pusher.name) pushed \(.commits | length) commit(s) to \(.ref | sub("refs/heads/"; ""))",
    message: ([.commits[] | "• " + (.message | split("\n")[0])] | join("\n")),
    links: {changes: .compare},
    labels: {repository: repo}
  }
elif .workflow_run or .workflow_job or .check_run or .check_suite then empty
else . end
