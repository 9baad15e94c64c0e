package scenario

// link is what is known of the connection at a place in the steps.
type link struct {
	open, closed bool // may be connected; may have been and be so no more
	ended        bool // the place cannot be reached
}

func (l link) or(m link) link {
	switch {
	case l.ended:
		return m
	case m.ended:
		return l
	}
	return link{open: l.open || m.open, closed: l.closed || m.closed}
}

// follow finds steps that can only be refused, and notes what a step does to the connection.
func (c *compiler) follow(s *Step) {
	l := &c.link
	needsOpen := func() {
		if l.open {
			return
		}
		remedy := "connect"
		if l.closed {
			remedy = "reconnect or connect"
		}
		c.wrong(s.At, "step %s can never be reached by a player that is connected: want %s before it", s.Kind, remedy)
		l.open, l.closed = true, true // say it once
	}
	surelyOpen := l.open && !l.closed
	switch s.Body.(type) {
	case *ConnectStep:
		if surelyOpen {
			c.wrong(s.At, "step connect: the player is connected already; want disconnect before it")
		}
		l.open, l.closed = true, c.lossy
	case *ReconnectStep:
		switch {
		case !l.open && !l.closed:
			c.wrong(s.At, "step reconnect: the player was never connected; want connect")
		case surelyOpen:
			c.wrong(s.At, "step reconnect: the player is connected already; want disconnect before it, or reconnect in lost")
		}
		l.open, l.closed = true, c.lossy
	case *DisconnectStep:
		needsOpen()
		if !c.inRule {
			l.open, l.closed = false, true
		}
	case *SendStep, *RequestStep, *ExpectStep, *PingStep, *PublishStep:
		needsOpen()
	}
}
