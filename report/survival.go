package report

// Survival placeholder until sessions are recorded.
type Survival struct{}
