// One chart: a uPlot plot with its legend, its keys, and the table of what it shows.
//
// A chart is drawn only while it is on the screen, and once a frame at most. What it shows comes from its spec:
//
//   id, title, note    what it is; note is a sentence
//   unit               of the y axis
//   series(run, of)    [{ label, color, values, dash, unit, aux, step, hover }]: aux is what is no reason to show the chart,
//                      and hover what is told and not drawn
//   x(run)             where it is not the course of the run
//   log                the y axis can be logarithmic, and is at first
//   stack              "area" or "bars": values are on top of each other where there is one run
//   band               drawn by paint(u, chart) and told by tell(chart, i), as the heat map is

import { color, faint } from "./colors.js";
import { h, setText, table } from "./dom.js";
import { NONE, clock, say, tick } from "./format.js";
import { extent, pan, range, redraw, two, view, zoomBy, zoomTo } from "./view.js";

const HEIGHT = 210;
const MOST_ROWS = 200; // of a table of data

const spoken = h("p", { class: "hide", role: "status" });
export const announcer = () => spoken;

const onScreen = new IntersectionObserver((list) => {
	for (const e of list) e.target.chart.see(e.isIntersecting);
}, { rootMargin: "60px" });
const onSize = new ResizeObserver((list) => {
	for (const e of list) e.target.chart.fit(e.contentRect.width);
});

// POWERS are between lines of bytes.
const POWERS = Array.from({ length: 46 }, (_, i) => 2 ** i);

// decades leaves out what a logarithmic axis has no room for.
function decades(u, list) {
	const few = Math.log10(u.scales.y.max / u.scales.y.min) < 2;
	return list.map((v) => ((few ? /^[125](e|\.0*e)/ : /^1(e|\.0*e)/).test(v.toExponential(6)) ? v : null));
}

// near gives the place of a value at or beside one. Where two runs are joined, each has values at its own moments.
function near(values, i) {
	for (let d = 0; d < 9; d++) {
		if (values[i - d] !== undefined) return i - d;
		if (values[i + d] !== undefined) return i + d;
	}
	return i;
}

// alone gives the points that no line goes to. Where two runs are joined, what is undefined is the other one's moment.
function alone(values, from, to) {
	const list = [];
	for (let i = from; i <= to; i++) {
		if (values[i] == null) continue;
		let a = i - 1, b = i + 1;
		while (a >= 0 && values[a] === undefined) a--;
		while (b < values.length && values[b] === undefined) b++;
		if ((a < 0 || values[a] === null) && (b >= values.length || values[b] === null)) list.push(i);
	}
	return list;
}

// latest gives the last value there is, at a place or before it.
function latest(values, i) {
	while (i > 0 && values[i] == null) i--;
	return values[i];
}

export class Chart {
	constructor(spec) {
		this.spec = spec;
		this.off = new Set(); // labels of series that are switched off
		this.log = !!spec.log;
		this.drawn = "";
		const title = "c-" + spec.id + "-title";
		this.plot = h("div", { class: "plot", tabindex: "0", role: "img", "aria-labelledby": title, "aria-describedby": "c-" + spec.id + "-note keys", onkeydown: (e) => this.key(e) });
		this.legend = h("div", { class: "legend" });
		this.body = h("div");
		this.details = h("details", { ontoggle: () => this.tabulate() }, h("summary", null, "Data", h("span", { class: "hide" }, " of " + spec.title)), this.body);
		const log = spec.log && h("button", { type: "button", "aria-pressed": "true", onclick: () => {
			this.log = !this.log;
			log.setAttribute("aria-pressed", String(this.log));
			this.rebuild();
		} }, "log scale");
		this.el = h("figure", { class: "card", id: "c-" + spec.id, hidden: true },
			h("figcaption", null, this.title = h("h3", { id: title }, spec.title), log, h("p", { class: "note", id: "c-" + spec.id + "-note" }, spec.note)),
			this.plot, this.legend, spec.foot, this.details);
		this.plot.chart = this;
		onScreen.observe(this.plot);
		onSize.observe(this.plot);
	}

	// list gives the series of all runs, those of each run apart, with their places, which their looks go by.
	list() {
		return view.runs.map((run, r) => ((this.spec.run ?? r) === r ? this.spec.series(run, view.of).map((s, k) => ({ ...s, k })).filter((s) => s.values) : []));
	}

	// update is for new data. It shows the chart as soon as it has something to show.
	update() {
		const some = this.list().some((l) => l.some((s) => !s.aux));
		if (this.el.hidden === some) this.el.hidden = !some;
		if (this.spec.of) setText(this.title, this.spec.title + (view.of && " of " + view.of.slice(view.of.indexOf("/") + 1))); // the others are of all
		return some;
	}

	see(yes) {
		this.seen = yes;
		if (this.u && !this.spec.x) uPlot.sync("loadrig")[yes ? "sub" : "unsub"](this.u);
		if (yes) redraw();
	}

	// fit has the width be known, which to ask for would have the browser lay out the page.
	fit(width) {
		this.wide = Math.floor(width);
		if (this.u && this.wide) this.u.setSize({ width: this.wide, height: HEIGHT });
		else redraw();
	}

	drop() {
		if (this.u) this.u.destroy();
		onScreen.unobserve(this.plot);
		onSize.unobserve(this.plot);
	}

	rebuild() {
		this.shape = "";
		this.drawn = "";
		redraw();
	}

	// draw brings the plot up to date, if it can be seen, and tells whether it was not.
	draw() {
		if (!(this.seen || view.printing) || this.el.hidden || !this.wide) return false;
		const [a, b] = this.spec.x ? [0, 0] : range(), key = view.version + view.of, made = this.drawn !== key;
		if (made) {
			this.drawn = key;
			const lists = this.list();
			this.all = lists.flatMap((l, r) => l.map((s) => this.look(s, r)));
			const data = this.join(lists), shape = this.all.map((s) => s.label + s.on).join("\n");
			if (shape !== this.shape || !this.u) {
				this.shape = shape;
				this.build(data);
			} else {
				this.thin(a, b);
				this.u.setData(data);
			}
		} else if (!this.spec.x && (this.a !== a || this.b !== b)) {
			this.thin(a, b);
			this.u.batch((u) => u.setScale("x", { min: a, max: b })); // now, and not after this, so that it counts as time of this frame
		}
		const old = made || this.a !== a || this.b !== b;
		[this.a, this.b] = [a, b];
		if (old) this.tell(this.u.cursor.idx);
		if (this.details.open && this.tabled !== key + a + b) this.tabulate();
		return old;
	}

	// thin makes lines thin where there are more values than pixels: they can be told apart then, and are drawn in half the time.
	thin(a, b) {
		const [least, most] = extent(), many = this.u.data[0].length * (b - a) > this.wide * (most - least);
		this.all.forEach((s, i) => (this.u.series[i + 1].width = many ? 1 : s.aux ? 1.25 : 1.75));
	}

	// look gives a series its colour and its dashes: of two runs, A has the cold colours and whole lines, B the warm ones and
	// dashes.
	look(s, r) {
		const of = two() ? { ...s, label: "AB"[r] + " " + s.label, color: "c" + ["0256", "1743"][r][s.k % 4], dash: r ? [7, 4] : undefined } : s;
		return { ...of, run: view.runs[r], on: !this.off.has(of.label) };
	}

	join(lists) {
		this.top = null;
		const own = this.spec.x || ((run) => run.x);
		if (two()) {
			const parts = view.runs.map((run, r) => [own(run), ...lists[r].map((s) => s.values)]).filter((p) => p.length > 1);
			const data = uPlot.join(parts, parts.map((p) => p.map(() => 2)));
			this.all.forEach((s, i) => (s.values = data[i + 1]));
			return data;
		}
		if (this.spec.stack) {
			const sum = new Float64Array(own(view.runs[0]).length);
			this.top = [];
			for (let i = this.all.length - 1; i >= 0; i--) {
				const s = this.all[i];
				if (s.aux || !s.on) this.top[i] = s.values;
				else this.top[i] = s.values.map((v, j) => (v === null ? null : (sum[j] += v)));
			}
		}
		return [own(view.runs[0]), ...(this.top || this.all.map((s) => s.values))];
	}

	build(data) {
		if (this.u) this.u.destroy();
		this.plot.replaceChildren();
		const spec = this.spec, free = !!spec.x, line = () => color("line"), ink = () => color("dim");
		const axis = { stroke: ink, font: "11px system-ui, sans-serif", grid: { stroke: line, width: 1 }, ticks: { stroke: line, size: 4 } };
		const area = this.top && spec.stack === "area", bars = this.top && spec.stack === "bars";
		const logged = this.log || spec.band, on = this.all.flatMap((s, i) => (s.on && !s.aux ? [i + 1] : []));
		this.u = new uPlot({
			width: this.wide, height: HEIGHT, legend: { show: false }, padding: [12, 18, 0, 0],
			cursor: {
				y: !!spec.band, drag: { x: !free, y: false, setScale: false }, points: { size: 6 },
				sync: free ? undefined : { key: "loadrig", scales: ["x", null], setSeries: false, filters: { pub: (type) => type.startsWith("mousem") || type === "mouseleave" } },
				bind: { dblclick: () => () => (zoomTo(null), null) },
			},
			scales: {
				x: { time: false, range: (u, _, max) => (free ? [0, max || 1] : range()) },
				y: {
					distr: logged ? 3 : 1,
					range: (u, min, max) => (spec.band ? spec.band() : !logged ? [0, max > 0 ? max * 1.05 : 1] : min > 0 ? uPlot.rangeLog(min, max, 10, false) : [1e-4, 1]),
				},
				n: { range: [0, 1] },
			},
			axes: [
				{ ...axis, size: 26, incrs: [0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400], values: (u, list) => list.map(clock) },
				{ ...axis, size: 62, incrs: spec.unit.startsWith("bytes") ? POWERS : undefined, filter: logged ? decades : undefined, values: (u, list) => list.map((v) => (v === null ? "" : tick(spec.unit, v))) },
			],
			series: [{}, ...this.all.map((s) => ({
				show: s.on && !s.hover, scale: s.hover ? "n" : "y", stroke: () => color(s.color), width: 1, dash: s.dash,
				fill: bars && !s.aux ? () => color(s.color) : area && !s.aux ? () => faint(s.color, 0.35) : undefined,
				paths: spec.band ? () => null : bars && !s.aux ? uPlot.paths.bars({ size: [0.9, 40, 2], align: -1 }) : s.step ? uPlot.paths.stepped({ align: 1 }) : undefined,
				points: { show: false, size: 4, filter: (u, i) => (spec.band || bars ? null : alone(u.data[i], ...u.series[0].idxs)) },
			}))],
			bands: area ? on.slice(1).map((i, k) => ({ series: [on[k], i] })) : [],
			hooks: {
				drawClear: [(u) => this.shade(u)],
				drawAxes: spec.paint ? [(u) => spec.paint(u, this)] : [],
				draw: [(u) => this.mark(u)],
				setCursor: [() => this.hover()],
				setSelect: [(u) => {
					const { left, width } = u.select;
					if (width < 4 || !u.cursor.event) return;
					zoomTo(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
					u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
				}],
			},
		}, data, this.plot);
		this.thin(...range());
		if (!free && !this.seen) uPlot.sync("loadrig").unsub(this.u);
		this.items = this.all.map((s, k) => {
			const mark = h("i"), value = h("b");
			mark.style.borderTopColor = color(s.color);
			if (spec.stack && !s.aux && this.top) mark.style.borderTopWidth = "9px";
			else if (s.dash) mark.style.borderTopStyle = s.dash[0] < 3 ? "dotted" : "dashed";
			const e = h("button", { type: "button", "aria-pressed": String(s.on), onclick: () => {
				this.off[s.on ? "add" : "delete"](s.label);
				this.back = k + 1;
				this.rebuild();
			} }, mark, s.label + " ", value);
			return { e, value };
		});
		this.when = h("span", { class: "when" });
		this.legend.replaceChildren(this.when, ...(spec.tell ? [] : this.items.map((i) => i.e)));
		if (this.back) this.items[this.back - 1].e.focus(); // on the button that was pressed, which is a new one
		this.back = 0;
	}

	// events gives those of the runs that are drawn, with the run of each.
	events() {
		return view.runs.flatMap((run, r) => ((this.spec.run ?? r) === r ? run.events.map((e) => [r, e]) : [])).sort((a, b) => a[1].at - b[1].at);
	}

	// shade marks when the rig stood still.
	shade({ ctx, bbox: { left, top, width, height }, valToPos }) {
		if (this.spec.x) return;
		ctx.save();
		ctx.beginPath();
		ctx.rect(left, top, width, height);
		ctx.clip();
		ctx.fillStyle = faint("bad", 0.16);
		for (const [, e] of this.events()) {
			if (e.kind !== "rig_stall") continue;
			const x = valToPos(e.at, "x", true);
			ctx.fillRect(x, top, Math.max(valToPos(e.at + (e.seconds || 0), "x", true) - x, 2), height);
		}
		ctx.restore();
	}

	// mark draws events as lines, with as many of their names as there is room for.
	mark({ ctx, bbox: { left, top, width, height }, valToPos }) {
		if (this.spec.x) return;
		const px = uPlot.pxRatio;
		let free = left;
		ctx.save();
		ctx.textAlign = "left";
		ctx.textBaseline = "alphabetic";
		ctx.font = 10 * px + "px system-ui, sans-serif";
		ctx.lineWidth = px;
		for (const [r, e] of this.events()) {
			const x = Math.round(valToPos(e.at, "x", true));
			if (x < left || x > left + width || e.kind === "ended") continue;
			const text = (two() ? "AB"[r] + " " : "") + eventName(e), wide = ctx.measureText(text).width;
			ctx.strokeStyle = ctx.fillStyle = color(badEvent(e) ? "bad" : "dim");
			ctx.setLineDash([3 * px, 3 * px]);
			ctx.beginPath();
			ctx.moveTo(x + 0.5, top);
			ctx.lineTo(x + 0.5, top + height);
			ctx.stroke();
			const at = Math.min(x - 2, left + width - wide);
			if (at < free) continue;
			ctx.fillText(text, at, top - 3 * px);
			free = at + wide + 6 * px;
		}
		ctx.restore();
	}

	// hover tells what is at the cursor, in the next frame: a mouse moves more often than that.
	hover() {
		if (this.asked || !this.seen) return;
		this.asked = requestAnimationFrame(() => {
			this.asked = 0;
			if (this.u) this.tell(this.u.cursor.idx);
		});
	}

	// tell puts values into the legend: those at the cursor, or the last ones there are.
	tell(i) {
		const x = this.u.data[0], pointed = i != null, at = pointed ? i : this.last();
		if (at < 0) return;
		const when = (this.spec.x ? "after " : pointed ? "at " : "last, ") + clock(x[at]);
		if (this.spec.tell) return setText(this.when, when + this.spec.tell(this, at, pointed));
		setText(this.when, when);
		this.all.forEach((s, k) => setText(this.items[k].value, pointed ? this.words(s, at) : this.words(s, this.last(s.run), true)));
	}

	// words gives a value as text, or the last one up to there.
	words(s, at, last) {
		return say(s.unit || this.spec.unit, last ? latest(s.values, at) : s.values[near(s.values, at)]);
	}

	// last gives the place of the last whole interval that can be seen: of one run, or of any.
	last(run) {
		const x = this.u.data[0], end = this.spec.x ? Infinity : Math.min(range()[1], run ? run.whole : Math.max(...view.runs.map((r) => r.whole)));
		let at = x.length - 1;
		while (at > 0 && x[at] > end) at--;
		return at;
	}

	key(e) {
		if (e.ctrlKey || e.metaKey || e.altKey || !this.u) return;
		const u = this.u, x = u.data[0], now = u.cursor.idx, free = !!this.spec.x;
		const to = { ArrowLeft: (now ?? this.last() + 1) - 1, ArrowRight: (now ?? -1) + 1, Home: 0, End: x.length - 1 }[e.key];
		if (to !== undefined && !(e.shiftKey && !free)) {
			const i = Math.min(Math.max(to, 0), x.length - 1), [a, b] = range();
			if (!free && view.zoom && (x[i] < a || x[i] > b)) zoomTo(x[i] - (b - a) / 2, x[i] + (b - a) / 2);
			requestAnimationFrame(() => {
				u.setCursor({ left: u.valToPos(x[i], "x"), top: u.over.clientHeight / 2 });
				this.tell(i);
				setText(spoken, [...this.legend.children].map((e) => e.textContent).join(", "));
			});
		} else if (!free && e.shiftKey && e.key.startsWith("Arrow")) pan(e.key === "ArrowLeft" ? -0.25 : 0.25);
		else if (!free && (e.key === "+" || e.key === "=")) zoomBy(0.5, now == null ? now : x[now]);
		else if (!free && e.key === "-") zoomBy(2);
		else if (!free && (e.key === "0" || e.key === "Escape")) zoomTo(null);
		else return;
		e.preventDefault();
	}

	// tabulate makes the table of what can be seen, when it is asked for.
	tabulate() {
		if (!this.details.open || !this.u) return;
		const x = this.u.data[0], [a, b] = this.spec.x ? [0, Infinity] : range(), seen = [];
		this.tabled = this.drawn + this.a + this.b; // what the table is of
		const apart = two() ? view.runs[0].manifest.interval_seconds / 2 : 0; // two runs have about the same moments
		for (let i = 0; i < x.length; i++) if (x[i] >= a && x[i] <= b && !(x[i] - x[seen.at(-1)] < apart)) seen.push(i);
		const every = Math.ceil(seen.length / MOST_ROWS) || 1;
		const rows = seen.filter((_, k) => k % every === 0).map((i) => [clock(x[i]), ...(this.spec.cells ? this.spec.cells(this, i) : this.all.map((s) => this.words(s, i)))]);
		this.body.replaceChildren(table(this.spec.title + (every > 1 ? `, one of ${every} intervals` : ""), [this.spec.x ? "After" : "Up to", ...(this.spec.heads || this.all.map((s) => s.label))], rows));
	}
}

const names = { load_over: "load over", rig_stall: "rig stall", threshold_crossed: "threshold", aborted: "aborted", law_broken: "counts broken", output: "output", ended: "ended" };

export function eventName(e) {
	if (names[e.kind]) return names[e.kind];
	const text = String(e.text || e.kind || NONE);
	return text.length > 24 ? text.slice(0, 23) + "…" : text;
}

export const badEvent = (e) => ["rig_stall", "threshold_crossed", "aborted", "law_broken", "output"].includes(e.kind);
