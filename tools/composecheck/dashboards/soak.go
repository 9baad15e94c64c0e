package main

import "github.com/grafana/grafana-foundation-sdk/go/dashboard"

// long is the window of what changes slowly, and before is the same window when the run was an hour younger.
const (
	long   = "15m"
	before = "15m offset 1h"
)

// soak is for whoever leaves a test running for hours: what creeps.
func soak() *dashboard.DashboardBuilder {
	b := board("loadrig-soak", "loadrig: soak test",
		"What changes slowly over hours: latency that drifts, connections that come and go, memory and descriptors that grow.", "now-6h", "1m")

	b.WithRow(row("Since the beginning of what is shown")).
		WithPanel(figure("Players", "Players that are connected.", number, 0, connected)).
		WithPanel(figure("Reconnections", "Connects of players that were disconnected before.", number, 0,
			sum("", "increase("+series("transitions_total", `from="disconnected"`, `to="connecting"`)+"[$__range])"))).
		WithPanel(figure("Lost connections", "Attempts and sessions that ended otherwise than by plan.", number, 1,
			sum("", "increase("+series("disconnects_total", `cause!~"local|shutdown"`)+"[$__range])"))).
		WithPanel(figure("Never sent", "Messages that were dropped.", number, 1, sum("", "increase("+series("sends_dropped_total")+"[$__range])"))).
		WithPanel(figure("Requests lost", "Requests of the scenario without an answer.", number, 1, sum("", "increase("+series("requests_lost_total")+"[$__range])"))).
		WithPanel(figure("Response p99", "Over 15 minutes.", seconds, 0.5, quantileOver(0.99, "", long, "response_seconds"))).
		WithPanel(figure("Drift of p99", "Response p99 of 15 minutes, as a multiple of that of an hour before.", number, 1.5,
			"("+quantileOver(0.99, "", long, "response_seconds")+") / ("+quantileOver(0.99, "", before, "response_seconds")+")")).
		WithPanel(figure("Rig stood still", "Share of the time.", ofOne, 0.01,
			share(sum("", "increase("+series("rig_stalled_seconds_total")+"[$__range])"), sum("", "increase("+series("rig_seconds_total")+"[$__range])"))))

	b.WithRow(row("Does latency drift?")).
		WithPanel(lines("Response", "Quantiles of 15 minutes each, so that a trend shows and a moment does not.", seconds, half,
			query{"p50", quantileOver(0.5, "", long, "response_seconds")},
			query{"p99", quantileOver(0.99, "", long, "response_seconds")},
			query{"p99.9", quantileOver(0.999, "", long, "response_seconds")})).
		WithPanel(lines("Against an hour before", "Response and round trip as multiples of what they were an hour before: 1 is no drift.", number, half,
			query{"response p50", "(" + quantileOver(0.5, "", long, "response_seconds") + ") / (" + quantileOver(0.5, "", before, "response_seconds") + ")"},
			query{"response p99", "(" + quantileOver(0.99, "", long, "response_seconds") + ") / (" + quantileOver(0.99, "", before, "response_seconds") + ")"},
			query{"round trip p99", "(" + quantileOver(0.99, "", long, "round_trip_seconds") + ") / (" + quantileOver(0.99, "", before, "round_trip_seconds") + ")"})).
		WithPanel(lines("Response p99 by request", "Of 15 minutes each; empty for a run without a scenario.", seconds, half,
			query{"{{request}}", quantileOver(0.99, "request", long, "request_response_seconds")}).NoValue(noScenario)).
		WithPanel(lines("Handshake and deliveries p99", "Of 15 minutes each; deliveries are those of a scenario.", seconds, half,
			query{"handshake", quantileOver(0.99, "", long, "handshake_duration_seconds", `phase="total"`)},
			query{"age of deliveries", quantileOver(0.99, "", long, "delivery_seconds")}))

	b.WithRow(row("Do connections last?")).
		WithPanel(lines("Players", "That the load wants, and that are there.", number, third,
			query{"wanted", wanted}, query{"connected", connected}, query{"disconnected", sum("", series("connections", `state="disconnected"`))})).
		WithPanel(lines("Reconnections", "Connects of players that were disconnected before, a second.", perSecond, third,
			query{"reconnections", sum("", rate("transitions_total", `from="disconnected"`, `to="connecting"`))})).
		WithPanel(lines("Lost connections by cause", "In 15 minutes, without those that ended by plan.", number, third,
			query{"{{cause}}", sum("cause", "increase("+series("disconnects_total", `cause!~"local|shutdown"`)+"["+long+"])") + " > 0"}))

	b.WithRow(row("Does throughput hold?")).
		WithPanel(lines("Messages", "Sent and received a second, and what paced traffic asks for.", perSecond, third,
			query{"sent", sent}, query{"received", received}, query{"asked for", sum("", rate("load_messages_total"))})).
		WithPanel(lines("Bytes on the wire", "Without what TLS and TCP add.", byteRate, third,
			query{"out", sum("", rate("sent_wire_bytes_total"))}, query{"in", sum("", rate("received_wire_bytes_total"))})).
		WithPanel(lines("Lost of the scenario", "Shares of 15 minutes: requests without an answer, deliveries that did not come, checks that did not hold.", ofOne, third,
			query{"requests", "1 - " + share(
				"("+sum("", "histogram_count(rate("+series("request_response_seconds")+"["+long+"]))")+" or "+sum("", "rate("+series("request_response_seconds_count")+"["+long+"])")+")",
				"("+sum("", "rate("+series("requests_lost_total")+"["+long+"])")+" + ("+sum("", "histogram_count(rate("+series("request_response_seconds")+"["+long+"]))")+
					" or "+sum("", "rate("+series("request_response_seconds_count")+"["+long+"])")+"))")},
			query{"deliveries", "clamp_min(1 - " + share(sum("", "rate("+series("deliveries_total", `order=~"in_order|late"`)+"["+long+"])"),
				sum("", "rate("+series("deliveries_expected_total")+"["+long+"])")) + ", 0)"},
			query{"checks", share(sum("", "rate("+series("checks_total", `result="failed"`)+"["+long+"])"), sum("", "rate("+series("checks_total")+"["+long+"])"))}).NoValue(noScenario))

	b.WithRow(row("Does the rig itself last?")).
		WithPanel(lines("Memory", "Of each rig that is resident.", ofMemory, third, query{"{{instance}}", series("rig_resident_bytes")})).
		WithPanel(lines("Growth of memory", "Bytes a second, over an hour: what stays above 0 is a leak.", byteRate, third,
			query{"{{instance}}", "deriv(" + series("rig_resident_bytes") + "[1h])"})).
		WithPanel(lines("Descriptors", "Open, and the most that there may be.", number, third,
			query{"{{instance}} open", series("rig_open_files")}, query{"{{instance}} limit", series("rig_open_files_limit")})).
		WithPanel(lines("Goroutines", "They do not grow with players.", number, third, query{"{{instance}}", series("rig_goroutines")})).
		WithPanel(lines("Sockets of the machine", "Of all its processes: in use, and holding a port for a while.", number, third,
			query{"{{instance}} {{state}}", series("rig_host_tcp_sockets")})).
		WithPanel(lines("Lag and pauses", "How late the rig is at p99 of 15 minutes, how long its event loops take, and the longest stop by the garbage collector.", seconds, third,
			query{"lag p99", quantileOver(0.99, "", long, "schedule_lag_seconds")}, query{"turn p99", quantileOver(0.99, "", long, "loop_turn_seconds")},
			query{"longest GC pause", "max(" + series("rig_gc_pause_worst_seconds") + ")"}))
	return b
}
