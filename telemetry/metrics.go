package telemetry

import (
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/xmpp-notifier/xmpp-notifier/filter"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// sourceMetrics are about the notifications of one source. Labels have few values,
// all of our own making: nothing that a broker, a room or a publisher says becomes one.
type sourceMetrics struct {
	received, delivered, suppressed prometheus.Counter
	digests, digested, expired      prometheus.Counter
	corrections                     prometheus.Counter
	filtered, failed, deadLettered  *prometheus.CounterVec // by reason
	acks                            *prometheus.CounterVec // by outcome
	delivery, age                   prometheus.Histogram
}

// roomMetrics are about the room, and what is asked again.
type roomMetrics struct {
	reflection         prometheus.Histogram
	together           prometheus.Histogram
	retries            *prometheus.CounterVec // by reason
	possibleDuplicates prometheus.Counter
	reconnects         *prometheus.CounterVec // by reason
	joins              *prometheus.CounterVec // by outcome
	removals           *prometheus.CounterVec // by code
	bounces            *prometheus.CounterVec // by condition
}

// The buckets of a histogram: from what a room on the same machine takes to
// an outage over lunch, and to one over the weekend.
func shortTimes() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
}

func longTimes() []float64 {
	return []float64{.005, .025, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600}
}

// newRegistry has what is known of every Go process, and of this program.
func newRegistry(version string) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	about := prometheus.Labels{"version": version, "revision": revision(), "goversion": runtime.Version()}
	newFactory(registry, about).gauge("build_info", "What is running; always 1.", func() float64 { return 1 })
	return registry
}

// factory makes metrics of ours, and registers them.
type factory struct{ promauto.Factory }

// newFactory makes metrics that have these labels.
func newFactory(registry *prometheus.Registry, labels prometheus.Labels) factory {
	return factory{promauto.With(prometheus.WrapRegistererWith(labels, prometheus.WrapRegistererWithPrefix("xmpp_notifier_", registry)))}
}

func (f factory) counter(name, help string) prometheus.Counter {
	return f.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

// counters count by a label. All values count from zero: a rate needs two points.
func (f factory) counters(name, help, label string, values ...string) *prometheus.CounterVec {
	vec := f.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	for _, v := range values {
		vec.WithLabelValues(v)
	}
	return vec
}

// counted reads what others count; nil counts nothing.
func (f factory) counted(name, help string, read func() int64) {
	f.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 {
		if read == nil {
			return 0
		}
		return float64(read())
	})
}

// gauge is read when somebody asks.
func (f factory) gauge(name, help string, read func() float64) {
	f.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read)
}

func (f factory) histogram(name, help string, buckets []float64) prometheus.Histogram {
	return f.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
}

func newSourceMetrics(f factory) sourceMetrics {
	reasons := []string{string(sources.ReasonDecode), string(sources.ReasonRejected), string(sources.ReasonRetries), string(sources.ReasonTooLarge)}
	hidden := []string{worker.WhyExpired}
	for _, reason := range filter.Reasons() {
		hidden = append(hidden, string(reason))
	}
	return sourceMetrics{
		received:     f.counter("messages_received_total", "Messages received from the broker."),
		filtered:     f.counters("notifications_filtered_total", "Notifications that the filter hides.", "reason", hidden...),
		delivered:    f.counter("notifications_delivered_total", "Notifications that the room has shown."),
		digests:      f.counter("digests_total", "Digests that the room has shown."),
		digested:     f.counter("notifications_digested_total", "Notifications that the room has shown in a digest; notifications_delivered_total counts them as well."),
		corrections:  f.counter("corrections_total", "Corrections (XEP-0308) that the room has shown; notifications_delivered_total counts them as well."),
		expired:      f.counter("notifications_expired_total", "Notifications that came too late and that the room has counted in a line with others."),
		suppressed:   f.counter("notifications_suppressed_total", "Duplicates: notifications not posted because the room had shown them before."),
		failed:       f.counters("messages_failed_total", "Messages that can never be delivered.", "reason", reasons...),
		deadLettered: f.counters("messages_dead_lettered_total", "Messages whose dead letter the broker has confirmed.", "reason", reasons...),
		acks: f.counters("acks_total", "How messages were settled: acknowledged, released (the broker redelivers), dead_lettered (acknowledged behind a dead letter), or failed (the broker did not get it, and redelivers).",
			"outcome", acknowledged, released, deadLettered, ackFailed),
		delivery: f.histogram("delivery_duration_seconds", "Time from receiving a notification to its reflection by the room.", shortTimes()),
		age:      f.histogram("event_age_seconds", "Time from the broker's timestamp of a message to its reflection by the room.", longTimes()),
	}
}

func newRoomMetrics(f factory) roomMetrics {
	return roomMetrics{
		retries: f.counters("retries_total", "Repeated attempts: to receive, to write a dead letter, or to post (resend).",
			"reason", worker.Receiving, worker.DeadLettering, resending),
		reconnects: f.counters("xmpp_reconnects_total", "Connections and attempts that ended, each followed by another attempt.", "reason", sink.Reasons()...),
		joins:      f.counters("room_joins_total", "Attempts to join the room after a login: joined or failed.", "outcome", joined, failed),
		removals: f.counters("room_removals_total", "Removals from the room, by the status code of XEP-0045; none if the room was destroyed.",
			"code", "none", "301", "307", "321", "322", "332", "333"),
		bounces:    f.counters("room_bounces_total", "Messages that the room refused, by the condition of RFC 6120.", "condition", conditions()...),
		reflection: f.histogram("reflection_duration_seconds", "Time from sending a message to its reflection by the room.", shortTimes()),
		together: f.histogram("digest_members", "Notifications in a digest; a group counts as one.",
			[]float64{2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000}),
		possibleDuplicates: f.counter("possible_duplicates_total", "Messages resent to a room that could not tell whether it had shown them."),
	}
}

// addGauges adds what is read when somebody asks, and what others count.
func (t *Telemetry) addGauges(f factory) {
	o := t.options
	f.gauge("in_flight_messages", "Messages sent to the room and not yet reflected.", func() float64 {
		messages, _ := o.Room.InFlight()
		return float64(messages)
	})
	f.gauge("unshown_messages", "Those of the messages in flight that the room has refused, or handled and not shown.", func() float64 { return float64(len(o.Room.Unshown())) })
	f.gauge("max_in_flight_messages", "Bound of in_flight_messages: XMPP_MAX_IN_FLIGHT.", func() float64 { return float64(o.MaxInFlight) })
	f.gauge("history_depth_messages", "Bound of all unacknowledged_messages together: how many of our last messages the room's history shows.", func() float64 { return float64(o.Room.HistoryDepth()) })
	f.gauge("max_pending_messages", "Bound of pending_messages, for each source.", func() float64 { return float64(o.Worker.MaxPending()) })
	f.gauge("max_pending_bytes", "Bound of pending_bytes for all sources together, each with an equal share: a sixteenth of MEMORY_LIMIT.", func() float64 { return float64(o.MaxPendingBytes) })
	f.gauge("room_rate_limited", "1 while the room limits the rate of messages.", func() float64 {
		_, _, limited := o.Room.Pace()
		return flag(limited)
	})
	f.gauge("room_pause_seconds", "Time between two messages that the room's rate limit asks for, 0 without a limit or while it is not known.", func() float64 {
		_, pause, _ := o.Room.Pace()
		return pause.Seconds()
	})
	f.gauge("xmpp_connected", "1 while logged in to the XMPP server.", func() float64 { return flag(t.room.snapshot().Connected) })
	f.gauge("room_joined", "1 while in the room.", func() float64 { return flag(t.room.snapshot().Joined) })
	f.gauge("ready", "1 while /readyz says so.", func() float64 { return flag(len(t.Problems()) == 0) })
	f.counted("template_failures_total", "Notifications for which TEMPLATE failed; they were sent with the default text.", o.TemplateFailures)
	f.counted("audit_lines_missing_total", "Lines that could not be written into the audit; their notifications were acknowledged nevertheless.", o.AuditMissing)
}

// addGauges adds the same of one source.
func (s *sourceState) addGauges(f factory, w Worker) {
	name := s.name
	f.gauge("last_delivery_timestamp_seconds", "When the room last showed a notification, as Unix time; 0 before the first.", func() float64 {
		return time.Duration(s.lastDelivered.Load()).Seconds()
	})
	f.gauge("pending_messages", "Messages received from the broker and not yet settled.", func() float64 {
		messages, _ := w.Pending(name)
		return float64(messages)
	})
	f.gauge("pending_bytes", "Size of the pending messages.", func() float64 {
		_, bytes := w.Pending(name)
		return float64(bytes)
	})
	f.gauge("gathered_messages", "Pending messages that are gathered for a digest.", func() float64 { return float64(w.Gathered(name)) })
	f.gauge("unacknowledged_messages", "Messages submitted to the room whose acknowledgement is not durable yet.", func() float64 { return float64(w.Unacknowledged(name)) })
	if r, ok := s.source.(sources.Reporter); ok {
		f.gauge("source_lag_messages", "Messages that wait in the broker, as far as it has told; NaN if it has not.", func() float64 { return lag(r.Status()) })
		f.gauge("source_partitions_stalled", "Kafka partitions that make no progress although there is something to read.", func() float64 { return float64(r.Status().Stalled) })
		f.counted("messages_dropped_total", "Messages lost because the worker had no room for them; only core NATS loses any.", func() int64 { return r.Status().Dropped })
	}
}

func flag(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

// revision is the commit that the program was built from, if that was noted.
func revision() string {
	info, _ := debug.ReadBuildInfo()
	if info != nil {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
