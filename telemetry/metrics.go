package telemetry

import (
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

const namespace = "xmpp_notifier"

// metrics are the counters and histograms. Labels have few values, all of our
// own making: nothing that a broker, a room or a publisher says becomes one.
type metrics struct {
	sourceMetrics
	roomMetrics
}

// sourceMetrics are about notifications, by source.
type sourceMetrics struct {
	received, delivered, suppressed *prometheus.CounterVec
	digests, digested, expired      *prometheus.CounterVec
	corrections                     *prometheus.CounterVec
	filtered, failed, deadLettered  *prometheus.CounterVec // and by reason
	acks                            *prometheus.CounterVec // and by outcome
	delivery, age                   *prometheus.HistogramVec
	lastDelivery                    *prometheus.GaugeVec
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

// newRegistry has what is known of every Go process.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

func newMetrics() *metrics {
	m := &metrics{newSourceMetrics(), newRoomMetrics()}
	m.begin()
	return m
}

func newSourceMetrics() sourceMetrics {
	return sourceMetrics{
		received:     counter("messages_received_total", "Messages received from the broker.", "source"),
		filtered:     counter("notifications_filtered_total", "Notifications that the filter hides.", "source", "reason"),
		delivered:    counter("notifications_delivered_total", "Notifications that the room has shown.", "source"),
		digests:      counter("digests_total", "Digests that the room has shown.", "source"),
		digested:     counter("notifications_digested_total", "Notifications that the room has shown in a digest; notifications_delivered_total counts them as well.", "source"),
		corrections:  counter("corrections_total", "Corrections (XEP-0308) that the room has shown; notifications_delivered_total counts them as well.", "source"),
		expired:      counter("notifications_expired_total", "Notifications that came too late and that the room has counted in a line with others.", "source"),
		suppressed:   counter("notifications_suppressed_total", "Duplicates: notifications not posted because the room had shown them before.", "source"),
		failed:       counter("messages_failed_total", "Messages that can never be delivered.", "source", "reason"),
		deadLettered: counter("messages_dead_lettered_total", "Messages whose dead letter the broker has confirmed.", "source", "reason"),
		acks:         counter("acks_total", "How messages were settled: acknowledged, released (the broker redelivers), dead_lettered (acknowledged behind a dead letter), or failed (the broker did not get it, and redelivers).", "source", "outcome"),
		delivery:     histogram("delivery_duration_seconds", "Time from receiving a notification to its reflection by the room.", shortTimes(), "source"),
		age:          histogram("event_age_seconds", "Time from the broker's timestamp of a message to its reflection by the room.", longTimes(), "source"),
		lastDelivery: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "last_delivery_timestamp_seconds",
			Help: "When the room last showed a notification, as Unix time; 0 before the first.",
		}, []string{"source"}),
	}
}

func newRoomMetrics() roomMetrics {
	return roomMetrics{
		retries:    counter("retries_total", "Repeated attempts: to receive, to write a dead letter, or to post (resend).", "reason"),
		reconnects: counter("xmpp_reconnects_total", "Connections and attempts that ended, each followed by another attempt.", "reason"),
		joins:      counter("room_joins_total", "Attempts to join the room after a login: joined or failed.", "outcome"),
		removals:   counter("room_removals_total", "Removals from the room, by the status code of XEP-0045; none if the room was destroyed.", "code"),
		bounces:    counter("room_bounces_total", "Messages that the room refused, by the condition of RFC 6120.", "condition"),
		reflection: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "reflection_duration_seconds", Buckets: shortTimes(),
			Help: "Time from sending a message to its reflection by the room.",
		}),
		together: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "digest_members", Buckets: []float64{2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000},
			Help: "Notifications in a digest; a group counts as one.",
		}),
		possibleDuplicates: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "possible_duplicates_total",
			Help: "Messages resent to a room that could not tell whether it had shown them.",
		}),
	}
}

// begin makes all that can be counted count from zero: a rate needs two points.
func (m *metrics) begin() {
	start(m.retries, worker.Receiving, worker.DeadLettering, resending)
	start(m.joins, joined, failed)
	start(m.reconnects, sink.Reasons()...)
	start(m.removals, "none", "301", "307", "321", "322", "332", "333")
	start(m.bounces, conditions()...)
}

func start(vec *prometheus.CounterVec, values ...string) {
	for _, v := range values {
		vec.WithLabelValues(v)
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{
		m.received, m.filtered, m.delivered, m.suppressed, m.failed, m.deadLettered, m.acks,
		m.digests, m.digested, m.corrections, m.expired, m.together, m.delivery, m.age, m.reflection, m.lastDelivery,
		m.retries, m.possibleDuplicates, m.reconnects, m.joins, m.removals, m.bounces,
	}
}

// gauges are read when somebody asks, and so is what others count.
func (t *Telemetry) gauges() []prometheus.Collector {
	list := []prometheus.Collector{
		gauge("in_flight_messages", "Messages sent to the room and not yet reflected.", func() float64 {
			messages, _ := t.options.Room.InFlight()
			return float64(messages)
		}),
		gauge("unshown_messages", "Those of the messages in flight that the room has refused, or handled and not shown.", func() float64 {
			return float64(len(t.options.Room.Unshown()))
		}),
		gauge("max_in_flight_messages", "Bound of in_flight_messages: XMPP_MAX_IN_FLIGHT.", func() float64 { return float64(t.options.MaxInFlight) }),
		gauge("history_depth_messages", "Bound of all unacknowledged_messages together: how many of our last messages the room's history shows.", func() float64 {
			return float64(t.options.Room.HistoryDepth())
		}),
		gauge("max_pending_messages", "Bound of pending_messages, for each source.", func() float64 { return float64(t.options.Worker.MaxPending()) }),
		gauge("max_pending_bytes", "Bound of pending_bytes for all sources together, each with an equal share: a sixteenth of MEMORY_LIMIT.", func() float64 { return float64(t.options.MaxPendingBytes) }),
		gauge("room_rate_limited", "1 while the room limits the rate of messages.", func() float64 {
			_, _, limited := t.options.Room.Pace()
			return flag(limited)
		}),
		gauge("room_pause_seconds", "Time between two messages that the room's rate limit asks for, 0 without a limit or while it is not known.", func() float64 {
			_, pause, _ := t.options.Room.Pace()
			return pause.Seconds()
		}),
		gauge("xmpp_connected", "1 while logged in to the XMPP server.", func() float64 { return flag(t.room.snapshot().connected) }),
		gauge("room_joined", "1 while in the room.", func() float64 { return flag(t.room.snapshot().joined) }),
		gauge("ready", "1 while /readyz says so.", func() float64 { return flag(len(t.Problems()) == 0) }),
		buildInfo(t.options.Version),
		counterWith("template_failures_total",
			"Notifications for which TEMPLATE failed; they were sent with the default text.", nil, number(t.options.TemplateFailures)),
		counterWith("audit_lines_missing_total",
			"Lines that could not be written into the audit; their notifications were acknowledged nevertheless.", nil, number(t.options.AuditMissing)),
	}
	for name, s := range t.sources {
		list = append(list, t.sourceGauges(name, s)...)
	}
	return list
}

func buildInfo(version string) prometheus.Collector {
	labels := prometheus.Labels{"version": version, "revision": revision(), "goversion": runtime.Version()}
	return gaugeWith("build_info", "What is running; always 1.", labels, func() float64 { return 1 })
}

func (t *Telemetry) sourceGauges(name string, s *sourceState) []prometheus.Collector {
	source := prometheus.Labels{"source": name}
	list := []prometheus.Collector{
		gaugeWith("pending_messages", "Messages received from the broker and not yet settled.", source, func() float64 {
			messages, _ := t.options.Worker.Pending(name)
			return float64(messages)
		}),
		gaugeWith("pending_bytes", "Size of the pending messages.", source, func() float64 {
			_, bytes := t.options.Worker.Pending(name)
			return float64(bytes)
		}),
		gaugeWith("gathered_messages", "Pending messages that are gathered for a digest.", source, func() float64 {
			return float64(t.options.Worker.Gathered(name))
		}),
		gaugeWith("unacknowledged_messages", "Messages submitted to the room whose acknowledgement is not durable yet.", source, func() float64 {
			return float64(t.options.Worker.Unacknowledged(name))
		}),
	}
	r, ok := s.source.(sources.Reporter)
	if !ok {
		return list
	}
	return append(list,
		gaugeWith("source_lag_messages", "Messages that wait in the broker, as far as it has told; NaN if it has not.", source, func() float64 { return lag(r.Status()) }),
		gaugeWith("source_partitions_stalled", "Kafka partitions that make no progress although there is something to read.", source, func() float64 { return float64(r.Status().Stalled) }),
		counterWith("messages_dropped_total", "Messages lost because the worker had no room for them; only core NATS loses any.", source, func() float64 { return float64(r.Status().Dropped) }))
}

// number reads what others count; nil counts nothing.
func number(read func() int64) func() float64 {
	if read == nil {
		return func() float64 { return 0 }
	}
	return func() float64 { return float64(read()) }
}

func gauge(name, help string, read func() float64) prometheus.Collector {
	return gaugeWith(name, help, nil, read)
}

func gaugeWith(name, help string, labels prometheus.Labels, read func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help, ConstLabels: labels}, read)
}

func counterWith(name, help string, labels prometheus.Labels, read func() float64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help, ConstLabels: labels}, read)
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
