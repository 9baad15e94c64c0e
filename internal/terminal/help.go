package terminal

// help says what the keys do and what the words mean.
func (p *painter) help() []line {
	const text = `The view of a run that goes on. Everything in it is also in the summary that is
printed when the run ends, and in what is kept of it.

q Ctrl-C   end the load, close all connections, and report; once more: end the
           program at once, without a report
p          stand still, to look at something; the run goes on
d          all that is known, or back to the overview
?          this page, or back
up down pgup pgdn home end    move in a page that is longer than the screen

now        in the last interval, which the rates are of too
so far     of the whole run
asked      what the load wants, whatever there is of it
response   from when a message was due to its answer: what a user would feel
round trip from when it was sent to its answer
lag        how late the rig itself sends: the response has it, the round trip
           has not. Of 100 messages, one may be as late as --max-lag
turn       the work of an event loop at a time; what comes meanwhile waits
errors     attempts that failed, by the phase of the opening handshake and the
           cause; connections that ended and were not to; messages that were
           dropped, corrupted, duplicated; checks that failed; requests that
           had no answer
thresholds hold, FAIL, or not yet, where only the end can tell

A view of another size, or none: --no-tui prints lines of key=value instead, as
do NO_COLOR, CI, TERM=dumb, and an output that is no terminal.`
	var lines []line
	begin := 0
	for i := range len(text) + 1 {
		if i == len(text) || text[i] == '\n' {
			l := text[begin:i]
			begin = i + 1
			if p.width >= 82 {
				l = " " + l
			}
			lines = append(lines, line{{l, plain}})
		}
	}
	return lines
}
