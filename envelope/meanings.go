package envelope

import "strings"

// meaning is what a member of somebody's JSON is to a person.
type meaning int

// The meanings, in the order in which docs/formats.md lists them.
const (
	noMeaning meaning = iota
	aTitle
	aName
	aKind
	aMessage
	aText
	aFault
	aSeverity
	aState
	anOutcome
	aTime
	aHost
	anOrigin
	anID
	aFingerprint
	aLink
	aTrace
)

// meanings lists the names that the world uses for each meaning, the best
// first. A name with a dot is that of a member within a member. Names match in
// any case, and without "_" and "-". docs/formats.md shows the table.
var meanings = [...]struct { //nolint:gochecknoglobals // a constant table
	meaning meaning
	what    string
	names   string
}{
	{aTitle, "title: what happened, in one line", `
		subject title alert_subject event_title alert_title alert_name_text event.title incident_title problem_title problem.title
		event_definition_title message_title email_subject headline heading short_message short_description
		annotations.summary annotations.title trigger_name event_name_text activity_title rule.description alert.signature summary`},
	{aName, "name of what the message is about; title if there is no other", `
		event_name alert_name alertname alarm_name rule_name alert_rule_name alert_rule.name alert.rule.name rule.name rule check_name check.name
		monitor_name monitor.name monitor_display_name monitor_friendly_name alert_rule condition_name policy_name search_name scenario
		attributes.friendly_name friendly_name device.friendly_name entity_id display_name job.name job_name task_name playbook workflow.name workflow_name pipeline_name pipeline.name
		backup_name build_name component.name service_description service_desc artifact_name metadata.name table source.table dag_id alarm quality_gate.name name domain check detail.project_name object_ref.name
		deployment.environment deployment_status.environment tag_name ref registration.name actor.attributes.name`},
	{aKind, "kind of event; title if there is neither", `
		event_type detail_type event.type event_kind event.action action_name message_type notification_type alert_type
		object_kind webhook_event operation_name event event_key type action activity category verb`},
	{aMessage, "message", `
		message msg alert_message event_message log text_payload json_payload.message output plugin_output service_output host_output
		check_result.output note problem_details_text context_message context.message state_message status_text state.reason new_state_reason status_message
		text content @m @mt body_text comment annotations.message reason_text event.original description_text alert_text comment.body comment.content.raw response_status.message rendering_info.message commits changes.commits`},
	{aText, "further text, below the message", `
		full_message full_log long_message description details detail body annotations.description documentation.content long_service_output
		event_definition_description message_body alert_details alert_description notes info incident_updates.body pretext activity_text event_description.latest_description data content.raw`},
	{aFault, "error; message if there is no other", `
		error error.message err err.message exception exception.message thrown.message failure_message failure.message fault
		error_message error_msg error_description @x stopped_reason failure_reason build_failure_reason reason cause status_reason tasks.trace`},
	{aSeverity, "severity", `
		severity_name severity_text severity severity_number event_severity alert_severity log.level level lvl levelname level_name loglevel log_level log_severity
		@l alert_type message_type syslog_severity syslog.severity.name severity_label priority.summary priority.name priority_name priority urgency criticality impact level_value levelno
		event_nseverity nseverity trigger_severity rule.level status_indicator sev s notification_type type color theme_color
		check_result.state service_state host_state service.state host.state state exit_status actor.attributes.exit_code
		report.summary.critical_count report.summary.high_count report.summary.medium_count`},
	{aState, "state: whether it begins or ends", `
		state message_type event_value event.value alert_state alert_status incident_state alert_transition new_state_value state.value current_state monitor_condition
		event_action notification_type notification.type service_state host_state event_type action status transition`},
	{anOutcome, "outcome; shown with the name", `
		conclusion run_status health.status build.status workflow.status build_status job_status pipeline_status build.result result outcome new_state_value state.value service_state host_state heartbeat.status last_status
		alert_type_friendly_name status new_state current_state state phase op action`},
	{aTime, "time", `
		time timestamp @timestamp ts datetime date_time event_time event_timestamp time_unix_nano starts_at start_at started_at fired_date_time triggered_at fired_at
		occurred_at opened_at state_change_time status_changed_at sent triggered_time time_generated iso_timestamp log_time asctime instant.epoch_second instant t.$date @t time_local
		start_time_unix_nano observed_time_unix_nano event.created last_timestamp created_at created_on create_time created execution_date long_date_time date ts_ms clock source_realtime_timestamp
		realtime_timestamp timestamp_ms timestamp.seconds time.seconds detected_at updated_at last_changed now at t head_commit.timestamp metadata.creation_timestamp publish_time state_changed_utc_time run_updated_at receive_timestamp happened_at issued_at occur_at received_at analysed_at event_creation_time alert_creation_time created_date finish_time finished_at ended_at end_time start_time time_fired when time_created.system_time published_at request_received_timestamp report.update_timestamp`},
	{aHost, "host", `
		host_name hostname host host.name host.hostname kubernetes.pod_name kubernetes.pod.name k8s.pod.name pod_name pod involved_object.name regarding.name
		source.host node_name nodename node k8s.node.name kubernetes.host server server_name server.name machine machine_name computer computer_name computer_dns_name node.hostname
		device_name device.name device_id device instance_name instance instance_id agent.name source_host syslog_hostname hostname_s resource_name
		configuration_items impacted_entity trigger.dimensions.instance_id entity.system.hostname client.name target`},
	{anOrigin, "origin: the service that sent it", `
		repository.full_name repository.path_with_namespace project.path_with_namespace repo.slug source service_name service.name service service.summary app_name appname application_name application app source.component
		repository.name project_name project.name project_slug project program syslog_identifier ident
		kubernetes.container_name kubernetes.labels.app container_name container.name k8s.container.name reporting_controller reporting_component
		logger_name logger component system job source.name monitoring_service integration_name workflow_name origin log_group event_source producer sender_name
		channel_name repo page.name username`},
	{anID, "id of the event, if it has no other", `
		event_id event.id message_id notification_id delivery_id event_uuid uuid id`},
	{aFingerprint, "fingerprint: the same at the beginning and the end", `
		fingerprint dedup_key dedup_id incident_key alias incident_id alert_id problem_id group_key correlation_id_alert`},
	{aLink, "links", `
		runbook_url runbook annotations.runbook_url object_attributes.url links.web.href links.html.href html_url web_url permalinks.web problem_url url title_link permalink link incident_url issue_url alert_url event_url
		changes.links.html.href details_url target_url build.full_url full_url build_url job_url run_url compare compare_url rule_url results_link zabbix_url event_link log_url
		dashboard_url dashboard panel_url generator_url console_url shortlink short_url view_in_app view_url ticket_url click links.href actions.url open_link.url
		project.web_url repository.html_url link_to_search_results_ui
		silence_url image_url image screenshot_url`},
	{aTrace, "trace", `traceparent`},
}

// wrappers are members that hold the content, or a part of it, of the message.
var wrappers = setOf( //nolint:gochecknoglobals // a constant table
	`data payload detail event alert incident issue problem message msg notification record result object attributes content essentials response_payload
	fields properties params context check_result check heartbeat monitor build pipeline workflow_run workflow_job check_run check_suite deployment
	deployment_status release pull_request app application status labels annotations common_labels common_annotations extra custom custom_details details info
	item entry task run object_attributes sns _source resource attr log json_payload essentials source_event body alert_context
	operation_state activity_log component component_update security_advisory quality_gate new_issues issue_data kibana stream new_state to_state after alert_group alert_payload execution results vulnerabilities findings tags attachments embeds condition all_of merge_request update resource_properties meta metrics output_fields before_after anomaly finding vulnerability
	instance_details subject k8s kubernetes event_data alarm trap archive job rule tasks status_info rendering_info system`)

// wrapperEnds are ends of names of such members: workflow_run, commit_status.
const wrapperEnds = `run status event job build alert incident`

// plainWrappers are those whose names say nothing before the name of what is in them.
var plainWrappers = setOf(`object_attributes resource all_of`) //nolint:gochecknoglobals // a constant table

// isWrapper reports a member that holds content.
func isWrapper(name string) bool {
	return wrappers[name] || endsInOneOf(name, wrapperEnds)
}

// secondaryNames are members that tell of somebody or something else than what happened:
// their values are shown last.
var secondaryNames = setOf( //nolint:gochecknoglobals // a constant table
	`before old old_state from_state previous previous_state previous_attributes last sender user actor author owner creator pusher committer assignee assignees
	organization head_commit headers request response agent client source_details input ecs schema links _links meta metadata signature
	user_identity response_elements request_parameters repository schema_version trigger backlog managed_fields config settings
	previous_value event_definition decisions host_info geo requester base head repo project forkee participants reviewers vars_before vars_after`)

// core are members whose own members are as good as those of the message.
var core = setOf(`data payload detail event alert incident problem notification message record body job workflow_run build`) //nolint:gochecknoglobals // a constant table

// noise are members that help nobody who reads a room.
var noise = setOf( //nolint:gochecknoglobals // a constant table
	`href uri installation nanos message.html message.markdown detailed_message.html detailed_message.markdown detailed_message.text content.html content.markup
	visibility_level default_branch watchers_count forks_count open_issues_count stage_timestamp parse_mode context.id culture keywords opcode qualifiers event_record_id process_id thread_id project_id pusher_type nano_of_second common_element_count resource_type aws_account_id account alert_target_ids origin_alert_id signal_type condition_type
	window_size number_of_evaluation_periods min_failing_periods_to_alert metric_measure_column target_resource_types time_aggregation appid code_file code_line syslog_facility timezone timezone_offset maxretries important interval monitor_id schema payload_version
	s3_schema_version configuration_id arn etag sequencer job_trigger_id event_definition_id job_definition_id event_definition_type origin_context
	contact contact_name hostaddress omd_site what caller_file installation_id subscription
	version schema_version specversion api_version @version ecs.version agent.version resource_version uid managed_fields self_link generation
	signature signature_version signing_cert_url unsubscribe_url subscribe_url token_type mime_type content_type
	v pid tid process_id thread thread_id thread_name threadname process.thread.name thread.name process.pid process.thread.id end_of_batch thread_priority logger_fqcn
	trace_id span_id trace_flags parent_span_id traceid spanid trace.id span.id transaction.id flags dropped_attributes_count observed_time_unix_nano
	ephemeral_id avatar avatar_url icon icon_url icon_emoji footer footer_icon short fallback mrkdwn color theme_color
	org_id panel_id dashboard_id rule_id datasource_uid ref_id essentials_version alert_context_version schema_id lsn xmin tx_id snapshot connector
	receiver node_id index offset log.offset log.file.path input.type agent.type agent.id event_source event_version sequence
	signing_cert metadata.name links.text state_type channel scope.version schema_url monotonic_timestamp transport boot_id machine_id cursor selinux_context cap_effective
	procid msgid facility_num tracestate structured_data @i @type @context thread_context_map context_map
	source_type source_type_id subscription_filters owner_account topic_arn user_agent request_id public`)

// skipped are objects and arrays of which nothing is read: they describe the message.
var skipped = setOf(`potential_action schema managed_fields scope_schema signatures mrkdwn_in entries breadcrumbs sdk modules credentials st_diff conference_bridge`) //nolint:gochecknoglobals // a constant table

// numbered are things whose numbers people know, as in order_id.
var numbered = setOf(`order invoice ticket payment customer shipment case booking contract`) //nolint:gochecknoglobals // a constant table

// confidential are members that are never shown, whatever the message says.
var confidential = setOf(`auth routing_key service_key integration_key session cookie webhook_url bearer sig x_amz_signature x_goog_signature`) //nolint:gochecknoglobals // a constant table

// secretEnds are ends of names of such members: DB_PASSWORD, authToken.
const secretEnds = `password passwd pwd passcode dbpass userpass authpass passphrase secret token apikey accesskey secretkey signingkey encryptionkey privatekey sshkey jwt secretvalue tokenvalue credential credentials connectionstring authorization`

// IsSecret reports names of members that hold passwords, tokens and the like.
func IsSecret(name string) bool {
	name = normal(name)
	return confidential[name] || endsInOneOf(name, secretEnds)
}

func endsInOneOf(name, ends string) bool {
	for end := range strings.FieldsSeq(ends) {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// ambiguous are members that often hold something else than a severity: a word that
// is not known is none.
var ambiguous = setOf(`s message_type state service_state host_state exit_status alert_type notification_type type color theme_color urgency impact`) //nolint:gochecknoglobals // a constant table

// generic are kinds of events that say nothing.
var generic = setOf(`summary status error info event alert log message notification trigger webhook events_api default unknown none state_change metadata request_response`) //nolint:gochecknoglobals // a constant table

// outcomes are words for how something went that are not in the vocabulary of
// severities.
var outcomes = map[string]Severity{ //nolint:gochecknoglobals // a constant table
	"alarm": Unspecified, "degraded": Warning, "unhealthy": Error, "unreachable": Error, "timeout": Error, "timedout": Error, "crashed": Error,
	"neutral": Info, "skipped": Info, "stale": Notice, "actionrequired": Warning, "startupfailure": Error,
	"aborted": Warning, "cancelled": Notice, "canceled": Notice, "errored": Error, "broken": Error, "offline": Error, "unstable": Warning,
	"outofsync": Warning, "healthy": Info, "passed": Info, "succeeded": Info, "complete": Info, "completed": Info, "online": Info, "online!": Info,
	"operational": Info, "degradedperformance": Warning, "partialoutage": Error, "majoroutage": Critical,
	"declined": Error, "rejected": Error, "expired": Warning, "overdue": Warning, "late": Warning, "grace": Warning, "finished": Info,
}

// codes say what the values of a member stand for, where they are no words.
var codes = map[string]map[string]string{ //nolint:gochecknoglobals // a constant table
	"eventvalue":       {"1": "problem", "0": "resolved"},
	"event.value":      {"1": "problem", "0": "resolved"},
	"heartbeat.status": {"0": "down", "1": "up", "2": "pending", "3": "maintenance"},
	"op":               {"c": "created", "u": "updated", "d": "deleted", "r": "read", "t": "truncated"},
}

// plain words for states. Those of the second kind say so only of something
// that raises alarms: an issue that is open is no alarm.
var (
	states = map[string]State{ //nolint:gochecknoglobals // a constant table
		"firing": Firing, "alerting": Firing, "problem": Firing, "triggered": Firing, "trigger": Firing, "down": Firing, "alarm": Firing,
		"nodata": Firing, "activated": Firing, "fired": Firing, "reopened": Firing,
		"resolved": Resolved, "resolve": Resolved, "ok": Resolved, "recovered": Resolved, "recovery": Resolved, "cleared": Resolved, "up": Resolved,
		"incident.triggered": Firing, "incident.resolved": Resolved, "normal": Resolved,
	}
	alarmStates = map[string]State{ //nolint:gochecknoglobals // a constant table
		"active": Firing, "open": Firing, "opened": Firing, "created": Firing, "create": Firing, "started": Firing,
		"inactive": Resolved, "closed": Resolved, "close": Resolved, "ended": Resolved,
	}
)

// alarming are the members in whose values the second kind of words is a state.
var alarming = setOf(`alert incident problem alarm alert_state alert_status incident_state current_state alert_transition event_action`) //nolint:gochecknoglobals // a constant table

// setOf is a list of names, to look names up in.
func setOf(names string) map[string]bool {
	set := make(map[string]bool)
	for name := range strings.FieldsSeq(names) {
		set[normal(name)] = true
	}
	return set
}

// use is one meaning that a name has, and how good it is for that.
type use struct {
	meaning meaning
	rank    int
}

// uses are the meanings by name.
var uses = func() map[string][]use { //nolint:gochecknoglobals // a constant table
	all := make(map[string][]use)
	for _, m := range meanings {
		rank := 0
		for name := range strings.FieldsSeq(m.names) {
			all[normal(name)] = append(all[normal(name)], use{m.meaning, rank})
			rank++
		}
	}
	return all
}()

// normal returns a name without what differs between publishers.
func normal(name string) string {
	b := make([]byte, 0, len(name))
	for i := range len(name) {
		switch c := name[i]; {
		case c == '_' || c == '-' || c == ' ':
		case 'A' <= c && c <= 'Z':
			b = append(b, c+'a'-'A')
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// endsWith reports whether the last names of a path are those of name.
func endsWith(path, name string) bool {
	return strings.HasSuffix(path, name) && (len(path) == len(name) || path[len(path)-len(name)-1] == '.')
}
