package metrics

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/loadrig/loadrig/messages"
)

const docs = "../docs/metrics.md"

// TestDocs holds the tables of docs/metrics.md to the code. What is outside of them is written by hand, and stays.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, part := range []struct{ name, want string }{
		{"connections", table(t, OfConnections)},
		{"scenario", table(t, OfScenario)},
		{"rig", table(t, OfRig)},
		{"buckets", bounds()},
	} {
		begin, end := "<!-- "+part.name+": begin -->\n", "<!-- "+part.name+": end -->\n"
		before, rest, ok := strings.Cut(text, begin)
		got, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no %s … %s", docs, strings.TrimSpace(begin), strings.TrimSpace(end))
		}
		if got != part.want && !*update {
			t.Errorf("%s, %s: got\n%s\nwant\n%s\nrun go test ./metrics -run TestDocs -update", docs, part.name, got, part.want)
		}
		text = before + begin + part.want + end + after
	}
	if *update {
		if err := os.WriteFile(docs, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// table lists the metrics of a group, and then the values of their labels.
func table(t *testing.T, g Group) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("\n| metric | kind | unit | labels | what it is |\n|---|---|---|---|---|\n")
	var labels []string
	for _, f := range Families() {
		if f.Group != g {
			continue
		}
		fmt.Fprintf(&b, "| `%s%s` | %s | %s | %s | %s |\n", Prefix, f.Name, f.Kind, unit(f), strings.Join(quoted(f.Labels), ", "), f.Help)
		for _, label := range f.Labels {
			if values := labelValues(f, label); values != "" {
				labels = append(labels, fmt.Sprintf("| `%s` of `%s` | %s |\n", label, f.Name, values))
			} else {
				t.Errorf("the label %s of %s has no values here: add them to labelValues", label, f.Name)
			}
		}
	}
	b.WriteString("\n| label | values |\n|---|---|\n")
	b.WriteString(strings.Join(labels, ""))
	b.WriteByte('\n')
	return b.String()
}

// unit is what the name ends in.
func unit(f *Family) string {
	name := strings.TrimSuffix(f.Name, "_total")
	for _, u := range []string{"seconds", "bytes"} {
		if strings.HasSuffix(name, "_"+u) || name == u {
			return u
		}
	}
	return "1"
}

// labelValues tells all values that a label can have; "" if it is not known.
func labelValues(f *Family, label string) string {
	switch label {
	case "state":
		if f == HostSockets {
			return list(SocketsUsed, SocketsTimeWait)
		}
		return states()
	case "from", "to":
		return states()
	case "command":
		return named(messages.NumCommands, func(i int) string { return messages.CommandKind(i).String() })
	case "opcode":
		return named(messages.NumOps, func(i int) string { return messages.Op(i).String() })
	case "initiator":
		return list(messages.InitiatorLocal.String(), messages.InitiatorRemote.String())
	case "order":
		return named(messages.NumOrders, func(i int) string { return messages.Order(i).String() })
	case "phase":
		phases := named(messages.NumPhases, func(i int) string { return messages.Phase(i).String() })
		if f == HandshakeDuration {
			return phases + ", " + list(PhaseTotal)
		}
		return phases
	case "cause":
		return causes()
	case "reason":
		if f == HandshakeFailures {
			return "as `cause` of `disconnects_total`"
		}
		return named(messages.NumDrops, func(i int) string { return messages.Drop(i).String() })
	case "code":
		return named(numCloseClasses, func(i int) string { return closeClass(i).label() })
	case "result":
		return list(ResultHeld, ResultFailed)
	case "outcome":
		return list(StartOnTime, StartLate, StartMissed)
	case "kind":
		return list(SwitchVoluntary, SwitchInvoluntary)
	case "mode":
		return list(HostBusy, HostSteal, HostIOWait, HostIdle)
	case "request", "check", "delivery", "tick", "population":
		return fmt.Sprintf("the names that the scenario gives, at most %d", MaxNames)
	case "version", "revision", "goversion":
		return "those of the binary, one each"
	default:
		return ""
	}
}

func states() string {
	return named(messages.NumStates, func(i int) string { return messages.State(i).String() })
}

func causes() string {
	var names []string
	for _, c := range messages.Causes() {
		names = append(names, c.String())
	}
	return list(names...)
}

// named lists names without those that come twice: codes that share a label have one.
func named(n int, name func(i int) string) string {
	var names []string
	for i := range n {
		names = append(names, name(i))
	}
	return list(names...)
}

func list(names ...string) string {
	var once []string
	seen := make(map[string]bool)
	for _, name := range names {
		if !seen[name] {
			once = append(once, name)
		}
		seen[name] = true
	}
	return strings.Join(quoted(once), ", ")
}

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = "`" + name + "`"
	}
	return out
}

// bounds lists the classic buckets.
func bounds() string {
	var b strings.Builder
	b.WriteString("\nUpper bounds of the classic buckets, in seconds: ")
	for i, micros := range classicMicros {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%g", float64(micros)/1e6)
	}
	fmt.Fprintf(&b, ", +Inf.\nNative buckets: schema %d, so each is 2^(1/%d) times as wide as the one before, 9 %%; at most %d of them.\n\n",
		nativeSchema, 1<<nativeSchema, numNative)
	return b.String()
}
