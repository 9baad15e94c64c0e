package metrics

import "github.com/prometheus/client_golang/prometheus"

// series are the names, help texts and labels of all that is exported.
type series struct {
	connections, transitions, refused *prometheus.Desc
	handshake, handshakeFailures      *prometheus.Desc
	sent, received, dropped           *prometheus.Desc
	sentBytes, receivedBytes          *prometheus.Desc
	roundTrip, response, scheduleLag  *prometheus.Desc
	ping                              *prometheus.Desc
	disconnects, closes               *prometheus.Desc
	buildInfo                         *prometheus.Desc

	all []*prometheus.Desc
}

func newSeries() *series {
	s := new(series)
	add := func(name, help string, labels ...string) *prometheus.Desc {
		d := prometheus.NewDesc("loadrig_"+name, help, labels, nil)
		s.all = append(s.all, d)
		return d
	}
	s.buildInfo = add("build_info",
		"Always 1; the labels tell which loadrig this is.",
		"version", "revision", "goversion")

	s.connections = add("connections",
		"Simulated players now in each state.", "state")
	s.transitions = add("transitions_total",
		"Changes of a connection's state.", "from", "to")
	s.refused = add("commands_refused_total",
		"Commands that the state of the connection did not allow, or whose parameters were bad.", "command", "state")

	s.handshake = add("handshake_duration_seconds",
		"Opening handshakes that succeeded: each phase that took place, and the total with queueing and auth.", "phase")
	s.handshakeFailures = add("handshake_failures_total",
		"Attempts that did not open, by the phase they ended in and the cause.", "phase", "reason")

	s.sent = add("messages_sent_total",
		"Messages and control frames handed to the kernel.", "opcode")
	s.received = add("messages_received_total",
		"Whole messages and control frames received.", "opcode")
	s.dropped = add("sends_dropped_total",
		"Messages that will never be sent.", "reason")
	s.sentBytes = add("sent_bytes_total",
		"Payload of text and binary messages handed to the kernel.")
	s.receivedBytes = add("received_bytes_total",
		"Payload of text and binary messages received.")

	s.roundTrip = add("round_trip_seconds",
		"From the actual write of a message to its answer.")
	s.response = add("response_seconds",
		"From the intended send time of a message to its answer: what a user would feel.")
	s.scheduleLag = add("schedule_lag_seconds",
		"How late loadrig itself came to what it had scheduled.")

	s.ping = add("ping_round_trip_seconds",
		"From a keep-alive ping to its pong.")

	s.disconnects = add("disconnects_total",
		"Attempts and sessions that ended, by cause and by who ended them.", "cause", "initiator")
	s.closes = add("closes_total",
		"Sessions that ended, by the first close code that crossed the wire; 1006 if none did.", "code", "initiator")
	return s
}
