package layering

const module = "github.com/loadrig/loadrig"

// beside is the floor of packages that stand beside the floors: any may import them unless a fence says
// otherwise, and each names all that it imports of this module.
const beside = -1

// rule is one package's place.
type rule struct {
	pkg    string
	floor  int
	only   []string // all of this module that it may import; nil: whatever is below it
	reason string
}

// rules has a row for every package. A new package needs one, and a line in docs/architecture.md.
var rules = []rule{
	{"messages", 0, none, "the vocabulary is below everything, also below the rest of its own floor, so that all others can share it"},
	{"authctx", 0, []string{"messages", "internal/nearest"}, "who a player is does not depend on how its connection is made"},
	{"transport", 1, []string{"messages", "internal/epoll"}, "a socket knows no actors, no metrics and no load"},
	{"metrics", 1, []string{"messages"}, "counting depends on what is counted, never on who counts"},
	{"load", 1, []string{"messages"}, "the arithmetic of load is tested without a clock, a socket or an actor"},
	{"threshold", 1, []string{"internal/nearest"}, "what a threshold means does not depend on how figures are kept, so that a scenario can be read without any"},
	{"machine", 1, []string{"internal/figures"}, "what the machine allows does not depend on what is asked of it"},
	{"actors", 2, []string{"messages", "authctx", "transport"}, "actors declare the interfaces they need, and do not import metrics, so that a library user brings their own"},
	{"scenario", 2, []string{"messages", "load", "threshold", "internal/nearest"}, "what a file means does not depend on who plays it"},
	{"players", 3, nil, "a player uses a connection, never a run"},
	{"report", 3, nil, "a report is made from figures, never from live connections or a run"},
	{"rundir", 4, []string{"metrics", "report"}, "a run on disk is read without running anything"},
	{"compare", 4, []string{"messages", "metrics", "report", "internal/figures"}, "two runs are compared by what was recorded of them, wherever that was kept"},
	{"timeline", 4, []string{"messages", "metrics", "report"}, "what is drawn of a run does not depend on where it is drawn"},
	{"rig", 4, nil, "a run wires what is below it, and knows no flags"},
	{"outputs", 4, []string{"messages", "metrics", "report", "outputs/push", "internal/figures", "internal/nearest"}, "an output takes what a run tells, or what was written of one, and does not know the difference"},
	{"web", 5, []string{"compare", "outputs", "report", "timeline"}, "a page shows what was found out elsewhere"},
	{"outputs/remotewrite", 5, []string{"metrics", "report", "outputs/push"}, "a protocol is linked by those who speak it"},
	{"outputs/otlp", 5, []string{"metrics", "report", "outputs/push"}, "a protocol is linked by those who speak it"},
	{"internal/terminal", 5, []string{"messages", "metrics", "report", "threshold", "internal/figures"}, "what shows a run is told of it as an output is, and holds it up no more"},
	{"internal/cli", 6, nil, "flags, signals and exit codes are the outermost layer"},
	{"cmd/loadrig", 7, []string{"internal/cli"}, "main is one line, so that everything else is tested"},

	{"target", beside, []string{"messages", "internal/epoll"}, "a server that shared the rig's code would share its mistakes"},
	{"bench", beside, []string{"actors", "machine", "messages", "metrics", "players", "report", "rundir", "scenario", "target", "transport", "internal/epoll"}, "a benchmark uses the product, and the product no benchmark"},
	{"examples/bot", beside, []string{"actors", "messages", "players"}, "an example uses what a user of the library does"},
	{"examples", beside, none, "an example is text; what a scenario means is the business of scenario"},
	{"outputs/push", beside, none, "how bodies get to a server does not depend on what is in them"},
	{"docs/schemas", beside, none, "a schema is text; the tests hold it to the code"},
	{"deploy/probe", beside, none, "the health check of the image is as small as can be"},
	{"internal/epoll", beside, none, "system calls depend on nothing"},
	{"internal/figures", beside, none, "a number as text depends on nothing"},
	{"internal/nearest", beside, none, "the distance of two names depends on nothing"},
	{"internal/wstest", beside, none, "a test double that used the code under test would agree with its mistakes"},
	{"internal/starve", beside, none, "what starves a process knows nothing of what the process does"},
	{"internal/ledger", beside, []string{"messages", "metrics"}, "an auditor knows the laws and the counts, and not who is audited"},
	{"internal/conformance", beside, none, "it has only tests"},
	{"internal/layering", beside, none, "it has only tests"},
	{"internal/realservers", beside, none, "it has only tests"},
	{"internal/browser", beside, none, "it has only tests"},
	{"internal/chaos", beside, none, "it has only tests"},
	{"internal/accuracy", beside, none, "it has only tests"},
}

var none = []string{}

// fence is a package or module that few may import.
type fence struct {
	path   string
	by     []string
	reason string
}

var fences = []fence{
	{"github.com/asynkron/protoactor-go", []string{"actors", "cluster"}, "its upstream is slow and it has defects to stay clear of, so it is behind one wall (ADR 2)"},
	{"github.com/gobwas/ws", []string{"transport", "target", "bench", "internal/wstest"}, "frames are the business of those who own sockets"},
	{"github.com/klauspost/compress", []string{"transport", "target", "outputs/remotewrite"}, "compression belongs to those who own sockets"},
	{"github.com/prometheus", []string{"metrics", "rig", "outputs/remotewrite", "outputs/otlp"}, "everything else counts in plain fields"},
	{"go.opentelemetry.io", []string{"outputs/otlp"}, "it is linked by those who ask for it"},
	{"charm.land", []string{"internal/terminal"}, "a terminal is drawn on in one place"},
	{module + "/internal/terminal", []string{"internal/cli"}, "a rig must work without a terminal"},
	{"github.com/invopop", nil, "schemas are generated in tests"},
	{"github.com/spf13", []string{"internal/cli"}, "a user of the library has no flags"},
	{"go.yaml.in/yaml", []string{"scenario"}, "the parser is young, so it is behind one wall"},
	{"gonum.org/v1/gonum", []string{"compare"}, "statistics are for those who compare; everything else counts"},
	{"github.com/lxzan/gws", []string{"bench"}, "a peer to compare with is no part of the product"},
	{module + "/internal/wstest", nil, "test doubles are not linked into the binary"},
	{module + "/internal/starve", nil, "what starves a process is not linked into the binary"},
	{module + "/internal/ledger", nil, "checks for tests are not linked into the binary"},
	{module + "/internal/epoll", []string{"transport", "target", "bench"}, "system calls of sockets belong to those who own sockets"},
	{module + "/target", []string{"internal/cli", "bench"}, "a rig must work without a server of its own"},
	{module + "/outputs/remotewrite", []string{"internal/cli"}, "an output to a server is opt-in: a user of the library who does not import it does not link it"},
	{module + "/outputs/otlp", []string{"internal/cli"}, "an output to a server is opt-in: a user of the library who does not import it does not link it"},
	{module + "/outputs/push", []string{"outputs", "outputs/remotewrite", "outputs/otlp"}, "it is a part of the outputs to servers"},
	{module + "/web", []string{"internal/cli"}, "a rig must work without a page to look at"},
	{module + "/docs/schemas", []string{"internal/cli"}, "a rig must work without schemas"},
	{module + "/examples", []string{"internal/cli"}, "a rig must work without examples"},
	{module + "/bench", nil, "a benchmark uses the product, and the product no benchmark"},
	{module + "/internal/cli", []string{"cmd/loadrig"}, "flags, signals and exit codes are the outermost layer"},
}

// vagueNames say nothing of what a package is for, so anything ends up there.
var vagueNames = []string{"util", "utils", "common", "helpers", "types", "base"}

const pointDown = "imports point down only, so that each package can be read, tested and replaced without those above it"
