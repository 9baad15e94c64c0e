// Elements. Whatever comes from a run goes in as text, never as markup.

// h makes an element. Attributes that are null or false are left out; those that begin with "on" listen.
export function h(tag, attrs, ...kids) {
	const e = document.createElement(tag);
	for (const [k, v] of Object.entries(attrs || {})) {
		if (v == null || v === false) continue;
		if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
		else e.setAttribute(k, v === true ? "" : v);
	}
	e.append(...kids.flat().filter((x) => x != null && x !== false));
	return e;
}

// setText touches the page only where something changes.
export function setText(e, text) {
	if (e.textContent !== text) e.textContent = text;
}

// table makes a table whose rows have a header, or nothing where there are no rows. Heads that begin with "<" are of text, which
// stands to the left. What may be wider than the page scrolls, and can have the focus so that keys scroll it.
export function table(caption, heads, rows, foot) {
	if (!rows.length) return null;
	const text = heads.map((t, i) => i === 0 || t[0] === "<");
	const cell = (tag, i, kid, scope) => h(tag, { scope, class: !text[i] ? "n" : kid.length > 60 ? "long" : null }, kid);
	const t = h("table", null, h("caption", null, caption),
		h("thead", null, h("tr", null, heads.map((t, i) => cell("th", i, t.replace("<", ""), "col")))),
		h("tbody", null, rows.map((row) => h("tr", { class: row.mark }, row.map((kid, i) => (i ? cell("td", i, kid) : cell("th", i, kid, "row")))))));
	const wide = heads.length > (text.includes(true, 1) ? 6 : 8) || rows.some((row) => row.some((kid) => kid.length > 70));
	return h("div", { class: wide ? "card wide" : "card" }, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table: " + caption }, t), foot && h("p", { class: "note" }, foot));
}
