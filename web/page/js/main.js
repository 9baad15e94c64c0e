// The entry: a file has its data in itself, the live page fetches them.

import { Run, readInline } from "./data.js";
import { live } from "./live.js";
import { prepare, start, status } from "./page.js";

prepare();
try {
	const doc = await readInline();
	if (doc) {
		start(doc.runs.map((r) => new Run(r)), doc.mode, doc.comparison);
		status("");
	} else live();
} catch (e) {
	status("The data could not be read: " + e.message + ".");
}
