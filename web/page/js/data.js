// The document that the page draws, see package timeline: one run as it grows, or what became of one or two.

// Run is one run's course. Columns are given with a null wherever records are missing, so that no line is drawn there.
export class Run {
	constructor(raw) {
		Object.assign(this, raw);
		this.manifest = raw.manifest || {};
		this.summary = raw.summary || {};
		this.events = raw.events || [];
		this.data = raw.data || [];
		this.heat = raw.heat || { subjects: [] };
		this.at = new Map((raw.columns || []).map((name, i) => [name, i]));
		this.changed();
	}

	changed() {
		this.cache = new Map();
		const from = this.raw("from"), to = this.raw("to");
		this.gaps = []; // the rows before which something is missing
		from.forEach((t, i) => t - to[i - 1] > 0.3 * Math.max(to[i] - t, 0.1) && this.gaps.push(i));
		this.x = this.spread(to, (i) => to[i - 1] + 1e-6);
		this.seconds = this.spread(to.map((t, i) => Math.max(t - from[i], 1e-9)));
		this.end = to.length ? to[to.length - 1] : 0;
		this.rows = to.length;
		const over = this.events.find((e) => e.kind === "load_over");
		this.whole = (over && to.findLast((t) => t <= over.at)) || this.end; // before connections were closed
	}

	raw(name) {
		return this.data[this.at.get(name)] || [];
	}

	spread(values, fill) {
		if (!this.gaps.length) return values;
		const out = [];
		let g = 0;
		values.forEach((v, i) => {
			if (this.gaps[g] === i) out.push(fill ? fill(i) : null), g++;
			out.push(v);
		});
		return out;
	}

	// column gives a column by its name, or null if there is none or nothing in it.
	column(name) {
		if (!this.cache.has(name)) {
			const values = this.raw(name);
			this.cache.set(name, values.some((v) => v !== null) ? this.spread(values) : null);
		}
		return this.cache.get(name);
	}

	// happened gives a column only if it ever was more than 0.
	happened(name) {
		const c = this.column(name);
		return c && c.some((v) => v > 0) ? c : null;
	}

	rate(name) {
		const c = this.column(name);
		return c && c.map((v, i) => (v === null ? null : v / this.seconds[i]));
	}

	// part gives one column as a share of the sum of others.
	part(name, ...of) {
		const c = this.column(name), all = of.map((k) => this.column(k)).filter(Boolean);
		return c && c.map((v, i) => {
			const sum = all.reduce((s, a) => s + a[i], 0);
			return v === null || !(sum > 0) ? null : v / sum;
		});
	}

	// append takes what came since, and tells whether it fitted.
	append(m) {
		if (m.gen !== this.gen) return false;
		for (const [r, row] of (m.rows || []).entries()) {
			this.data.forEach((c, i) => c.push(row[i] ?? null));
			this.heat.subjects.forEach((_, s) => this.heat.cells[s].push((m.heat[s] || [])[r] || []));
		}
		this.next = m.next;
		this.events.push(...(m.events || []));
		if (m.summary) this.summary = m.summary;
		if (m.survival !== undefined) this.survival = m.survival;
		this.over = !!m.over;
		this.changed();
		return true;
	}
}

// readInline gives the document that the file has in itself, or null if it has none.
export async function readInline() {
	const e = document.getElementById("loadrig-data");
	if (!e) return null;
	if (!window.DecompressionStream) throw new Error("this browser cannot unpack the data (it has no DecompressionStream), and shows the report as text");
	const packed = Uint8Array.from(atob(e.textContent.trim()), (c) => c.charCodeAt(0));
	return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}
