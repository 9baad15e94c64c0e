// Colours are those of the style sheet, read where a canvas needs them.

let probe = null;
let found = new Map();

// color gives a custom property as rgb(…), in the theme that is on.
export function color(name) {
	if (!found.has(name)) {
		if (!probe) document.body.append((probe = document.createElement("i")));
		probe.hidden = true;
		probe.style.color = `var(--${name})`;
		found.set(name, getComputedStyle(probe).color);
	}
	return found.get(name);
}

export const faint = (name, alpha) => color(name).replace("rgb(", "rgba(").replace(")", `, ${alpha})`);

const themes = ["auto", "light", "dark"];

// themeSwitch makes a button that goes through the themes. Without storage, as in some files, it forgets.
export function themeSwitch(button, changed) {
	let at = 0;
	try {
		at = Math.max(0, themes.indexOf(localStorage.getItem("loadrig-theme")));
	} catch { /* no storage */ }
	const set = () => {
		document.documentElement.dataset.theme = themes[at];
		button.textContent = "Theme: " + themes[at];
		found = new Map();
		changed();
	};
	button.addEventListener("click", () => {
		at = (at + 1) % themes.length;
		try {
			localStorage.setItem("loadrig-theme", themes[at]);
		} catch { /* no storage */ }
		set();
	});
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", set);
	set();
}
