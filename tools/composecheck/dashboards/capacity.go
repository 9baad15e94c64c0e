package main

import "github.com/grafana/grafana-foundation-sdk/go/dashboard"

// capacity is for whoever wants to know how much fits: where latency bends, and whether it is the server that bends
// or the rig.
func capacity() *dashboard.DashboardBuilder {
	b := board("loadrig-capacity", "loadrig: capacity planning",
		"How much the server takes: latency and throughput against players, where the curve bends, and what of the rig is left. Run a load in stages for this.",
		"now-1h", "10s")

	players := query{"players", connected}
	throughput := "(" + sent + ") + (" + received + ")"
	p99 := quantile(0.99, "", "response_seconds")

	b.WithRow(row("The most so far")).
		WithPanel(figure("Most players", "That were connected at once in the time shown.", number, 0, "max_over_time(("+connected+")[$__range:])")).
		WithPanel(figure("Most messages", "Sent and received a second, over a minute.", perSecond, 0,
			"max_over_time((sum(rate("+series("messages_sent_total", `opcode=~"text|binary"`)+"[1m])) + sum(rate("+
				series("messages_received_total", `opcode=~"text|binary"`)+"[1m])))[$__range:])")).
		WithPanel(figure("Response p99", "Now.", seconds, 0.5, p99)).
		WithPanel(figure("p99 over p50", "A tail that grows away from the middle is a queue: the bend is near.", number, 10,
			"("+p99+") / ("+quantile(0.5, "", "response_seconds")+")")).
		WithPanel(figure("Delivered", "Players connected, as a share of those wanted.", ofOne, 0, share(connected, wanted))).
		WithPanel(figure("Rig's CPU", "Share of the cores that the busiest rig may use. From 0.85 on it is the rig that bends.", ofOne, 0.85, "max("+cpuShare+")")).
		WithPanel(figure("Rig's descriptors", "Share of those that the fullest rig may have.", ofOne, 0.95,
			"max("+series("rig_open_files")+" / "+series("rig_open_files_limit")+")")).
		WithPanel(figure("Rig's lag p99", "From 0.1 s on the figures are the rig's own.", seconds, 0.1, quantile(0.99, "", "schedule_lag_seconds")))

	b.WithRow(row("Where does it bend?")).
		WithPanel(against("Response p99 against players", "One point for each moment. Flat, and then up: the server takes what is left of the bend.", number, seconds,
			players, query{"response p99", p99})).
		WithPanel(against("Messages against players", "One point for each moment. Straight while all is answered; it bends to the right where the server is full.", number, perSecond,
			players, query{"messages a second", throughput})).
		WithPanel(against("Response p99 against messages", "The same by throughput, for servers that mind messages more than connections.", perSecond, seconds,
			query{"messages a second", throughput}, query{"response p99", p99})).
		WithPanel(against("Handshake p99 against handshakes", "How fast players can come: after a restart of the server they all do.", perSecond, seconds,
			query{"handshakes a second", opened}, query{"handshake p99", quantile(0.99, "", "handshake_duration_seconds", `phase="total"`)}))

	b.WithRow(row("The same over time")).
		WithPanel(lines("Players", "That the load wants, and that are there.", number, third, query{"wanted", wanted}, query{"connected", connected})).
		WithPanel(quantiles("Response", "From when a message was due to its answer.", third, "response_seconds")).
		WithPanel(lines("Messages", "Sent and received a second, and what paced traffic asks for.", perSecond, third,
			query{"sent", sent}, query{"received", received}, query{"asked for", sum("", rate("load_messages_total"))})).
		WithPanel(lines("Failures", "Shares: handshakes that did not open, messages that were never sent.", ofOne, third,
			query{"handshakes", share(unopened, attempts)},
			query{"messages", share(sum("", rate("sends_dropped_total")), sum("", rate("sends_asked_total")))})).
		WithPanel(lines("Lost connections", "Attempts and sessions a second that ended otherwise than by plan.", perSecond, third, query{"lost", unplanned})).
		WithPanel(lines("Age of deliveries p99", "From a publication to when a member of the audience first got it; empty for a run without a scenario.", seconds, third,
			query{"{{delivery}}", quantile(0.99, "delivery", "delivery_seconds")}).NoValue(noScenario))

	b.WithRow(row("Is it the rig?")).
		WithPanel(lines("CPU", "Share of the cores that each rig may use.", ofOne, third, query{"{{instance}}", cpuShare})).
		WithPanel(lines("Lag", "Schedule lag, turn of the event loops and read lag, p99. From 0.1 s on the run is untrustworthy.", seconds, third,
			query{"schedule lag", quantile(0.99, "", "schedule_lag_seconds")}, query{"loop turn", quantile(0.99, "", "loop_turn_seconds")},
			query{"read lag", quantile(0.99, "", "read_lag_seconds")})).
		WithPanel(lines("Room left", "Shares used: descriptors that it may have, and ephemeral ports of the machine, as if there were one pair of addresses.", ofOne, third,
			query{"{{instance}} descriptors", series("rig_open_files") + " / " + series("rig_open_files_limit")},
			query{"{{instance}} ports", sum("instance", series("rig_host_tcp_sockets")) + " / " + sum("instance", series("rig_host_ports"))})).
		WithPanel(lines("CPU time per message", "Of all rigs, sent and received: what more load will cost.", seconds, third,
			query{"CPU per message", share(sum("", rate("rig_cpu_seconds_total")), "("+throughput+")")})).
		WithPanel(lines("Memory per player", "Of all rigs, with what a rig takes in any case.", ofMemory, third,
			query{"memory per player", share(sum("", series("rig_resident_bytes")), connected)})).
		WithPanel(lines("Waiting for a core", "Threads that could run and had no core, on average; and the share of the machine's CPU that others got.", number, third,
			query{"{{instance}} waiting", share(sum("instance", rate("rig_run_queue_seconds_total")), sum("instance", rate("rig_seconds_total")))},
			query{"{{instance}} stolen", share(sum("instance", rate("rig_host_cpu_seconds_total", `mode="steal"`)), sum("instance", rate("rig_host_cpu_seconds_total")))}))
	return b
}
