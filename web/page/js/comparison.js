// What became of comparing two runs.

import { h, table } from "./dom.js";
import { NONE, known, say, signed } from "./format.js";

const outcomes = { no_significant_difference: ["=", "no significant difference", ""], better: ["▲", "B is better", "good"], worse: ["▼", "B is worse", "bad"], mixed: ["▲▼", "better and worse", "bad"], different: ["≠", "different", "warn"], cannot_tell: ["?", "cannot tell", "warn"] };

export const outcomeOf = (c) => outcomes[c.outcome] || ["", String(c.outcome), ""];

// compared makes a row. What the rig measures of itself is neither better nor worse.
function compared(r) {
	const out = /^not in (.)/.exec(r.why || ""), worse = r.worse && !r.of_rig, better = r.better && !r.of_rig;
	const differs = !["no significant difference", "cannot tell"].includes(r.verdict), sign = worse ? "▼ " : better ? "▲ " : differs ? "≠ " : "";
	const unit = r.name.startsWith("bytes") ? "bytes_per_second" : r.unit, value = (v, run) => (out && out[1] === run ? NONE : say(unit, v));
	const row = [`${r.name} ${r.figure}`, value(r.a, "A"), value(r.b, "B"), out ? NONE : signed(unit, r.change),
		known(r.low) && known(r.high) ? `${signed(unit, r.low)} … ${signed(unit, r.high)}` : NONE, known(r.p) ? (r.p < 0.001 ? "<0.001" : r.p.toFixed(3)) : NONE,
		h("span", { class: worse ? "light bad" : better ? "light good" : differs ? "light" : null }, h("span", { "aria-hidden": "true" }, sign), r.verdict + (worse ? " (worse)" : better ? " (better)" : "") + (r.why ? ": " + r.why : "") + (r.of_rig ? ", of the rig" : ""))];
	row.mark = worse ? "failed" : better ? "better" : null;
	return row;
}

export function comparisonTables(c) {
	const steady = (r) => (r ? `${say("seconds", r.steady_from_seconds)} to ${say("seconds", r.steady_to_seconds)}, ${say("count", r.steady_intervals)} intervals` : NONE);
	return [
		table("In what the runs are unlike by plan", ["What", "<A", "<B"], (c.unlike || []).map((u) => [u.what, u.a || "none", u.b || "none"]), "This makes the comparison worth less."),
		table("What was compared, the most important first", ["Series", "A", "B", "Change", "Range of the change", "p", "<Verdict"], (c.rows || []).map(compared),
			`Called different is what differs by more than ${say("share", c.tolerance)}, and a time by more than ${say("seconds", c.floor_seconds)}, with ${say("share", c.confidence)} confidence for the whole table. Steady part of A: ${steady(c.a)}; of B: ${steady(c.b)}.`),
	].filter(Boolean);
}
