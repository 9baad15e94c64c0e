// Tables of a run's summary. Each figure says in data-figure which field of the summary it is, and in data-value what that
// field has: what is shown is rounded, what is meant is not.

import { h, table } from "./dom.js";
import { NONE, clock, closeCode, known, say, signed } from "./format.js";
import { view } from "./view.js";

// field gives what a path into the summary leads to.
export const field = (run, path) => path.split(".").reduce((o, k) => (o === null || o === undefined ? undefined : o[k]), run.summary);

// figure shows a field. One that is not there is a dash.
export function figure(run, path, unit, words) {
  const v = field(run, path);
  return h("span", { "data-figure": path, "data-value": v === undefined ? null : JSON.stringify(v), "data-run": view.runs.length > 1 ? String(view.runs.indexOf(run)) : null },
    (words || ((x) => say(unit || "count", x)))(v));
}

const spread = ["mean", "p50", "p90", "p99", "p999", "max"];
const spreadHeads = ["Mean", "p50", "p90", "p99", "p99.9", "Max"];

// times gives the figures of a latency, which are dashes if nothing was measured.
const times = (run, path, list = spread) => list.map((q) => figure(run, path + "." + q, "seconds", field(run, path + ".count") ? null : () => NONE));

const listed = (run, path) => (field(run, path) || []).map((item, i) => [item, path + "." + i]);

const untold = (run, path) => !known(field(run, path));

function latencies(run) {
  const rows = [["Response", "response_seconds"], ["Round trip", "round_trip_seconds"], ["Round trip by the kernel", "kernel_round_trip_seconds"], ["Schedule lag", "schedule_lag_seconds"],
    ["Read lag", "read_lag_seconds"], ["Loop turn", "loop_turn_seconds"], ["Ping", "ping_seconds"], ["Handshake", "handshake_seconds"]]
    .filter(([, p]) => field(run, p + ".count") > 0)
    .map(([name, p]) => [name, figure(run, p + ".count"), ...times(run, p)]);
  return rows.length && table("Latencies of the whole run", ["What", "Count", ...spreadHeads], rows, "Percentiles are of all messages, at most 0.1 % too high; count, mean and max are exact.");
}

function phaseTable(run) {
  const all = field(run, "handshake_seconds.phases") || {};
  const most = Math.max(...Object.values(all).map((p) => p.mean || 0));
  const rows = ["resolve", "connect", "tls", "upgrade"].filter((p) => all[p] && all[p].count).map((p) => {
    const bar = h("span", { class: "bar", "aria-hidden": "true" });
    bar.style.width = Math.max(1, 100 * all[p].mean / most) + "%";
    return [p, h("span", { class: "bars" }, bar), figure(run, `handshake_seconds.phases.${p}.count`), ...times(run, "handshake_seconds.phases." + p)];
  });
  return rows.length && table("Handshake phases of the whole run", ["Phase", "<Share of the mean", "Count", ...spreadHeads], rows);
}

function connections(run) {
  const c = (name) => figure(run, "connections." + name);
  if (!field(run, "connections.attempted") && !run.rows) return null;
  return table("Connections", ["Connections", "Attempted", "Opened", "Failed", "Compressed", "Peak", "Idle", "Connecting", "Connected", "Disconnected"],
    [["Whole run", c("attempted"), c("opened"), c("failed"), c("compressed"), c("peak"), ...["idle", "connecting", "connected", "disconnected"].map((s) => c("by_state." + s))]],
    "Idle to disconnected are the players when the load ended, before connections were closed.");
}

function messageTable(run) {
  if (!field(run, "messages.sent") && !field(run, "messages.received")) return null;
  const m = (name, unit) => figure(run, "messages." + name, unit);
  const rows = [
    ["Sent", m("sent"), m("sent_bytes", "bytes"), m("sent_wire_bytes", "bytes")],
    ["Received", m("received"), m("received_bytes", "bytes"), m("received_wire_bytes", "bytes")],
    ["Dropped", m("dropped"), NONE, NONE], ["Unsent at the end", figure(run, "rig.unsent_at_the_end"), NONE, NONE]];
  if (!run.summary.scenario) {
    rows.push(["Unanswered", figure(run, "rig.unanswered"), NONE, NONE]);
    for (const s of ["corrupted", "duplicated", "foreign"]) rows.push([s[0].toUpperCase() + s.slice(1), m(s), NONE, NONE]);
  }
  return table("Messages", ["Messages", "Count", "Payload", "On the wire"], rows, "Dropped were never sent: the backlog was full, or the connection ended first.");
}

// endTable puts who ended connections beside the close codes, with the causes of each.
function endTable(run) {
  const codes = new Map();
  for (const [d, p] of listed(run, "disconnects")) {
    const code = closeCode(d);
    if (!codes.has(code)) codes.set(code, { local: [], remote: [], n: 0 });
    const of = codes.get(code);
    of.n += d.count;
    (of[d.initiator] || of.remote).push(h("div", null, figure(run, p + ".count"), " " + d.cause));
  }
  const rows = [...codes].map(([code, of]) => [code, of.local.length ? of.local : NONE, of.remote.length ? of.remote : NONE, say("count", of.n)]);
  return rows.length && table("Who ended connections, by close code", ["Close code", "This side", "The server", "Together"], rows, "By the cause of each. This side also ends connections of a server that breaks the protocol.");
}

function populationTable(run) {
  const rows = listed(run, "scenario.populations").map(([q, p]) => [q.name, ...["players", "started", "ended", "iterations", "lost"].map((k) => figure(run, p + "." + k)), ...times(run, p + ".response_seconds", ["p50", "p99", "max"])]);
  return rows.length && table("Populations", ["Population", "Players", "Started", "Ended", "Iterations", "Lost", "Response p50", "p99", "Max"], rows, "Lost are players that ended before they had gone through their steps.");
}

function startTable(run) {
  if (!run.summary.scenario) return null;
  const s = (k, unit) => figure(run, "scenario." + k, unit);
  return table("Starts and iterations", ["Starts", "On time", "Late", "Missed", "Latest by", "Iterations", "Players lost", "Faults"],
    [["Whole run", s("starts.on_time"), s("starts.late"), s("starts.missed"), s("starts.latest_seconds", "seconds"), s("iterations"), s("players_lost"), s("faults")]],
    run.summary.scenario.first_fault ? "The first fault: " + run.summary.scenario.first_fault : "Faults are expressions that could not be evaluated.");
}

function requestTable(run) {
  const rows = listed(run, "scenario.requests").flatMap(([q, p]) => [
    [q.name, figure(run, p + ".response_seconds.count"), figure(run, p + ".lost"), ...times(run, p + ".response_seconds")],
    ...(field(run, p + ".round_trip_seconds.count") ? [["· round trip", figure(run, p + ".round_trip_seconds.count"), "", ...times(run, p + ".round_trip_seconds")]] : [])]);
  return rows.length && table("Requests", ["Request", "Answered", "Lost", ...spreadHeads], rows, "Response, from when it was due, and below it round trip, from when it was sent. Lost had no answer in time.");
}

function checkTable(run) {
  const rows = listed(run, "scenario.checks").map(([c, p]) => [c.name, figure(run, p + ".held"), figure(run, p + ".failed"), say("share", c.held + c.failed ? c.held / (c.held + c.failed) : null)]);
  return rows.length && table("Checks", ["Check", "Held", "Failed", "Share that held"], rows);
}

function deliveryTable(run) {
  const rows = listed(run, "scenario.deliveries").map(([d, p]) => [d.name, ...["published", "expected", "in_order", "late", "duplicate", "corrupt", "lost"].map((k) => figure(run, p + "." + k)), ...times(run, p + ".latency_seconds", ["p50", "p99", "max"])]);
  return rows.length && table("Deliveries", ["Delivery", "Published", "Expected", "In order", "Late", "Duplicate", "Corrupt", "Lost", "Staleness p50", "p99", "Max"], rows);
}

function tickTable(run) {
  const rows = listed(run, "scenario.ticks").map(([k, p]) => [k.name, figure(run, p + ".deviation_seconds.count"), figure(run, p + ".drift_seconds", "", (v) => signed("seconds", v)), ...times(run, p + ".deviation_seconds")]);
  return rows.length && table("Ticks", ["Tick", "Count", "Drift", ...spreadHeads], rows, "How far each came from its interval; drift is the mean, below 0 if they come too early.");
}

// light tells how something stands in a sign, a word and a colour.
export function light(held, yes, no) {
  return h("span", { class: held ? "light good" : "light bad" }, h("span", { "aria-hidden": "true" }, held ? "✓ " : "✗ "), held ? yes : no);
}

export function span(s) {
  return s % 3600 === 0 ? s / 3600 + " h" : s % 60 === 0 ? s / 60 + " min" : say("seconds", s);
}

function thresholdTable(run) {
  const rows = listed(run, "thresholds").map(([t, p]) => {
    const unit = t.unit || "number";
    const row = [(t.window_seconds ? `any ${span(t.window_seconds)}: ` : "") + t.that, light(t.held, "holds", t.fault ? "not judged" : "failed"),
      figure(run, p + ".value", unit), h("span", null, t.op ? t.op + " " : "", figure(run, p + ".bound", unit)),
      figure(run, p + ".margin", "", (v) => signed("share", v)), figure(run, p + ".first_failed_seconds", "moment"),
      t.fault || [!t.measured && "nothing was measured", known(t.worst_window_seconds) && "worst up to " + clock(t.worst_window_seconds), t.abort_on_fail && "ends the run"].filter(Boolean).join(", ") || NONE];
    row.mark = t.held ? null : "failed";
    return row;
  });
  return rows.length && table("What was to hold", ["Threshold", "<State", "Got", "Bound", "Margin", "First failed", "<Remark"], rows, "Margin is by which share of the bound it held.");
}

const trusts = { schedule_lag: "Schedule lag p99", loop_turn: "Loop turn p99", read_lag: "Read lag p99", standstill: "Standstill", wait_for_core: "Wait for a core", gc_pause: "GC pauses" };

function trustTable(run) {
  const rows = listed(run, "trust").map(([t, p]) => [trusts[t.name] || t.name, known(t.value) ? light(t.held, "kept", "not kept") : "not measured", figure(run, p + ".value", t.unit), figure(run, p + ".bound", t.unit), t.reason || NONE]);
  return rows.length && table("What the rig keeps to", ["Rig", "<State", "Value", "Bound", "<Reason"], rows, "If one of these is not kept, the figures may be the rig's own and not the server's, and the run is untrustworthy.");
}

function rigTable(run) {
  if (!run.summary.rig) return null;
  const rows = [["CPU time", "cpu_seconds", "seconds"], ["CPU, of the cores it may use", "cpu_share", "share"], ["Peak memory", "max_rss_bytes", "bytes"], ["Longest GC pause", "gc_pause_seconds", "seconds"],
    ["GC, of its CPU time", "gc_cpu_share", "share"], ["Stolen by the host", "steal_share", "share"], ["Throttled periods", "throttled_share", "share"], ["Open files, peak", "open_files_peak"], ["Open files, limit", "open_files_limit"],
    ["Goroutines at the end", "goroutines"], ["Panics of players", "panics"], ["Drain", "drain_seconds", "seconds"]]
    .filter(([, k]) => !untold(run, "rig." + k)).map(([name, k, unit]) => [name, figure(run, "rig." + k, unit)]);
  const r = run.summary.rig;
  if (r.conservation) rows.push(["Counts", r.conservation]);
  return rows.length && table("What the run cost this machine", ["Rig", "Value"], rows);
}

function configuration(run) {
  const m = run.manifest, host = m.host || {}, s = m.scenario;
  const rows = [["Run", m.id], ["Name", m.name], ["URL", m.url], ["Started", m.started], ["Players", known(m.players) && say("count", m.players)], ["Planned", m.planned_seconds && span(m.planned_seconds)],
    ["Traffic", m.traffic], ["Messages of each player", m.messages_per_second && say("per_second", m.messages_per_second)], ["Interval", m.interval_seconds && say("seconds", m.interval_seconds)], ["Maximum lag", m.max_schedule_lag_seconds && say("seconds", m.max_schedule_lag_seconds)],
    ["Scenario", s && s.name], ["SHA-256 of its file", s && s.sha256], ["Seed", m.seed], ["loadrig", [m.version, m.revision].filter(Boolean).join(" ")], ["Go", m.go], ["Engine", m.engine && `${m.engine}, ${m.shards} shards`],
    ["Host", [host.name, host.os, host.arch, host.kernel].filter(Boolean).join(", ")], ["CPUs", host.cpus && host.cpus + (host.cpu_quota ? `, quota of ${host.cpu_quota}` : "")], ["Memory", host.memory_bytes && say("bytes", host.memory_bytes)],
    ["Open files, limit", host.open_files_limit && say("count", host.open_files_limit)], ...Object.entries(m.tags || {}).map(([k, v]) => ["Tag " + k, v])]
    .filter(([, v]) => v).map(([k, v]) => [k, String(v)]);
  return h("div", null, table("What was asked for, and of what", ["Setting", "<Value"], rows),
    s && s.text && h("details", null, h("summary", null, "Scenario file"), h("pre", { tabindex: "0", role: "region", "aria-label": "Scenario file" }, s.text)));
}

// tablesOf gives the tables of a section; each makes an element of a run, or nothing where there is nothing to show.
export const tablesOf = {
  thresholds: [thresholdTable],
  players: [connections],
  messages: [messageTable],
  latency: [latencies],
  handshake: [phaseTable],
  ends: [endTable],
  scenario: [populationTable, startTable, requestTable, checkTable],
  deliveries: [deliveryTable, tickTable],
  rig: [trustTable, rigTable],
  configuration: [configuration],
};
