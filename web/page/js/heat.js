// The heat map of latencies: how many took how long, over time.

import { color } from "./colors.js";
import { h } from "./dom.js";
import { say } from "./format.js";
import { view } from "./view.js";

const steps = 64;

// ramp gives the colours from few to many, after the style sheet's h0 to h4.
function ramp() {
	const stops = [0, 1, 2, 3, 4].map((i) => color("h" + i).match(/\d+/g).map(Number));
	return Array.from({ length: steps }, (_, i) => {
		const at = (i / (steps - 1)) * 4, k = Math.min(3, Math.floor(at)), f = at - k;
		return stops[k].map((v, j) => Math.round(v + f * (stops[k + 1][j] - v)));
	});
}

// heatOf gives the latencies that are looked at; not everybody has a heat map.
const heatOf = (run) => (run && run.heat.cells && run.heat.cells[run.heat.subjects.indexOf(view.of || "response")]) || [];
const edge = (run, bin) => run.heat.low * 2 ** (bin / run.heat.per_octave);

// rowAt gives the row of a place on the x axis, which has more where records are missing.
const rowAt = (run, i) => heatOf(run)[i - run.gaps.filter((g, k) => g + k <= i).length] || [];

function responses(run, i, low, high) {
	let n = 0;
	rowAt(run, i).forEach((bin, k, flat) => k % 2 === 0 && bin >= low && bin <= high && (n += flat[k + 1]));
	return n;
}

// heatSpec makes the chart of one run.
export function heatSpec(r) {
	const scale = h("canvas", { width: String(steps), height: "1", "aria-hidden": "true" }), most = h("span"), made = {};

	// bins gives the lowest and the highest that ever were.
	function bins(run) {
		const key = view.version + view.of;
		if (made.key !== key) {
			made.key = key;
			made.low = Infinity;
			made.high = -1;
			for (const flat of heatOf(run)) if (flat) for (let i = 0; i < flat.length; i += 2) {
				if (flat[i] < made.low) made.low = flat[i];
				if (flat[i] > made.high) made.high = flat[i];
			}
		}
		return made;
	}

	// image draws what can be seen to a canvas with one pixel for each column of the screen and each bin. It is made again only
	// when that changes, so that the mouse costs nothing.
	function image(run, from, to, width) {
		const { low, high, key } = bins(run), name = [key, from, to, width, color("h0")].join();
		if (made.name === name) return made.canvas;
		const tall = high - low + 1, sums = new Float64Array(width * tall), time = new Float64Array(width), list = heatOf(run), begin = run.raw("from"), end = run.raw("to");
		for (let i = 0; i < list.length; i++) {
			if (end[i] < from || begin[i] > to || !list[i]) continue;
			const x0 = Math.max(0, Math.floor(((begin[i] - from) / (to - from)) * width));
			const x1 = Math.min(width, Math.max(x0 + 1, Math.floor(((end[i] - from) / (to - from)) * width)));
			for (let x = x0; x < x1; x++) {
				time[x] += end[i] - begin[i];
				for (let k = 0; k < list[i].length; k += 2) sums[(high - list[i][k]) * width + x] += list[i][k + 1];
			}
		}
		let least = Infinity, top = 0;
		for (let i = 0; i < sums.length; i++) if (sums[i]) {
			sums[i] /= time[i % width];
			if (sums[i] > top) top = sums[i];
			if (sums[i] < least) least = sums[i];
		}
		const pixels = new ImageData(width, tall), paint = ramp(), span = Math.log(top / least) || 1;
		for (let i = 0; i < sums.length; i++) if (sums[i]) {
			const c = paint[Math.round((Math.log(sums[i] / least) / span) * (steps - 1))];
			pixels.data.set([c[0], c[1], c[2], 255], 4 * i);
		}
		made.canvas = h("canvas", { width, height: tall });
		made.canvas.getContext("2d").putImageData(pixels, 0, 0);
		made.name = name;
		const ctx = scale.getContext("2d");
		paint.forEach((c, i) => ((ctx.fillStyle = `rgb(${c})`), ctx.fillRect(i, 0, 1, 1)));
		most.replaceChildren(top ? `${say("number", +least.toPrecision(2))} ` : "", scale, top ? ` ${say("number", +top.toPrecision(2))} a second, in each band of 9 % (logarithmic)` : "");
		return made.canvas;
	}

	return {
		id: "heat" + (r || ""), run: r, unit: "seconds", of: true,
		title: "Latency heat map" + (view.runs.length > 1 ? ", " + "AB"[r] : ""),
		note: "How many responses took how long. Two bands are two kinds of answers, which percentiles do not show.",
		foot: h("p", { class: "note scale" }, most),
		series: (run) => [{ label: "responses", color: "c0", unit: "count", values: heatOf(run).some((c) => c && c.length) ? run.x.map(() => 1) : null }],
		band: (chart) => {
			const run = view.runs[r], { low, high } = bins(run);
			return high < 0 ? [1e-4, 1] : [edge(run, low), edge(run, high + 1)];
		},
		paint: (u) => {
			const run = view.runs[r], { left, top, width, height } = u.bbox, { high } = bins(run);
			if (high < 0) return;
			const canvas = image(run, u.scales.x.min, u.scales.x.max, Math.max(1, Math.round(width)));
			u.ctx.save();
			u.ctx.imageSmoothingEnabled = false;
			u.ctx.drawImage(canvas, left, top, width, height);
			u.ctx.restore();
		},
		tell: (chart, i, pointed) => {
			const run = view.runs[r], all = say("count", responses(run, i, 0, 999)), y = chart.u.posToVal(chart.u.cursor.top, "y");
			const bin = Math.ceil(run.heat.per_octave * Math.log2(y / run.heat.low)) - 1;
			if (!pointed || !(bin >= 0) || chart.u.cursor.top < 0) return `: ${all} responses`;
			return `: ${say("count", responses(run, i, bin, bin))} of ${all} took ${say("seconds", edge(run, bin))} to ${say("seconds", edge(run, bin + 1))}`;
		},
		heads: ["Responses", "Fastest", "Slowest"],
		cells: (chart, i) => {
			const run = view.runs[r], bins = rowAt(run, i).filter((_, k) => k % 2 === 0);
			return [say("count", responses(run, i, 0, 999)), ...[Math.min, Math.max].map((f) => (bins.length ? "≤ " : "") + say("seconds", bins.length ? edge(run, f(...bins) + 1) : null))];
		},
	};
}
