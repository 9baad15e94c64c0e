package metrics

import "github.com/loadrig/loadrig/messages"

// The metrics of a Snapshot.
var (
	Connections = ofConnections(Gauge, "connections",
		"Simulated players now in each state.", "state")
	Transitions = ofConnections(Counter, "transitions_total",
		"Changes of a connection's state.", "from", "to")
	Refused = ofConnections(Counter, "commands_refused_total",
		"Commands that the state of the connection did not allow, or whose parameters were bad.", "command", "state")

	HandshakeDuration = ofConnections(Times, "handshake_duration_seconds",
		"Opening handshakes that succeeded: each phase that took place, and the total with queueing and auth.", "phase")
	HandshakeFailures = ofConnections(Counter, "handshake_failures_total",
		"Attempts that did not open, by the phase they ended in and the cause.", "phase", "reason")
	Compressed = ofConnections(Counter, "compressed_sessions_total",
		"Opening handshakes that succeeded and agreed on permessage-deflate.")

	Sent = ofConnections(Counter, "messages_sent_total",
		"Messages and control frames handed to the kernel.", "opcode")
	Received = ofConnections(Counter, "messages_received_total",
		"Whole messages and control frames received.", "opcode")
	Asked = ofConnections(Counter, "sends_asked_total",
		"Messages and control frames that were to be sent: those sent, dropped and pending together.")
	Pending = ofConnections(Gauge, "sends_pending",
		"Messages and control frames that wait for a socket to take them.")
	Dropped = ofConnections(Counter, "sends_dropped_total",
		"Messages that will never be sent.", "reason")
	SentBytes = ofConnections(Counter, "sent_bytes_total",
		"Payload of text and binary messages handed to the kernel, before compression.")
	ReceivedBytes = ofConnections(Counter, "received_bytes_total",
		"Payload of text and binary messages received, after decompression.")
	SentWire = ofConnections(Counter, "sent_wire_bytes_total",
		"Bytes handed to the kernel: frames as compressed, their headers, control frames and requests of opening handshakes. What TLS and TCP add is not in it.")
	ReceivedWire = ofConnections(Counter, "received_wire_bytes_total",
		"Bytes received: frames as compressed, their headers, control frames and answers to opening handshakes. What TLS and TCP add is not in it.")

	Strays = ofConnections(Counter, "stray_messages_total",
		"Messages of traffic without a scenario that came and are no answer: changed ones, further ones, and those that answer nothing.", "reason")

	RoundTrip = ofConnections(Times, "round_trip_seconds",
		"From the actual write of a message to its answer.")
	Response = ofConnections(Times, "response_seconds",
		"From the intended send time of a message to its answer: what a user would feel.")
	ScheduleLag = ofConnections(Times, "schedule_lag_seconds",
		"How late loadrig itself came to what it had scheduled.")
	LoopTurn = ofConnections(Times, "loop_turn_seconds",
		"The work of each turn of an event loop, the wait for sockets left out: what comes meanwhile waits so long.")
	ReadLag = ofConnections(Times, "read_lag_seconds",
		"From when the kernel had what was read to its read, where kernel timestamps are asked for.")
	KernelRoundTrip = ofConnections(Times, "kernel_round_trip_seconds",
		"From the actual write of a message to when the kernel had its answer, where kernel timestamps are asked for.")
	PingRoundTrip = ofConnections(Times, "ping_round_trip_seconds",
		"From a keep-alive ping to its pong.")

	Disconnects = ofConnections(Counter, "disconnects_total",
		"Attempts and sessions that ended, by cause and by who ended them.", "cause", "initiator")
	Closes = ofConnections(Counter, "closes_total",
		"Sessions that ended, by the first close code that crossed the wire; 1006 if none did.", "code", "initiator")

	Build = ofConnections(Gauge, "build_info",
		"Always 1; the labels tell which loadrig this is.",
		"version", "revision", "goversion")
)

// PhaseTotal is the value of HandshakeDuration's label for the whole of it.
const PhaseTotal = "total"

// Visit shows v all series of s, in an order that stays. States and causes have their series from the start, so
// that a rate is known from the first one on. Combinations that mostly make no sense are shown once they occur.
func (s *Snapshot) Visit(v Visitor) {
	s.visitConnections(v)
	s.visitTraffic(v)
	s.visitEnds(v)
	v.Times(RoundTrip, &s.RoundTrip)
	v.Times(Response, &s.Response)
	v.Times(ScheduleLag, &s.ScheduleLag)
	v.Times(LoopTurn, &s.LoopTurn)
	v.Times(ReadLag, &s.ReadLag)
	v.Times(KernelRoundTrip, &s.KernelRoundTrip)
	v.Times(PingRoundTrip, &s.Ping)
	v.Times(HandshakeDuration, &s.Handshake, PhaseTotal)
	for p := range messages.Phase(messages.NumPhases) {
		v.Times(HandshakeDuration, &s.Phases[p], p.String())
	}
}

func (s *Snapshot) visitConnections(v Visitor) {
	legal := legalTransitions()
	for _, from := range messages.States() {
		v.Gauge(Connections, float64(s.States[from]), from.String())
		for _, to := range messages.States() {
			if n := s.Transitions[from][to]; legal[from][to] || n > 0 {
				v.Count(Transitions, float64(n), from.String(), to.String())
			}
		}
	}
	for k := range messages.CommandKind(messages.NumCommands) {
		for _, st := range messages.States() {
			if n := s.Refused[k][st]; n > 0 {
				v.Count(Refused, float64(n), k.String(), st.String())
			}
		}
	}
}

func (s *Snapshot) visitTraffic(v Visitor) {
	t := &s.Traffic
	for op := range messages.Op(messages.NumOps) {
		v.Count(Sent, float64(t.Sent[op]), op.String())
		v.Count(Received, float64(t.Received[op]), op.String())
	}
	v.Count(Asked, float64(t.Asked))
	v.Gauge(Pending, float64(t.Pending))
	for d := range messages.Drop(messages.NumDrops) {
		v.Count(Dropped, float64(t.Dropped[d]), d.String())
	}
	v.Count(SentBytes, float64(t.SentBytes))
	v.Count(ReceivedBytes, float64(t.ReceivedBytes))
	v.Count(SentWire, float64(t.SentWire))
	v.Count(ReceivedWire, float64(t.ReceivedWire))
	v.Count(Compressed, float64(s.Compressed))
	for r := range messages.Stray(messages.NumStrays) {
		v.Count(Strays, float64(s.Strays[r]), r.String())
	}
}

func (s *Snapshot) visitEnds(v Visitor) {
	for _, cause := range messages.Causes() {
		v.Count(Disconnects, float64(s.Disconnects[cause]), cause.String(), cause.Initiator().String())
		for p := range messages.Phase(messages.NumPhases) {
			if n := s.HandshakeFailures[p][cause]; n > 0 {
				v.Count(HandshakeFailures, float64(n), p.String(), cause.String())
			}
		}
	}
	s.Closes(func(label string, by messages.Initiator, n uint64) {
		v.Count(Closes, float64(n), label, by.String())
	})
}
