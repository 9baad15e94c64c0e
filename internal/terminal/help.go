package terminal

// helpText says what the keys do and what the words mean: a name for each, or none for a sentence.
var helpText = [][2]string{
	{"", "The run goes on. All of this is also in the summary that is printed when it ends, and in what is kept of it."},
	{"q, Ctrl-C", "end the load, close all connections, and report; once more: end the program at once, without a report"},
	{"p", "the view stands still, to look at something; the run goes on"},
	{"d", "all that is known, or back to the overview"},
	{"?", "this page, or back"},
	{"arrows", "up, down, pgup, pgdn, home and end move in a page that is longer than the screen"},
	{"", ""},
	{"now", "in the last interval, which rates are of too"},
	{"so far", "of the whole run"},
	{"asked", "what the load wants, whatever there is of it"},
	{"response", "from when a message was due to its answer: what a user would feel"},
	{"round trip", "from when it was sent to its answer"},
	{"lag", "how late the rig itself sends; the response has it in it, the round trip has not. Of 100 messages, one may be as late as --max-lag"},
	{"turn", "the work of an event loop at a time; what comes meanwhile waits"},
	{"thresholds", "hold, FAIL, or not yet: where nothing was measured, or only the end can tell"},
	{"errors", "attempts that failed, by the phase of the opening handshake and the cause; connections that ended and were not to; messages dropped, corrupted, duplicated or foreign; failed checks; requests without an answer"},
	{"rig", "whether this machine keeps up; if it does not, the figures are its own and not the server's"},
	{"", ""},
	{"", "--no-tui prints lines of key=value instead; so do CI, NO_COLOR, TERM=dumb, and where stdin or stderr is no terminal."},
}

// help says what the keys do and what the words mean.
func (p *painter) help() (lines []line) {
	for _, h := range helpText {
		switch {
		case h == [2]string{}:
			lines = append(lines, nil)
		case h[0] == "":
			for _, l := range p.paragraph(h[1], p.width-1) {
				lines = append(lines, append(line{{" ", plain}}, l...))
			}
		default:
			lines = append(lines, p.labelled(h[0], p.paragraph(h[1], p.width-label-1))...)
		}
	}
	return lines
}
