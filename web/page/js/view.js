// What of the runs is looked at: which part of the time, and whose figures. The address has it, so that a link leads there.

export const view = { runs: [], mode: "report", zoom: null, of: "", version: 0 };

const watchers = new Set();
let asked = 0;

// whenDrawn has a function called in the next frame after something changed.
export const whenDrawn = (f) => watchers.add(f);

// redraw draws once in the next frame, however often it is called. A hidden page has no frames.
export function redraw() {
	if (!asked) asked = requestAnimationFrame(() => {
		asked = 0;
		for (const f of watchers) f();
	});
}

export function extent() {
	const end = Math.max(0, ...view.runs.map((r) => r.end));
	return [0, end || Math.max(1, ...view.runs.map((r) => r.manifest.planned_seconds || 0))];
}

export const range = () => view.zoom || extent();

// zoomTo shows a part of the time; null shows all of it, and follows the end.
export function zoomTo(from, to) {
	const [least, most] = extent();
	let zoom = null;
	if (from !== null) {
		const span = Math.min(Math.max(to - from, (most - least) / 5000, 0.01), most - least);
		const a = Math.min(Math.max(from, least), most - span);
		if (span < 0.999 * (most - least)) zoom = [a, a + span];
	}
	view.zoom = zoom;
	remember();
	redraw();
}

// zoomBy shows more (by > 1) or less around a moment.
export function zoomBy(by, around) {
	const [a, b] = range(), at = around === undefined ? (a + b) / 2 : around;
	zoomTo(at - (at - a) * by, at + (b - at) * by);
}

export function pan(share) {
	const [a, b] = range(), by = (b - a) * share;
	if (view.zoom) zoomTo(a + by, b + by);
}

export function lookAt(of) {
	view.of = of;
	remember();
	redraw();
}

const exact = (v) => String(+v.toFixed(3));

// link gives the address of a part of the time.
export function link(from, to, of) {
	const parts = [];
	if (from !== null) parts.push("t=" + exact(from) + "," + exact(to));
	if (of) parts.push("of=" + of.split("/").map(encodeURIComponent).join("/"));
	return "#" + parts.join("&");
}

let late = 0;

// remember writes the address; not more often than browsers allow.
function remember() {
	clearTimeout(late);
	late = setTimeout(() => {
		const [a, b] = view.zoom || [null];
		try {
			history.replaceState(null, "", view.zoom || view.of ? link(a, b, view.of) : location.pathname + location.search);
		} catch { /* some browsers allow none in a file */ }
	}, 300);
}

// recall reads the address. A link to a section says nothing of the view, and leaves it.
export function recall() {
	if (!location.hash.includes("=")) return;
	const parts = new Map(location.hash.slice(1).split("&").map((p) => [p.split("=")[0], p.slice(p.indexOf("=") + 1)]));
	try {
		view.of = decodeURIComponent(parts.get("of") || "");
	} catch {
		view.of = "";
	}
	const [a, b] = (parts.get("t") || "").split(",").map(Number);
	zoomTo(b > a ? a : null, b);
}
