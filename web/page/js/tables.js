// Tables of a run's summary. Each figure says in data-figure which field it is, and in data-value what the field has: what is
// shown is rounded.

import { h, table } from "./dom.js";
import { NONE, clock, closeCode, known, say, signed } from "./format.js";
import { two, view } from "./view.js";

// field gives what a path into the summary leads to.
export const field = (run, path) => path.split(".").reduce((o, k) => (o == null ? undefined : o[k]), run.summary);

// figure shows a field. One that is not there is a dash.
export function figure(run, path, unit, words) {
	const v = field(run, path);
	const attrs = v === undefined ? null : { "data-figure": path, "data-value": JSON.stringify(v), "data-run": two() ? view.runs.indexOf(run) : null };
	return h("span", attrs, words ? words(v) : say(unit || "count", v));
}

// cells shows some fields of what a path leads to.
const cells = (run, path, names, unit) => names.split(" ").map((n) => figure(run, path + "." + n, unit));

const spreadHeads = ["Mean", "p50", "p90", "p99", "p99.9", "Max"];

// times shows a latency, in dashes if nothing was measured.
export const times = (run, path, names) => (names || "mean p50 p90 p99 p999 max").split(" ").map((n) => figure(run, path + "." + n, "seconds", field(run, path + ".count") ? null : () => NONE));

const latency = (run, name, path) => [name, figure(run, path + ".count"), ...times(run, path)];

// each makes rows of a list.
const each = (run, path, row) => (field(run, path) || []).flatMap((item, i) => [row(item, path + "." + i)]);

function latencies(run) {
	const all = { Response: "response", "Round trip": "round_trip", "Round trip by the kernel": "kernel_round_trip", "Schedule lag": "schedule_lag", "Read lag": "read_lag", "Loop turn": "loop_turn", Ping: "ping", Handshake: "handshake" };
	const rows = Object.entries(all).filter(([, p]) => field(run, p + "_seconds.count") > 0).map(([name, p]) => latency(run, name, p + "_seconds"));
	return table("Latencies of the whole run", ["What", "Count", ...spreadHeads], rows, "Percentiles are of all messages, at most 0.1 % too high; count, mean and max are exact.");
}

function phaseTable(run) {
	const path = "handshake_seconds.phases", all = field(run, path) || {}, most = Math.max(...Object.values(all).map((p) => p.mean || 0));
	return table("Handshake phases of the whole run", ["Phase", "Mean, to scale", "Count", ...spreadHeads], ["resolve", "connect", "tls", "upgrade"].filter((p) => all[p] && all[p].count).map((p) => {
		const bar = h("span", { class: "bar" });
		bar.style.width = Math.max(1, 70 * all[p].mean / most) + "px";
		const [name, ...rest] = latency(run, p, path + "." + p);
		return [name, bar, ...rest];
	}));
}

function connections(run) {
	return table("Connections", ["Connections", "Attempted", "Opened", "Failed", "Compressed", "Peak", "Idle", "Connecting", "Connected", "Disconnected"],
		run.rows || field(run, "connections.attempted") ? [["Whole run", ...cells(run, "connections", "attempted opened failed compressed peak by_state.idle by_state.connecting by_state.connected by_state.disconnected")]] : [],
		"Idle to disconnected are the players when the load ended, before connections were closed.");
}

function messageTable(run) {
	const row = (name, k) => [name, figure(run, "messages." + k), ...cells(run, "messages", `${k}_bytes ${k}_wire_bytes`, "bytes")], one = (name, path) => [name, figure(run, path), NONE, NONE];
	const rows = [row("Sent", "sent"), row("Received", "received"), one("Dropped", "messages.dropped"), one("Unsent at the end", "rig.unsent_at_the_end")];
	if (!run.summary.scenario) rows.push(one("Unanswered", "rig.unanswered"), one("Corrupted", "messages.corrupted"), one("Duplicated", "messages.duplicated"), one("Foreign", "messages.foreign"));
	return table("Messages", ["Messages", "Count", "Payload", "On the wire"], field(run, "messages.sent") || field(run, "messages.received") ? rows : [], "Dropped were never sent: the backlog was full, or the connection ended first.");
}

// endTable puts who ended connections beside the close codes, with the causes of each.
function endTable(run) {
	const codes = new Map();
	each(run, "disconnects", (d, p) => {
		const code = closeCode(d), of = codes.get(code) || { local: [], remote: [], n: 0 };
		of.n += d.count;
		(of[d.initiator] || of.remote).push(h("div", null, figure(run, p + ".count"), " " + d.cause));
		codes.set(code, of);
	});
	const some = (list) => (list.length ? list : NONE);
	return table("Who ended connections, by close code", ["Close code", "This side", "The server", "Together"], [...codes].map(([code, of]) => [code, some(of.local), some(of.remote), say("count", of.n)]),
		"By the cause of each. This side also ends connections of a server that breaks the protocol.");
}

function populationTable(run) {
	return table("Populations", ["Population", "Players", "Started", "Ended", "Iterations", "Lost", "Response p50", "p99", "Max"],
		each(run, "scenario.populations", (q, p) => [q.name, ...cells(run, p, "players started ended iterations lost"), ...times(run, p + ".response_seconds", "p50 p99 max")]),
		"Lost are players that ended before they had gone through their steps.");
}

function startTable(run) {
	const s = run.summary.scenario;
	return table("Starts and iterations", ["Starts", "On time", "Late", "Missed", "Latest by", "Iterations", "Players lost", "Faults"],
		s ? [["Whole run", ...cells(run, "scenario.starts", "on_time late missed"), figure(run, "scenario.starts.latest_seconds", "seconds"), ...cells(run, "scenario", "iterations players_lost faults")]] : [],
		s && s.first_fault ? "The first fault: " + s.first_fault : "Faults are expressions that could not be evaluated.");
}

function requestTable(run) {
	return table("Requests", ["Request", "Lost", "Count", ...spreadHeads], each(run, "scenario.requests", (q, p) => [
		[q.name, figure(run, p + ".lost"), ...latency(run, "", p + ".response_seconds").slice(1)],
		...(field(run, p + ".round_trip_seconds.count") ? [["· round trip", "", ...latency(run, "", p + ".round_trip_seconds").slice(1)]] : [])]).flat(),
	"Response, from when it was due, and below it round trip, from when it was sent. Lost had no answer in time.");
}

function checkTable(run) {
	return table("Checks", ["Check", "Held", "Failed", "Share that held"], each(run, "scenario.checks", (c, p) => [c.name, ...cells(run, p, "held failed"), say("share", c.held / (c.held + c.failed))]));
}

function deliveryTable(run) {
	return table("Deliveries", ["Delivery", "Published", "Expected", "In order", "Late", "Duplicate", "Corrupt", "Lost", "Staleness p50", "p99", "Max"],
		each(run, "scenario.deliveries", (d, p) => [d.name, ...cells(run, p, "published expected in_order late duplicate corrupt lost"), ...times(run, p + ".latency_seconds", "p50 p99 max")]));
}

function tickTable(run) {
	return table("Ticks", ["Tick", "Drift", "Count", ...spreadHeads],
		each(run, "scenario.ticks", (k, p) => [k.name, figure(run, p + ".drift_seconds", "", (v) => signed("seconds", v)), ...latency(run, "", p + ".deviation_seconds").slice(1)]),
		"How far each came from its interval; drift is the mean, below 0 if they come too early.");
}

// light tells how something stands by a sign, a word and a colour.
const light = (held, yes, no) => h("span", { class: held ? "light good" : "light bad" }, h("span", { "aria-hidden": "true" }, held ? "✓ " : "✗ "), held ? yes : no);

// span writes a time that was chosen: 5 min, and not 300 s.
export const span = (s) => (s > 0 && s % 3600 === 0 ? s / 3600 + " h" : s > 0 && s % 60 === 0 ? s / 60 + " min" : say("seconds", s));

function thresholdTable(run) {
	return table("What was to hold", ["Threshold", "<State", "Got", "Bound", "Margin", "First failed", "<Remark"], each(run, "thresholds", (t, p) => {
		const unit = t.unit || "number";
		const row = [(t.window_seconds ? `any ${span(t.window_seconds)}: ` : "") + t.that, light(t.held, "holds", t.fault ? "not judged" : "failed"),
			figure(run, p + ".value", unit), h("span", null, t.op ? t.op + " " : "", figure(run, p + ".bound", unit)),
			figure(run, p + ".margin", "", (v) => (v > 9.99 ? ">" : v < -9.99 ? "<" : "") + signed("share", Math.min(Math.max(v, -9.99), 9.99))), figure(run, p + ".first_failed_seconds", "moment"),
			t.fault || [!t.measured && "nothing was measured", known(t.worst_window_seconds) && "worst up to " + clock(t.worst_window_seconds), t.abort_on_fail && "ends the run"].filter(Boolean).join(", ") || NONE];
		row.mark = t.held ? null : "failed";
		return row;
	}), "Margin is by which share of the bound it held.");
}

const trusts = { schedule_lag: "Schedule lag p99", loop_turn: "Loop turn p99", read_lag: "Read lag p99", standstill: "Standstill", wait_for_core: "Wait for a core", gc_pause: "GC pauses" };

function trustTable(run) {
	return table("What the rig keeps to", ["Rig", "<State", "Value", "Bound", "<Reason"],
		each(run, "trust", (t, p) => [trusts[t.name] || t.name, known(t.value) ? light(t.held, "kept", "not kept") : "not measured", ...cells(run, p, "value bound", t.unit), t.reason || NONE]),
		"If one of these is not kept, the figures may be the rig's own and not the server's, and the run is untrustworthy.");
}

function rigTable(run) {
	const rows = [["CPU time", "cpu_seconds", "seconds"], ["CPU, of the cores it may use", "cpu_share", "share"], ["Peak memory", "max_rss_bytes", "bytes"], ["Longest GC pause", "gc_pause_seconds", "seconds"],
		["GC, of its CPU time", "gc_cpu_share", "share"], ["Stolen by the host", "steal_share", "share"], ["Throttled periods", "throttled_share", "share"], ["Open files, peak", "open_files_peak"], ["Open files, limit", "open_files_limit"],
		["Goroutines at the end", "goroutines"], ["Panics of players", "panics"], ["Drain", "drain_seconds", "seconds"]]
		.filter(([, k]) => known(field(run, "rig." + k))).map(([name, k, unit]) => [name, figure(run, "rig." + k, unit)]);
	return table("What the run cost this machine", ["Rig", "Value"], run.rows ? rows : [], "The counts add up: " + (field(run, "rig.conservation") || "not known yet"));
}

function configuration(run) {
	const m = run.manifest, host = m.host || {}, s = m.scenario || {}, or = (v, unit) => v && say(unit, v), join = (...list) => list.filter(Boolean).join(", ");
	const rows = { Run: m.id, Name: m.name, URL: m.url, Started: (m.started || "").replace(/\.\d+/, ""), Players: or(m.players, "count"), Planned: m.planned_seconds && span(m.planned_seconds), Traffic: m.traffic,
		"Messages of each player": or(m.messages_per_second, "per_second"), Interval: or(m.interval_seconds, "seconds"), "Maximum lag": or(m.max_schedule_lag_seconds, "seconds"), Scenario: s.name, "SHA-256 of its file": s.sha256,
		Seed: m.seed, loadrig: join(m.version, m.revision), Go: m.go, Engine: join(m.engine, m.shards && m.shards + " shards"), Host: join(host.name, host.os, host.arch, host.kernel),
		CPUs: join(host.cpus, host.cpu_quota && "a quota of " + host.cpu_quota), Memory: or(host.memory_bytes, "bytes"), "Open files, limit": or(host.open_files_limit, "count") };
	for (const [k, v] of Object.entries(m.tags || {})) rows["Tag " + k] = v;
	const t = table("What was asked for, and of what", ["Setting", "<Value"], Object.entries(rows).filter(([, v]) => v).map(([k, v]) => [k, String(v)]));
	if (t && s.text) t.append(h("details", null, h("summary", null, "Scenario file"), h("pre", { tabindex: "0" }, s.text)));
	return t;
}

// tablesOf gives the tables of a section; each makes an element of a run, or nothing where there is nothing to show.
export const tablesOf = {
	thresholds: [thresholdTable], players: [connections], messages: [messageTable], latency: [latencies], handshake: [phaseTable], ends: [endTable],
	scenario: [populationTable, startTable, requestTable, checkTable], deliveries: [deliveryTable, tickTable], rig: [trustTable, rigTable], configuration: [configuration],
};
