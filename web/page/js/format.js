// Numbers as text, worded as loadrig's text report words them. What is not there is a dash, never a 0.

const thousands = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const unit = (text, name) => text + "\u00a0" + name;

export const NONE = "–";

export const known = (v) => typeof v === "number" && isFinite(v);

// Three significant digits, and the fewest that say them: 1.5, 0.00123.
const short = (v) => String(+v.toPrecision(3));

function seconds(v) {
	if (v === 0) return unit("0", "s");
	if (v < 1e-6) return unit("<1", "µs");
	const [by, name] = v >= 1 ? [1e9, "s"] : v >= 1e-3 ? [1e6, "ms"] : [1e3, "µs"];
	const n = Math.floor(v * 1e9) / by; // in this way, so that both round alike
	return unit(n >= 1000 ? thousands.format(n) : n.toFixed(n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2), name);
}

function bytes(v) {
	if (v < 1024) return unit(String(Math.round(v)), "B");
	const i = Math.min(3, Math.floor(Math.log2(v) / 10) - 1);
	return unit((v / 1024 ** (i + 1)).toFixed(1), "KMGT"[i] + "iB");
}

function count(v) {
	return Number.isInteger(v) || v >= 999.5 ? thousands.format(v) : short(v);
}

function share(v) {
	const p = 100 * v;
	if (p > 0 && p < 0.01) return "<0.01\u00a0%";
	return unit(p >= 100 ? thousands.format(p) : short(p), "%");
}

const words = {
	seconds, bytes, count, share,
	number: count,
	per_second: (v) => count(v) + "/s",
	bytes_per_second: (v) => bytes(v) + "/s",
	moment: (v) => (v < 120 ? seconds(v) : clock(v)),
};

// say words a value in one of the units above.
export function say(of, v) {
	if (!known(v)) return NONE;
	return v < 0 ? "−" + say(of, -v) : (words[of] || count)(v);
}

// signed is say with a plus too.
export const signed = (of, v) => (v > 0 ? "+" : "") + say(of, v);

// tick is say without needless zeros, for axes.
export const tick = (of, v) => (known(v) ? say(of, v).replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "") : "");

// clock writes a moment of a run: 9 s, 1:05, 1:00:00.
export function clock(s) {
	if (!known(s)) return NONE;
	const n = Math.max(0, Math.round(s)), two = (v) => String(v).padStart(2, "0");
	if (n < 60) return tick("seconds", Math.max(0, s));
	const m = Math.floor(n / 60);
	return (m < 60 ? String(m) : Math.floor(m / 60) + ":" + two(m % 60)) + ":" + two(n % 60);
}

const closes = {
	1000: "normal closure", 1001: "going away", 1002: "protocol error", 1003: "unsupported data", 1005: "no code sent", 1006: "abnormal closure",
	1007: "not UTF-8", 1008: "policy violation", 1009: "message too big", 1010: "extension missing", 1011: "internal error", 1012: "service restart",
	1013: "try again later", 1014: "bad gateway", 1015: "TLS failed",
};

// closeCode words how a disconnection was closed.
export function closeCode(d) {
	if (d.codes) return String(d.codes);
	if (!d.code) return "never opened";
	return d.code + (closes[d.code] ? " " + closes[d.code] : "");
}
