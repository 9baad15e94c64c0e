// The page: its head, its sections, and what is drawn again when something changed.

import { Chart, announcer, badEvent, eventName } from "./chart.js";
import { themeSwitch } from "./colors.js";
import { comparisonTables, outcomeOf } from "./comparison.js";
import { chartsOf } from "./courses.js";
import { h, setText, table } from "./dom.js";
import { NONE, clock, known, say } from "./format.js";
import { field, figure, tablesOf, times } from "./tables.js";
import { extent, link, lookAt, range, recall, redraw, two, view, whenDrawn, zoomBy, zoomTo } from "./view.js";

const $ = (id) => document.getElementById(id);

const titles = { comparison: "Comparison", thresholds: "Thresholds", players: "Players", messages: "Messages", latency: "Response", handshake: "Handshakes", ends: "Disconnects", scenario: "Scenario", deliveries: "Deliveries", rig: "The rig itself", events: "Events", configuration: "Configuration" };

const verdicts = { pass: ["✓", "pass", "good"], fail: ["✗", "fail", "bad"], untrustworthy: ["⚠", "untrustworthy", "warn"], running: ["▶", "running", "run"], cut: ["■", "cut off", "warn"], interrupted: ["■", "interrupted", "warn"] };

const badge = ([sign, word, kind]) => h("span", { class: "badge " + kind }, h("span", { "aria-hidden": "true" }, sign + " "), word);

// standing gives a run's verdict, and whether it was ended before its time.
function standing(run) {
	const s = run.summary, list = [run.over ? verdicts[s.verdict] || verdicts.cut : verdicts.running];
	if (s.interrupted) list.push(verdicts.interrupted);
	if (s.cut_off && run.over) list.push(verdicts.cut);
	return list.map(badge);
}

// tiles are the headline figures.
function tiles(run) {
	const f = (path, unit) => figure(run, path, unit), asked = (path, unit) => (known(field(run, path)) ? [" of ", f(path, unit)] : []);
	const [p50, p99, max] = times(run, "response_seconds", "p50 p99 max"), lost = run.survival && run.survival.lost, rate = "load.messages_per_second";
	const now = run.over ? null : run.raw("state:connected").at(-1), paced = known(field(run, rate + ".delivered"));
	return [
		["Players connected", known(now) ? say("count", now) : f("connections.peak"), [known(now) ? "now" : "at the peak", ...asked("load.players.asked")]],
		["Messages sent", paced ? f(rate + ".delivered", "per_second") : say("per_second", field(run, "messages.sent") / field(run, "duration_seconds")), paced ? ["of ", f(rate + ".asked", "per_second"), ", ", f("messages.sent"), " in all"] : [f("messages.sent"), " in all"]],
		["Response p99", p99, ["p50 ", p50, ", max ", max]],
		["Failed to connect", f("connections.failed"), [...asked("connections.attempted"), ...(known(lost) ? [" attempts; ", h("span", { class: lost ? "bad" : "" }, say("count", lost) + " sessions lost")] : [])], field(run, "connections.failed")],
		["Dropped", f("messages.dropped"), [f("rig.unanswered"), " unanswered"], field(run, "messages.dropped")],
		["Rig lag p99", times(run, "schedule_lag_seconds", "p99"), "how late it sent"],
	].map(([name, value, more, bad]) => h("div", { class: "card" }, h("dt", null, name), h("dd", { class: bad ? "big bad" : "big" }, value), h("dd", { class: "note" }, more)));
}

// shown has what was last put somewhere: what is the same is left alone.
const shown = new Map();

function put(e, key, make) {
	if (shown.get(e) === key) return;
	shown.set(e, key);
	e.replaceChildren(...make().filter(Boolean));
}

const who = (r) => (two() ? "AB"[r] + ": " : "");
const nameOf = ({ summary: s, manifest: m }) => String(m.name || (m.scenario && m.scenario.name) || m.url || m.id || "A run");
const reasons = (list) => h("ul", { class: "reasons" }, (list || []).map((t) => h("li", null, String(t))));

function header() {
	const c = view.comparison, all = $("runs");
	if (all.childElementCount !== view.runs.length) all.replaceChildren(...view.runs.map(() => h("div", null, h("div", { class: "facts" }), h("div"), h("dl", { class: "tiles" }))));
	view.runs.forEach((run, r) => {
		const [facts, why, dl] = all.children[r].children, s = run.summary, planned = run.manifest.planned_seconds, took = run.over ? s.duration_seconds : run.end;
		put(facts, view.version, () => [
			c && h("h2", null, who(r) + nameOf(run)), ...standing(run), nameOf(run) !== run.manifest.url && h("span", { class: "url" }, String(run.manifest.url || s.url || "")),
			h("span", null, ...(run.over ? ["the load lasted ", figure(run, "duration_seconds", "", clock)] : [clock(took)]), (planned ? " of " + clock(planned) : "") + (!run.over && took > planned ? ", finishing" : "")),
			planned && h("progress", { max: planned, value: Math.min(took, planned) || 0, "aria-label": who(r) + "time that is over" }),
			run.damage && h("strong", { class: "bad" }, "damaged: " + run.damage)]);
		put(why, JSON.stringify(s.reasons), () => [reasons(s.reasons)]);
		put(dl, view.version, () => tiles(run));
	});
	if (c) put($("outcome"), c, () => [badge(outcomeOf(c)), h("p", null, String(c.headline)), reasons(c.warnings)]);
	const name = view.runs.map(nameOf).join(" and "), state = c ? outcomeOf(c)[1] : view.runs[0].over ? view.runs[0].summary.verdict || "cut off" : "running";
	setText($("title"), c ? "Comparison of two runs" : name);
	document.title = `${state}: ${name} – loadrig`;
}

let sections = [];

const allCharts = () => sections.flatMap((s) => s.charts);

function addSection(id, specs) {
	const charts = specs.map((s) => new Chart(s)), tables = h("div", { class: "more" }), item = h("a", { href: "#" + id, hidden: true }, titles[id]);
	const el = h("section", { id, hidden: true, "aria-labelledby": id + "-h" }, h("h2", { id: id + "-h" }, h("a", { href: "#" + id }, titles[id])), h("div", { class: "cards" }, charts.map((c) => c.el), tables));
	$("main").append(el);
	$("nav").append(item);
	return { id, el, charts, tables, item };
}

function events() {
	const list = view.runs.flatMap((run, r) => run.events.map((e) => ({ ...e, r }))).sort((a, b) => a.at - b.at).slice(0, 300), around = Math.max(5, extent()[1] / 50);
	return [table("What happened, besides the load", ["At", "<What", "<Text", "Took"], list.map((e) => {
		const row = [h("a", { href: link(Math.max(0, e.at - around), e.at + (e.seconds || 0) + around) }, clock(e.at)), who(e.r) + eventName(e), String(e.text || ""), e.seconds ? say("seconds", e.seconds) : NONE];
		row.mark = badEvent(e) ? "failed" : null;
		return row;
	}), "A link shows the moment in all charts.")];
}

// refill brings the tables of a section up to date, and tells whether there are any. Of two runs they stand side by side.
function refill(s) {
	const made = s.id === "events" ? events() : s.id === "comparison" ? (view.comparison ? comparisonTables(view.comparison) : [])
		: (tablesOf[s.id] || []).flatMap((f) => view.runs.map((run, r) => {
			const t = f(run);
			if (t && who(r)) {
				const caption = t.querySelector("caption");
				caption.prepend(who(r));
				t.querySelector(".scroll").setAttribute("aria-label", "Table: " + caption.textContent);
			}
			return t;
		}));
	const some = made.filter(Boolean);
	put(s.tables, some.map((e) => e.outerHTML).join(), () => some); // with the values that are not shown
	return some.length;
}

// fillSwitch offers whose figures there are.
function fillSwitch() {
	const some = (what) => [...new Set(view.runs.flatMap((r) => (r.manifest.scenario && r.manifest.scenario[what]) || []))];
	const group = (label, kind) => h("optgroup", { label }, some(kind + "s").map((n) => h("option", { value: kind + "/" + n }, n)));
	$("of").replaceChildren(h("option", { value: "" }, "everything"), ...[group("Populations", "population"), group("Requests", "request")].filter((g) => g.childElementCount));
	$("whose").hidden = $("of").options.length < 2;
}

let drawnVersion = -1;

function draw() {
	if (!view.runs.length) return;
	if (drawnVersion !== view.version) {
		drawnVersion = view.version;
		header();
		for (const s of sections) {
			const charts = s.charts.filter((c) => c.update()).length;
			s.el.hidden = s.item.hidden = !(refill(s) + charts);
		}
		const none = allCharts().every((c) => c.el.hidden);
		setText($("empty"), none ? (view.runs.every((r) => r.over) ? "Nothing was recorded: there is no interval with a figure." : "The first figures come with the end of the first interval.") : "");
	}
	if ($("of").value !== view.of) $("of").value = view.of;
	if ($("of").value !== view.of) view.of = $("of").value = ""; // there is nobody of that name
	// What takes longer than a part of a frame goes on in the next one, and the chart in use comes first.
	const until = performance.now() + 2, first = document.activeElement && document.activeElement.chart;
	for (const c of first ? [first, ...allCharts()] : allCharts()) {
		if (c.spec.of && c.of !== view.of) c.update();
		c.of = view.of;
		if (c.draw() && performance.now() > until && !view.printing) {
			redraw();
			break;
		}
	}
	const [a, b] = range();
	setText($("range"), view.zoom ? `${clock(a)} to ${clock(b)}` : "all, to " + clock(b));
	$("reset").disabled = !view.zoom;
}

// start makes the page of a document.
export function start(runs, comparison) {
	const first = !view.runs.length, id = (r) => r && r.manifest.id;
	if (id(view.runs[0]) !== id(runs[0])) view.zoom = null; // another run at this address
	Object.assign(view, { runs, comparison, version: view.version + 1 });
	for (const c of allCharts()) c.drop();
	shown.clear();
	$("main").replaceChildren($("empty"), $("outcome"));
	$("nav").replaceChildren();
	const specs = chartsOf();
	sections = Object.keys(titles).map((id) => addSection(id, specs[id] || []));
	document.body.classList.toggle("two", two());
	fillSwitch();
	$("view").hidden = false;
	if (first) recall();
	draw();
	const target = first && !location.hash.includes("=") && $(location.hash.slice(1));
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
	const theme = themeSwitch($("theme"), () => allCharts().forEach((c) => c.rebuild()));
	$("of").addEventListener("change", (e) => lookAt(e.target.value));
	$("reset").addEventListener("click", () => zoomTo(null));
	$("in").addEventListener("click", () => zoomBy(0.5));
	$("out").addEventListener("click", () => zoomBy(2));
	addEventListener("hashchange", recall);
	addEventListener("beforeprint", () => {
		view.printing = true;
		theme("light"); // as paper is
		draw();
	});
	addEventListener("afterprint", () => {
		view.printing = false;
		theme();
	});
	$("loadrig-text").hidden = true;
	setText($("empty"), "Waiting for data…");
}
