// What there is to draw over time, by section. A chart without figures is not shown.

import { heatSpec } from "./heat.js";
import { two, view } from "./view.js";

const DASH = [6, 4], DOT = [2, 3];

const line = (label, color, values, dash, more) => ({ label, color, values, dash, ...more });
const aux = { aux: true };

// rates makes lines of counts a second, of those that ever happened: [label, colour, column, dash, more].
const rates = (run, list) => list.map(([label, color, column, ...more]) => line(label, color, run.happened(column) && run.rate(column), ...more));

// quantiles makes the lines of a histogram.
const quantiles = (run, key, name, dash) => [["max", "c3"], ["p99", "c1"], ["p90", "c2"], ["p50", "c0"]]
	.filter(([q]) => !two() || q === "p50" || q === "p99").map(([q, c]) => line(name + q, c, run.column(`time:${key}:${q}`), dash));

function players(run, of) {
	const [kind, name] = [of.split("/")[0], of.slice(11)];
	if (kind === "population") return [line("players of " + name, "c0", run.column(`population:${name}:players`))];
	return [["idle", "dim"], ["disconnected", "c1"], ["connecting", "c4"], ["connected", "c0"]].filter(([s]) => !two() || s === "connected")
		.map(([s, c]) => line(s, c, run.happened("state:" + s))).concat(line("asked", "ink", run.column("asked:players"), DASH, aux));
}

const phases = [["handshake", "whole", "ink"], ["handshake/resolve", "resolve", "c5"], ["handshake/connect", "connect", "c0"], ["handshake/tls", "tls", "c4"], ["handshake/upgrade", "upgrade", "c2"]];

// causes are those that occurred, in the order of the columns. Those that are common together do not look alike.
const causeColors = { shutdown: "dim", local: "c6", remote: "c4", reset: "c1", eof: "c3", refused: "c5", connect_timeout: "c7", upgrade_status: "c2" };
const causes = (run) => [...run.at.keys()].filter((k) => k.startsWith("ended:")).map((k) => k.slice(6))
	.filter((c) => !two() || (c !== "shutdown" && c !== "local")).map((c, i) => line(c, causeColors[c] || "c" + (i % 8), run.happened("ended:" + c)));

const delivery = (name, i) => [{
	id: "delivery" + i, title: `Delivery of “${name}”`, unit: "per_second",
	note: "What the audience was to get, and what came. Late is what came after something that its sender sent later.",
	series: (run) => rates(run, [["in order", "c0", "in_order"], ["late", "c4", "late"], ["duplicate", "c3", "duplicate"], ["corrupt", "c1", "corrupt"], ["expected", "ink", "expected", DASH]].map(([l, c, k, d]) => [l, c, `delivery:${name}:${k}`, d])),
}, {
	id: "staleness" + i, title: `Staleness of “${name}”`, unit: "seconds", log: true,
	note: "How old a message was when a member of the audience first got it.",
	series: (run) => quantiles(run, "delivery/" + name, ""),
}];

// chartsOf gives the specs of all charts, by section.
export function chartsOf() {
	const names = (what) => [...new Set(view.runs.flatMap((r) => (r.manifest.scenario && r.manifest.scenario[what]) || []))];
	return {
		players: [{
			id: "states", title: "Players by state", unit: "count", stack: "area", of: true, series: players,
			note: "Each player has one connection; its state at the end of each interval, beside how many were to be there.",
		}, {
			id: "connects", title: "Connect rate", unit: "per_second",
			note: "Attempts to connect and what became of them, beside the starts that a scenario asked for.",
			series: (run) => rates(run, [["attempted", "c4", "attempted"], ["opened", "c0", "opened", DASH], ["failed", "c1", "failed"], ["asked starts", "ink", "asked:starts", DOT, aux]]),
		}, {
			id: "survival", title: "Session survival", unit: "share", x: (run) => (run.survival ? run.survival.t : []),
			note: "The share of sessions still open after so long; those that ended by plan count until then (Kaplan–Meier).",
			series: (run) => (run.survival && run.survival.t.length > 1 ? [line("still open", "c0", run.survival.s, undefined, { step: true }), line("at risk", "dim", run.survival.n, DOT, { hover: true, unit: "count", aux: true })] : []),
		}],
		messages: [{
			id: "messages", title: "Message rate", unit: "per_second",
			note: "Data messages sent and received, beside what paced traffic was to send.",
			series: (run) => rates(run, [["received", "c2", "received"], ["sent", "c0", "sent", DASH], ["dropped", "c1", "dropped"], ["asked", "ink", "asked:messages", DOT, aux]]),
		}, {
			id: "bytes", title: "Throughput", unit: "bytes_per_second",
			note: "Payload before compression; and what went through the socket, as compressed, with headers and handshakes.",
			series: (run) => rates(run, [["received", "c2", "received_bytes"], ["sent", "c0", "sent_bytes", DASH], ["received on the wire", "c3", "received_wire"], ["sent on the wire", "c4", "sent_wire", DASH]].slice(0, two() ? 2 : 4)),
		}, {
			id: "strays", title: "Strays", unit: "per_second",
			note: "Messages that are no answer: changed, a second time, or to nothing that their player sent.",
			series: (run) => rates(run, [["corrupted", "c1", "stray:corrupted"], ["duplicated", "c3", "stray:duplicated"], ["foreign", "c0", "stray:foreign"]]),
		}],
		latency: [{
			id: "response", title: "Response over time", unit: "seconds", log: true, of: true,
			note: "Response is from when a message was due, round trip (dashes) from when it was sent: the difference is the rig's lateness.",
			series: (run, of) => [...quantiles(run, (of && of + "/") + "response", ""), ...quantiles(run, (of && of + "/") + "round_trip", "round trip ", DASH)],
		}, ...view.runs.map((_, r) => heatSpec(r))],
		handshake: [{
			id: "handshakes", title: "Handshake phases over time", unit: "seconds", log: true,
			note: "The opening handshake and its phases, of what opened in each interval. Dots are medians.",
			series: (run) => phases.slice(0, two() ? 1 : 5).flatMap(([key, p, c]) => [line(p + " p99", c, run.column(`time:${key}:p99`)), line(p + " p50", c, run.column(`time:${key}:p50`), DOT)]),
		}],
		ends: [{
			id: "causes", title: "Disconnects by cause", unit: "count", stack: "bars", series: causes,
			note: "Attempts and sessions that ended in each interval. Local and shutdown are by plan.",
		}],
		deliveries: [...names("deliveries").flatMap(delivery), {
			id: "ticks", title: "Tick deviation, p99", unit: "seconds", log: true,
			note: "How far the time between two ticks was from what is wanted, either way.",
			series: (run) => names("ticks").map((t, i) => line(t, "c" + (i % 8), run.column(`time:tick/${t}:p99`))),
		}],
		rig: [{
			id: "cpu", title: "The rig's CPU", unit: "share",
			note: "CPU of the cores it may use, waits of the time its threads could have run, standstill of all time.",
			series: (run) => [
				line("CPU", "c0", run.part("rig:cpu", "rig:cpu_usable")), line("wait for a core", "c1", run.happened("rig:run_queue") && run.part("rig:run_queue", "rig:run_queue", "rig:cpu"), DASH),
				...rates(run, [["GC pauses", "c2", "rig:gc_paused", DOT], ["standstill", "c3", "rig:stalled"]]),
				line("stolen by the host", "c5", run.happened("host:steal") && run.part("host:steal", "host:steal", "host:busy", "host:iowait", "host:idle"), DOT)],
		}, {
			id: "lags", title: "The rig's lateness", unit: "seconds", log: true,
			note: "How late messages were sent, how long a turn of a loop took, how long an answer lay unread.",
			series: (run) => [["schedule lag p99", "c0", "time:schedule_lag:p99"], ["loop turn p99", "c1", "time:loop_turn:p99", DASH], ["read lag p99", "c2", "time:read_lag:p99", DOT], ["longest GC pause", "c3", "rig:gc_pause_worst", DOT]]
				.map(([label, c, k, d]) => line(label, c, run.happened(k), d)),
		}, {
			id: "memory", title: "The rig's memory", unit: "bytes", note: "Resident.",
			series: (run) => [line("resident", "c0", run.happened("rig:resident"))],
		}, {
			id: "files", title: "Open files and goroutines", unit: "count", note: "Each connection is an open file.",
			series: (run) => [line("open files", "c0", run.happened("rig:files")), line("limit", "ink", run.column("rig:files_limit"), DOT, { hover: true, aux: true }), line("goroutines", "c1", run.happened("rig:goroutines"), DASH)],
		}],
	};
}
