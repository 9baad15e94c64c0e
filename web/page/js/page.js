// The page: its head, its sections, and what is drawn again when something changed.

import { themeSwitch } from "./colors.js";
import { Chart, announcer, badEvent, eventName } from "./chart.js";
import { comparisonTables, outcomeOf } from "./comparison.js";
import { chartsOf } from "./courses.js";
import { h, setText, table } from "./dom.js";
import { NONE, clock, known, say } from "./format.js";
import { figure, field, span, tablesOf } from "./tables.js";
import { extent, link, lookAt, range, recall, redraw, view, whenDrawn, zoomBy, zoomTo } from "./view.js";

const $ = (id) => document.getElementById(id);

const titles = { comparison: "Comparison", thresholds: "Thresholds", players: "Players", messages: "Messages", latency: "Response", handshake: "Opening handshakes", ends: "Disconnects", scenario: "Scenario", deliveries: "Deliveries", rig: "The rig itself", events: "Events", configuration: "Configuration" };

const verdicts = { pass: ["✓", "pass", "good"], fail: ["✗", "fail", "bad"], untrustworthy: ["⚠", "untrustworthy", "warn"], running: ["▶", "running", "run"], cut: ["■", "cut off", "warn"], interrupted: ["■", "interrupted", "warn"] };

function badge([sign, word, kind]) {
	return h("span", { class: "badge " + kind }, h("span", { "aria-hidden": "true" }, sign + " "), word);
}

// standing gives the badges of a run: its verdict, and whether it was ended before its time.
function standing(run) {
	const s = run.summary, list = [badge(run.over ? verdicts[s.verdict] || verdicts.cut : verdicts.running)];
	if (s.interrupted) list.push(badge(verdicts.interrupted));
	if (s.cut_off && run.over) list.push(badge(verdicts.cut));
	return list;
}

// tiles are the headline figures.
function tiles(run) {
	const f = (path, unit) => figure(run, path, unit), asked = (path, unit) => known(field(run, path)) && [" of ", f(path, unit)];
	const has = field(run, "response_seconds.count") > 0, lat = (path) => (field(run, path + ".count") > 0 ? (q) => figure(run, path + "." + q, "seconds") : (q) => figure(run, path + "." + q, "", () => NONE));
	const rate = known(field(run, "load.messages_per_second.delivered")), sent = field(run, "messages.sent"), d = field(run, "duration_seconds");
	const r = lat("response_seconds"), lost = run.survival && run.survival.lost, now = !run.over && run.raw("state:connected").at(-1);
	return [
		["Players connected", known(now) ? say("count", now) : f("connections.peak"), [known(now) ? "now" : "at the peak", " of ", f("players")]],
		["Messages sent", rate ? f("load.messages_per_second.delivered", "per_second") : say("per_second", sent / d), [f("messages.sent"), asked("load.messages_per_second.asked", "per_second")]],
		["Response p99", r("p99"), has ? ["p50 ", r("p50"), ", max ", r("max")] : "no answers yet", run.summary.response_seconds],
		["Failed to connect", f("connections.failed"), known(lost) ? [say("count", lost), " sessions lost"] : ""],
		["Dropped", f("messages.dropped"), [f("rig.unanswered"), " unanswered"]],
		["Rig lag p99", lat("schedule_lag_seconds")("p99"), "how late it sent"],
	].map(([name, value, more]) => h("div", { class: "tile" }, h("dt", null, name), h("dd", { class: "big" }, value), h("dd", { class: "note" }, more)));
}

// shown keeps what was last put somewhere, so that what is the same is left alone.
const shown = new Map();

function put(e, key, make) {
	if (shown.get(e) === key) return;
	shown.set(e, key);
	e.replaceChildren(...make());
}

const who = (r) => (view.runs.length > 1 ? "AB"[r] + ": " : "");
const nameOf = (run) => String(run.summary.name || run.manifest.name || (run.manifest.scenario && run.manifest.scenario.name) || run.summary.url || run.manifest.url || "a run");

function header() {
	const all = $("runs");
	if (all.childElementCount !== view.runs.length) all.replaceChildren(...view.runs.map((_, r) => h("div", { class: "run", id: "run" + r }, ["top", "facts", "reasons", "tiles"].map((c) => h(c === "tiles" ? "dl" : c === "reasons" ? "ul" : "div", { class: c })))));
	view.runs.forEach((run, r) => {
		const [top, facts, reasons, dl] = all.children[r].children, s = run.summary, planned = run.manifest.planned_seconds, took = Math.max(s.duration_seconds || 0, run.over ? 0 : run.end);
		put(top, [s.verdict, run.over, s.interrupted, nameOf(run)].join(), () => [h(view.runs.length > 1 ? "h2" : "p", { class: "name" }, who(r) + nameOf(run)), ...standing(run)]);
		put(facts, [took, planned, run.damage].join(), () => [
			h("span", { class: "url" }, String(s.url || run.manifest.url || "")),
			h("span", null, (run.over ? "took " : "") + clock(took) + (planned ? " of " + clock(planned) : "")),
			!!planned && h("progress", { max: String(planned), value: String(Math.min(took, planned)), "aria-label": who(r) + "time that is over" }),
			!run.over && planned && took > planned && h("span", null, "finishing"),
			run.damage && h("strong", { class: "light bad" }, "damaged: " + run.damage)].filter(Boolean));
		put(reasons, JSON.stringify(s.reasons), () => (s.reasons || []).map((t) => h("li", null, String(t))));
		put(dl, view.version, () => tiles(run));
	});
	const c = view.comparison;
	setText($("title"), c ? "Comparison of two runs" : nameOf(view.runs[0]));
	if (!c) $("run0").querySelector(".name").hidden = true;
	if (c) put($("outcome"), c.headline, () => [badge(outcomeOf(c)), h("p", null, String(c.headline)), h("ul", { class: "reasons" }, (c.warnings || []).map((w) => h("li", null, String(w))))]);
	const state = c ? outcomeOf(c)[1] : view.runs[0].over ? view.runs[0].summary.verdict || "cut off" : "running";
	document.title = `${state}: ${c ? view.runs.map(nameOf).join(" and ") : nameOf(view.runs[0])} – loadrig`;
}

const sections = [];

function addSection(id, specs) {
	const charts = specs.map((s) => new Chart(s)), tables = h("div", { class: "tables" });
	const el = h("section", { id, hidden: true, "aria-labelledby": id + "-h" }, h("h2", { id: id + "-h" }, h("a", { href: "#" + id }, titles[id])), h("div", { class: "charts" }, charts.map((c) => c.el)), tables);
	$("main").append(el);
	const item = h("a", { href: "#" + id, hidden: true }, titles[id]);
	$("nav").append(item);
	sections.push({ id, el, charts, tables, item });
}

function events() {
	const list = view.runs.flatMap((run, r) => run.events.map((e) => ({ ...e, r }))).sort((a, b) => a.at - b.at).slice(0, 300);
	return list.length ? [table("What happened, besides the load", ["At", "<What", "<Text", "Took"], list.map((e) => {
		const around = Math.max(5, (extent()[1] - extent()[0]) / 50);
		const row = [h("a", { href: link(Math.max(0, e.at - around), e.at + (e.seconds || 0) + around, view.of) }, clock(e.at)), who(e.r) + eventName(e), String(e.text || ""), e.seconds ? say("seconds", e.seconds) : NONE];
		row.mark = badEvent(e) ? "failed" : null;
		return row;
	}), "A link shows the moment in all charts.")] : [];
}

// refill brings the tables up to date.
function refill(s) {
	const make = s.id === "events" ? () => events() : s.id === "comparison" ? () => (view.comparison ? comparisonTables(view.comparison) : [])
		: () => view.runs.flatMap((run, r) => (tablesOf[s.id] || []).map((f) => f(run)).filter(Boolean).map((t) => {
			const caption = t.querySelector("caption");
			if (caption && who(r)) caption.prepend(who(r));
			return t;
		}));
	const made = make(), key = made.map((e) => e.textContent).join("\n");
	put(s.tables, key, () => made);
	return made.length;
}

let drawnVersion = -1;

function fillSwitch() {
	const sc = view.runs.flatMap((r) => (r.manifest.scenario ? [r.manifest.scenario] : [])), some = (what) => [...new Set(sc.flatMap((s) => s[what] || []))];
	const group = (label, kind, list) => list.length > 0 && h("optgroup", { label }, list.map((n) => h("option", { value: kind + "/" + n }, n)));
	const select = $("of");
	select.replaceChildren(...[h("option", { value: "" }, "everything"), group("Populations", "population", some("populations")), group("Requests", "request", some("requests"))].filter(Boolean));
	$("whose").hidden = select.options.length < 2;
	if (![...select.options].some((o) => o.value === view.of)) view.of = "";
}

function draw() {
	if (!view.runs.length) return;
	if (drawnVersion !== view.version) {
		drawnVersion = view.version;
		header();
		let some = false;
		for (const s of sections) {
			const charts = s.charts.map((c) => c.update()).some(Boolean), tables = refill(s);
			s.el.hidden = s.item.hidden = !(charts || tables);
			some = some || charts;
		}
		setText($("empty"), some ? "" : view.runs.every((r) => r.over) ? "Nothing was recorded: no interval of this run has a figure." : "Nothing was recorded yet.");
		$("empty").hidden = some;
	}
	if ($("of").value !== view.of) $("of").value = view.of;
	for (const s of sections) for (const c of s.charts) {
		if (c.spec.of && c.of !== view.of) c.update();
		c.of = view.of;
		c.draw();
	}
	const [a, b] = range();
	setText($("range"), view.zoom ? `${clock(a)} to ${clock(b)}` : "all of it, to " + clock(b));
	$("reset").disabled = !view.zoom;
}

// start makes the page of a document.
export function start(runs, mode, comparison) {
	Object.assign(view, { runs, mode, comparison, version: view.version + 1, zoom: null });
	for (const s of sections) for (const c of s.charts) if (c.u) c.u.destroy();
	sections.length = 0;
	shown.clear();
	$("main").replaceChildren($("empty"), $("outcome"));
	$("nav").replaceChildren();
	const specs = chartsOf();
	for (const id of Object.keys(titles)) addSection(id, specs[id] || []);
	document.body.classList.toggle("two", runs.length > 1);
	fillSwitch();
	recall();
	fillSwitch();
	draw();
	for (const e of document.querySelectorAll("#loadrig-text")) e.hidden = true;
	const target = location.hash.length > 1 && !location.hash.includes("=") && $(location.hash.slice(1));
	if (target) target.scrollIntoView();
}

// changed is for new figures of the same runs.
export function changed() {
	view.version++;
	redraw();
}

export const status = (text) => setText($("status"), text);

// prepare is what can be done before there are figures.
export function prepare() {
	document.body.append(announcer());
	whenDrawn(draw);
	themeSwitch($("theme"), () => {
		for (const s of sections) for (const c of s.charts) c.rebuild();
	});
	$("of").addEventListener("change", (e) => lookAt(e.target.value));
	$("reset").addEventListener("click", () => zoomTo(null));
	$("in").addEventListener("click", () => zoomBy(0.5));
	$("out").addEventListener("click", () => zoomBy(2));
	addEventListener("hashchange", recall);
	addEventListener("beforeprint", () => {
		view.printing = true;
		draw();
	});
	addEventListener("afterprint", () => (view.printing = false));
	$("view").hidden = false;
	status(document.getElementById("loadrig-data") ? "Reading the data…" : "Waiting for data…");
}
