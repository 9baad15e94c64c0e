//go:build unix && !linux

package machine

// kernel is what this system tells. It holds nothing.
type kernel struct{}

func (kernel) open()  {}
func (kernel) close() {}

func (kernel) sample(u *Usage) { sampleProcess(u) }
