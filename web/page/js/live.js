// A run as it happens: the whole document once, then what comes. Nothing is asked for while the page is hidden, as what was
// missed comes at once when it is looked at again.

import { Run } from "./data.js";
import { changed, start, status } from "./page.js";

const POLL = 2000, WORST = 30000, PATIENT = 3000;

let run = null, stream = null, timer = 0, wait = 500;

const since = () => `run=${encodeURIComponent(run.manifest.id)}&gen=${+run.gen}&after=${+run.next}&events=${run.events.length}`;

function later(f, ms) {
	clearTimeout(timer);
	timer = setTimeout(f, ms);
}

function close() {
	clearTimeout(timer);
	if (stream) stream.close();
	stream = null;
}

async function get(address) {
	const r = await fetch(address, { cache: "no-store" });
	if (!r.ok) throw new Error("status " + r.status);
	return r.json();
}

// lost says so, and tries again, less and less often.
function lost() {
	close();
	status(`${run ? "The connection to loadrig is lost; what is shown is what there was." : "loadrig has no data yet."} Next try in ${Math.round(wait / 1000) || 1} s.`);
	later(follow, wait);
	wait = Math.min(2 * wait, run ? WORST : PATIENT); // a run that has not begun will soon
}

function take(m) {
	wait = 500;
	if (m.reload || !run.append(m)) {
		run = null;
		close();
		return later(follow, 0);
	}
	changed();
	if (!run.over) return status("Live");
	close();
	status("The run is over.");
}

async function poll() {
	try {
		const asked = since(), m = await get("timeline.json?" + asked);
		if (!run || asked !== since()) return; // the page was hidden and shown meanwhile, and another has asked
		take(m);
		if (run && !run.over) later(poll, POLL);
	} catch {
		lost();
	}
}

async function follow() {
	if (document.hidden) return;
	try {
		if (!run) {
			const doc = await get("timeline.json");
			run = new Run(doc.runs[0]);
			start([run]);
		}
	} catch {
		return lost();
	}
	if (run.over) return status("The run is over.");
	if (!window.EventSource) return poll();
	close();
	stream = new EventSource("live?" + since());
	stream.onmessage = (e) => take(JSON.parse(e.data));
	stream.onerror = lost;
}

export function live() {
	document.addEventListener("visibilitychange", () => {
		if (run && run.over) return;
		close();
		if (!document.hidden) follow();
	});
	follow();
}
