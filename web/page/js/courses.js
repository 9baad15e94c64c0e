// What there is to draw over time, by section. A chart without figures is not shown.

import { heatSpec } from "./heat.js";
import { view } from "./view.js";

const DASH = [6, 4], DOT = [2, 3];

const line = (label, color, values, more) => ({ label, color, values, ...more });

// two tells that there are two runs to tell apart: then a chart has fewer lines.
const two = () => view.runs.length > 1;

const causes = "local remote resolve refused connect_timeout tls upgrade_status upgrade_invalid reset eof idle_timeout write_timeout protocol_error bad_utf8 too_big backlog auth local_resource internal shutdown proxy redirect".split(" ");

// Causes that occur together should not look alike; there are more of them than colours.
const causeColors = { shutdown: "dim", local: "c6", remote: "c4", reset: "c1", eof: "c3", refused: "c5", connect_timeout: "c7", upgrade_status: "c2", protocol_error: "c0" };

// quantiles gives the lines of a histogram.
function quantiles(run, key, name, dash, first) {
  const at = (q) => run.column(`time:${key}:${q}`);
  if (!at("p50")) return [];
  const all = [["max", "c3"], ["p99", "c1"], ["p90", "c2"], ["p50", "c0"]];
  return all.filter(([q]) => !two() || q === "p50" || q === "p99").map(([q, c], i) => line((name ? name + " " : "") + q, first ? "c" + (first + i) : c, at(q), { dash }));
}

function players(run, of) {
  if (of.startsWith("population/")) return [line("players of " + of.slice(11), "c0", run.column(`population:${of.slice(11)}:players`))];
  const asked = line("asked", "ink", run.column("asked:players"), { aux: true, dash: DASH });
  if (two()) return [line("connected", "c0", run.happened("state:connected")), asked];
  return [["idle", "dim"], ["disconnected", "c1"], ["connecting", "c4"], ["connected", "c0"]]
    .map(([s, c]) => line(s, c, run.happened("state:" + s))).concat(asked);
}

function response(run, of) {
  const key = of ? of + "/" : "";
  return [...quantiles(run, key + "response"), ...quantiles(run, key + "round_trip", "round trip", DASH)];
}

const phases = ["resolve", "connect", "tls", "upgrade"];

const handshake = (run) => [["handshake", "whole", "ink"], ...phases.map((p, i) => ["handshake/" + p, p, "c" + [5, 0, 4, 2][i]])]
  .filter(([, p]) => !two() || p === "whole")
  .flatMap(([key, p, c]) => [line(p + " p99", c, run.column(`time:${key}:p99`)), line(p + " p50", c, run.column(`time:${key}:p50`), { dash: DOT })]);

function survival(run) {
  const s = run.survival;
  return s && s.t && s.t.length > 1 ? [line("sessions still open", "c0", s.s, { step: true }), line("sessions looked at", "dim", s.n, { hover: true, unit: "count", aux: true })] : [];
}

// delivery gives the charts of what was published under one name.
function delivery(name, i) {
  const rate = (run, what) => (run.happened(`delivery:${name}:${what}`) ? run.rate(`delivery:${name}:${what}`) : null);
  return [{
    id: "delivery" + i, title: `Delivery of “${name}”`, unit: "per_second",
    note: "What the members of the audience were to get, and what came to them. What is late came after something that its sender sent later.",
    series: (run) => [
      line("in order", "c0", rate(run, "in_order")), line("late", "c4", rate(run, "late")), line("duplicate", "c3", rate(run, "duplicate")),
      line("corrupt", "c1", rate(run, "corrupt")), line("expected", "ink", rate(run, "expected"), { dash: DASH })],
  }, {
    id: "staleness" + i, title: `Staleness of “${name}”`, unit: "seconds", log: true,
    note: "How old a message was when a member of the audience first got it: from its publication.",
    series: (run) => quantiles(run, "delivery/" + name),
  }];
}

const rate = (run, name) => (run.happened(name) ? run.rate(name) : null);

// chartsOf gives the specs of all charts, by section.
export function chartsOf() {
  const names = (what) => [...new Set(view.runs.flatMap((r) => (r.manifest.scenario && r.manifest.scenario[what]) || []))];
  return {
    players: [{
      id: "states", title: "Players by state", unit: "count", stack: "area", of: true, series: players,
      note: "Each player has one connection; its state at the end of each interval. Asked is how many were to be there.",
    }, {
      id: "connects", title: "Connect rate", unit: "per_second",
      note: "Attempts to connect that began, opened and failed. Asked starts are those of the scenario.",
      series: (run) => [line("attempted", "c4", rate(run, "attempted")), line("opened", "c0", rate(run, "opened")), line("failed", "c1", rate(run, "failed")), line("asked starts", "ink", rate(run, "asked:starts"), { dash: DASH, aux: true })],
    }, {
      id: "survival", title: "Session survival", unit: "share", x: (run) => (run.survival ? run.survival.t : []), series: survival,
      note: "The share of sessions that were still open after so long. Those that ended by plan are looked at only until then (Kaplan–Meier).",
    }],
    messages: [{
      id: "messages", title: "Message rate", unit: "per_second",
      note: "Data messages that the kernel took and that came. Asked is what paced traffic was to send.",
      series: (run) => [line("received", "c2", rate(run, "received")), line("sent", "c0", rate(run, "sent"), { dash: DASH }), line("dropped", "c1", rate(run, "dropped")), line("asked", "ink", run.rate("asked:messages"), { dash: DOT, aux: true })],
    }, {
      id: "bytes", title: "Throughput", unit: "bytes_per_second",
      note: "Payload before compression, and what went through the socket: with headers and handshakes, as compressed.",
      series: (run) => [line("received", "c2", rate(run, "received_bytes")), line("sent", "c0", rate(run, "sent_bytes"), { dash: DASH })]
        .concat(two() ? [] : [line("received on the wire", "c3", rate(run, "received_wire")), line("sent on the wire", "c4", rate(run, "sent_wire"), { dash: DASH })]),
    }, {
      id: "strays", title: "Strays", unit: "per_second",
      note: "Messages that came and are no answer: changed, a second time, or to nothing that their player sent.",
      series: (run) => [line("corrupted", "c1", rate(run, "stray:corrupted")), line("duplicated", "c3", rate(run, "stray:duplicated")), line("foreign", "c0", rate(run, "stray:foreign"))],
    }],
    latency: [{
      id: "response", title: "Response over time", unit: "seconds", log: true, of: true, series: response,
      note: "Response (whole lines) is from when a message was due, round trip (dashes) from when it was sent: the difference is the rig's own lateness.",
    }, ...view.runs.map((_, r) => heatSpec(r))],
    handshake: [{
      id: "handshakes", title: "Handshake phases over time", unit: "seconds", log: true, series: handshake,
      note: "The opening handshake and its phases, of what opened in each interval. Dots are medians.",
    }],
    ends: [{
      id: "causes", title: "Disconnects by cause", unit: "count", stack: "bars",
      note: "Attempts and sessions that ended, in each interval. Local and shutdown are by plan.",
      series: (run) => causes.filter((c) => !two() || (c !== "shutdown" && c !== "local")).map((c, i) => line(c, causeColors[c] || "c" + (i % 8), run.happened("ended:" + c))),
    }],
    deliveries: [...names("deliveries").flatMap(delivery), {
      id: "ticks", title: "Tick deviation, p99", unit: "seconds", log: true,
      note: "How far the time between two ticks was from what is wanted, either way.",
      series: (run) => names("ticks").map((t, i) => line(t, "c" + (i % 8), run.column(`time:tick/${t}:p99`))),
    }],
    rig: [{
      id: "cpu", title: "The rig's CPU", unit: "share",
      note: "Shares: of the cores that it may use; of the time its threads could have run, that they waited for a core; of all time, that it stood still.",
      series: (run) => [
        line("CPU", "c0", run.part("rig:cpu", "rig:cpu_usable")), line("wait for a core", "c1", run.happened("rig:run_queue") && run.part("rig:run_queue", "rig:run_queue", "rig:cpu"), { dash: DASH }),
        line("GC pauses", "c2", rate(run, "rig:gc_paused"), { dash: DOT }), line("standstill", "c3", rate(run, "rig:stalled")),
        line("stolen by the host", "c5", run.happened("host:steal") && run.part("host:steal", "host:steal", "host:busy", "host:iowait", "host:idle"), { dash: DOT })],
    }, {
      id: "lags", title: "The rig's lateness", unit: "seconds", log: true,
      note: "Schedule lag is how late messages were sent, loop turn how long others had to wait, read lag how long an answer lay unread: 1 in 100 by more.",
      series: (run) => [
        line("schedule lag p99", "c0", run.column("time:schedule_lag:p99")), line("loop turn p99", "c1", run.column("time:loop_turn:p99"), { dash: DASH }),
        line("read lag p99", "c2", run.column("time:read_lag:p99"), { dash: DOT }), line("longest GC pause", "c3", run.happened("rig:gc_pause_worst"), { dash: DOT })],
    }, {
      id: "memory", title: "The rig's memory", unit: "bytes", note: "What of it was resident.",
      series: (run) => [line("resident", "c0", run.happened("rig:resident"))],
    }, {
      id: "files", title: "Open files and goroutines", unit: "count", note: "Each connection is an open file; the limit is in the table below.",
      series: (run) => [line("open files", "c0", run.happened("rig:files")), line("goroutines", "c1", run.happened("rig:goroutines"), { dash: DASH })],
    }],
  };
}
