//go:build unix && !linux

package machine

func (l *Limits) read() { l.readFiles() }
