// What became of comparing two runs: the headline, what makes it worth less, and the rows.

import { h, table } from "./dom.js";
import { NONE, known, say, signed } from "./format.js";
import { span } from "./tables.js";

const outcomes = { no_significant_difference: ["=", "no significant difference", ""], better: ["▲", "B is better", "good"], worse: ["▼", "B is worse", "bad"], mixed: ["▲▼", "better and worse", "bad"], different: ["≠", "different", "warn"], cannot_tell: ["?", "cannot tell", "warn"] };

export function outcomeOf(c) {
  return outcomes[c.outcome] || ["", String(c.outcome), ""];
}

function verdictOf(r) {
  const sure = known(r.p) && r.verdict !== "no significant difference" && r.verdict !== "cannot tell";
  const kind = r.worse ? "bad" : r.better ? "good" : "", sign = r.worse ? "▼ " : r.better ? "▲ " : sure ? "≠ " : "";
  return h("span", { class: "light " + kind }, sign && h("span", { "aria-hidden": "true" }, sign), r.verdict + (r.worse ? " (worse)" : r.better ? " (better)" : "") + (r.why ? ": " + r.why : ""));
}

export function comparisonTables(c) {
  const rows = (c.rows || []).map((r) => {
    const value = (v, run) => (r.why === "not in " + run ? NONE : say(r.unit, v)), both = !String(r.why || "").startsWith("not in");
    const row = [`${r.name} ${r.figure}`, value(r.a, "A"), value(r.b, "B"), both ? signed(r.unit, r.change) : NONE,
      known(r.low) && known(r.high) ? `${signed(r.unit, r.low)} … ${signed(r.unit, r.high)}` : NONE, known(r.p) ? (r.p < 0.001 ? "<0.001" : r.p.toFixed(3)) : NONE, verdictOf(r)];
    row.mark = r.worse ? "failed" : r.better ? "better" : r.of_rig ? "rig" : null;
    return row;
  });
  const unlike = (c.unlike || []).map((u) => [u.what, u.a || "none", u.b || "none"]);
  const steady = (r) => `${span(Math.round(1000 * r.steady_from_seconds) / 1000)} to ${span(Math.round(1000 * r.steady_to_seconds) / 1000)}, ${say("count", r.steady_intervals)} intervals`;
  return [
    unlike.length && table("In what the runs are unlike by plan", ["What", "<A", "<B"], unlike, "This makes the comparison worth less."),
    rows.length && table("What was compared, the most important first", ["Series", "A", "B", "Change", "Range of the change", "p", "<Verdict"], rows,
      `Called different is what differs by more than ${say("share", c.tolerance)}, and a time by more than ${say("seconds", c.floor_seconds)}, with ${say("share", c.confidence)} confidence for the whole table. ` +
      (c.a && c.b ? `Steady part of A: ${steady(c.a)}; of B: ${steady(c.b)}.` : "")),
  ].filter(Boolean);
}
