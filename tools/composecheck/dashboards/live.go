package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// Queries that several dashboards ask.
var (
	connected = sum("", series("connections", `state="connected"`))
	wanted    = sum("", series("load_players"))
	sent      = sum("", rate("messages_sent_total", `opcode=~"text|binary"`))
	received  = sum("", rate("messages_received_total", `opcode=~"text|binary"`))
	unplanned = sum("", rate("disconnects_total", `cause!~"local|shutdown"`))
	attempts  = sum("", rate("transitions_total", `to="connecting"`))
	opened    = sum("", rate("transitions_total", `from="connecting"`, `to="connected"`))
	unopened  = sum("", rate("transitions_total", `from="connecting"`, `to="disconnected"`))
	cpuShare  = share(sum("instance", rate("rig_cpu_seconds_total")), sum("instance", rate("rig_cpu_usable_seconds_total")))
)

// live is for whoever watches a load test.
func live() *dashboard.DashboardBuilder {
	b := board("loadrig-live", "loadrig: live load test",
		"What players do now, what they wait for, what goes wrong, and whether the rig can be believed.", "now-15m", "5s").
		WithVariable(choice("population", "Population", "Which populations of the scenario are shown; a run without a scenario has none.",
			"label_values(loadrig_population_starts_total, population)"))

	b.WithRow(row("Now")).
		WithPanel(figure("Players", "Players that are connected.", number, 0, connected)).
		WithPanel(figure("Wanted", "Players that the load wants to be there; an open model does not say.", number, 0, wanted)).
		WithPanel(figure("Sent", "Messages sent a second.", perSecond, 0, sent)).
		WithPanel(figure("Received", "Messages received a second.", perSecond, 0, received)).
		WithPanel(figure("Response p99", "What 1 in 100 users would wait for an answer, or longer.", seconds, 0.5, quantile(0.99, "", "response_seconds"))).
		WithPanel(figure("Failed handshakes", "Share of the attempts to connect that did not open.", ofOne, 0.01, share(unopened, attempts))).
		WithPanel(figure("Lost connections", "Attempts and sessions a second that ended otherwise than by plan.", perSecond, 0.001, unplanned)).
		WithPanel(figure("Rig's lag p99", "How late the rig itself is, 1 time in 100 or more. From 0.1 s on nothing else here can be believed.", seconds, 0.1,
			quantile(0.99, "", "schedule_lag_seconds")))

	b.WithRow(row("Load")).
		WithPanel(stacked("Players by state", "Every player is in one of four states at any time.", number, third,
			query{"{{state}}", sum("state", series("connections"))})).
		WithPanel(lines("Asked and delivered", "What the load wants, and what there is. Where they part, either the server or the rig cannot do it.", number, third,
			query{"players wanted", wanted}, query{"players connected", connected})).
		WithPanel(lines("Handshakes", "Attempts to connect that opened, and that did not, a second.", perSecond, third,
			query{"opened", opened}, query{"of these compressed", sum("", rate("compressed_sessions_total"))}, query{"failed", unopened})).
		WithPanel(lines("Messages sent", "By the kind of frame, a second.", perSecond, third,
			query{"{{opcode}}", sum("opcode", rate("messages_sent_total"))})).
		WithPanel(lines("Messages received", "By the kind of frame, a second.", perSecond, third,
			query{"{{opcode}}", sum("opcode", rate("messages_received_total"))})).
		WithPanel(lines("Bytes", "On the wire: frames as compressed with their headers, and handshakes, without what TLS and TCP add. Payload is before compression.", byteRate, third,
			query{"out", sum("", rate("sent_wire_bytes_total"))}, query{"in", sum("", rate("received_wire_bytes_total"))},
			query{"payload out", sum("", rate("sent_bytes_total"))}, query{"payload in", sum("", rate("received_bytes_total"))}))

	b.WithRow(row("Latency")).
		WithPanel(quantiles("Response", "From when a message was due to its answer: what a user would feel.", third, "response_seconds")).
		WithPanel(quantiles("Round trip", "From the actual write of a message to its answer. What response has more of is the rig's own lag.", third, "round_trip_seconds")).
		WithPanel(clouds("All responses", "How many answers took how long.", third, "response_seconds")).
		WithPanel(lines("Handshake p99 by phase", "1 in 100 opening handshakes takes so long or longer.", seconds, third,
			query{"{{phase}}", quantile(0.99, "phase", "handshake_duration_seconds")})).
		WithPanel(quantiles("Keep-alive", "From a ping to its pong.", third, "ping_round_trip_seconds")).
		WithPanel(quantiles("Round trip to the kernel", "Until the kernel had the answer, where kernel timestamps are on: without the rig's share.", third, "kernel_round_trip_seconds"))

	b.WithRow(row("What goes wrong")).
		WithPanel(lines("Disconnects by cause", "Attempts and sessions a second that ended otherwise than by plan.", perSecond, third,
			query{"{{cause}}, by {{initiator}}", sum("cause, initiator", rate("disconnects_total", `cause!~"local|shutdown"`)) + " > 0"})).
		WithPanel(lines("Failed handshakes", "By the phase that they ended in and the cause, a second.", perSecond, third,
			query{"{{phase}}: {{reason}}", sum("phase, reason", rate("handshake_failures_total"))})).
		WithPanel(lines("Close codes", "Sessions a second that ended, by the first close code on the wire; 1006 if there was none.", perSecond, third,
			query{"{{code}}, by {{initiator}}", sum("code, initiator", rate("closes_total")) + " > 0"})).
		WithPanel(lines("Messages never sent", "A second, by why: the backlog was full, or the connection ended first.", perSecond, third,
			query{"{{reason}}", sum("reason", rate("sends_dropped_total"))})).
		WithPanel(lines("Messages waiting", "For a socket to take them: the server does not read as fast as is sent.", number, third,
			query{"waiting", sum("", series("sends_pending"))})).
		WithPanel(lines("Messages that are no answer", "A second, by why: changed, come again, or answering nothing; empty for a run with a scenario.", perSecond, third,
			query{"{{reason}}", sum("reason", rate("stray_messages_total"))})).
		WithPanel(lines("Refused commands", "Commands a second that the state of the connection did not allow.", perSecond, third,
			query{"{{command}} while {{state}}", sum("command, state", rate("commands_refused_total"))}))

	scenarioRow(b)

	b.WithRow(row("The rig itself")).
		WithPanel(quantiles("Schedule lag", "How late the rig comes to what it had scheduled. From 0.1 s at p99 on the run is untrustworthy.", third, "schedule_lag_seconds")).
		WithPanel(lines("Loops and reads p99", "The work of a turn of an event loop, and how long what had come waited to be read.", seconds, third,
			query{"turn", quantile(0.99, "", "loop_turn_seconds")}, query{"read", quantile(0.99, "", "read_lag_seconds")})).
		WithPanel(lines("CPU", "Share of the cores that each rig may use, and what of its CPU time is the garbage collector's.", ofOne, third,
			query{"{{instance}}", cpuShare},
			query{"{{instance}} garbage collector", share(sum("instance", rate("rig_gc_cpu_seconds_total")), sum("instance", rate("rig_cpu_seconds_total")))})).
		WithPanel(lines("Waiting for a core", "Threads that could run and had no core, on average.", number, third,
			query{"{{instance}}", share(sum("instance", rate("rig_run_queue_seconds_total")), sum("instance", rate("rig_seconds_total")))})).
		WithPanel(lines("Taken from the rig", "Share of the time in which the rig stood still, was stopped by its quota, or its machine's CPU was given to others.", ofOne, third,
			query{"{{instance}} stood still", share(sum("instance", rate("rig_stalled_seconds_total")), sum("instance", rate("rig_seconds_total")))},
			query{"{{instance}} throttled", share(sum("instance", rate("rig_throttled_periods_total")), sum("instance", rate("rig_quota_periods_total")))},
			query{"{{instance}} stolen", share(sum("instance", rate("rig_host_cpu_seconds_total", `mode="steal"`)), sum("instance", rate("rig_host_cpu_seconds_total")))})).
		WithPanel(lines("Memory", "Of each rig that is resident.", ofMemory, third, query{"{{instance}}", series("rig_resident_bytes")}))
	return b
}

// quantiles is a panel of the usual quantiles of a histogram.
func quantiles(title, about string, width uint32, name string, matchers ...string) *timeseries.PanelBuilder {
	return lines(title, about, seconds, width,
		query{"p50", quantile(0.5, "", name, matchers...)},
		query{"p90", quantile(0.9, "", name, matchers...)},
		query{"p99", quantile(0.99, "", name, matchers...)},
		query{"p99.9", quantile(0.999, "", name, matchers...)})
}

// scenarioRow is what only a run of a scenario has.
func scenarioRow(b *dashboard.DashboardBuilder) {
	b.WithRow(row("Scenario: empty for a run without one")).
		WithPanel(lines("Requests answered", "By request, a second.", perSecond, third,
			query{"{{request}}", observed("request", "request_response_seconds")}).NoValue(noScenario)).
		WithPanel(lines("Response p99 by request", "From when a request was due to its answer; round trip: from when it was sent.", seconds, third,
			query{"{{request}}", quantile(0.99, "request", "request_response_seconds")},
			query{"{{request}}, round trip", quantile(0.99, "request", "request_round_trip_seconds")}).NoValue(noScenario)).
		WithPanel(lines("Requests lost", "Without an answer in time or while the connection lasted, a second.", perSecond, third,
			query{"{{request}}", sum("request", rate("requests_lost_total"))}).NoValue(noScenario)).
		WithPanel(lines("Deliveries", "Publications, what members of the audience got of them, and how many they should have got, a second.", perSecond, third,
			query{"{{delivery}}: published", sum("delivery", rate("publications_total"))},
			query{"{{delivery}}: {{order}}", sum("delivery, order", rate("deliveries_total"))},
			query{"{{delivery}}: expected", sum("delivery", rate("deliveries_expected_total"))}).NoValue(noScenario)).
		WithPanel(lines("Age of deliveries p99", "From a publication to when a member of the audience first got it.", seconds, third,
			query{"{{delivery}}", quantile(0.99, "delivery", "delivery_seconds")}).NoValue(noScenario)).
		WithPanel(lines("Failed checks", "Share of the checks that did not hold.", ofOne, third,
			query{"{{check}}", share(sum("check", rate("checks_total", `result="failed"`)), sum("check", rate("checks_total")))}).NoValue(noScenario)).
		WithPanel(lines("Players by population", "Players that began and have not ended.", number, third,
			query{"{{population}}", sum("population", series("population_starts_total", ofPopulation)) + " - " +
				sum("population", series("population_ends_total", ofPopulation))}).NoValue(noScenario)).
		WithPanel(lines("Response p99 by population", "From when a request of a player was due to its answer.", seconds, third,
			query{"{{population}}", quantile(0.99, "population", "population_response_seconds", ofPopulation)}).NoValue(noScenario)).
		WithPanel(lines("Iterations and losses", "A second: times that players went through their steps, players that ended before they had, and expressions that could not be evaluated.", perSecond, third,
			query{"all", sum("", rate("iterations_total"))},
			query{"all lost", sum("", rate("players_lost_total"))},
			query{"faults", sum("", rate("expression_faults_total"))},
			query{"{{population}}", sum("population", rate("population_iterations_total", ofPopulation))},
			query{"{{population}} lost", sum("population", rate("population_players_lost_total", ofPopulation))}).NoValue(noScenario)).
		WithPanel(lines("Deviation of ticks p99", "By how much the time between two ticks of the server differed from what is wanted, either way.", seconds, third,
			query{"{{tick}}", quantile(0.99, "tick", "tick_deviation_seconds")}).NoValue(noScenario)).
		WithPanel(lines("Lateness of ticks", "By how much ticks of the server come too late, on average of all ticks: what is on time or early counts as 0.", seconds, third,
			query{"{{tick}}", each("tick", rate("tick_late_seconds_total"), "tick_deviation_seconds")}).NoValue(noScenario)).
		WithPanel(lines("Starts of players", "That were due, a second: on time, late, or missed as there was no room for them.", perSecond, third,
			query{"{{outcome}}", sum("outcome", rate("load_starts_total"))}).NoValue(noScenario))
}
