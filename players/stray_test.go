package players

import (
	"bytes"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/load"
	"github.com/loadrig/loadrig/messages"
)

func TestUnmix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if x := rapid.Uint64().Draw(t, "x"); unmix(mix(x)) != x || mix(unmix(x)) != x {
			t.Fatalf("%x: got %x and %x", x, unmix(mix(x)), mix(unmix(x)))
		}
	})
}

// TestJudge: any change of one byte is seen, wherever it is, and what was not this player's is not taken for it.
func TestJudge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mine, theirs := newKeys(), newKeys()
		player := rapid.IntRange(0, keyHolder-1).Draw(t, "player")
		sent := filler(rapid.IntRange(stampSize, 200).Draw(t, "size"))
		stamped := func(key uint64) []byte {
			b := bytes.Clone(sent)
			writeStamps(b, key, 1, messages.Stamp(rapid.Int64().Draw(t, "sent")))
			return b
		}
		own := stamped(mine.of(player))
		at := rapid.IntRange(0, len(sent)-1).Draw(t, "at")
		spoilt := bytes.Clone(own)
		spoilt[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		wantSpoilt := changed
		if at < stampSize {
			wantSpoilt = garbled
		}
		for _, c := range []struct {
			name string
			b    []byte
			want origin
		}{
			{"own", own, whole},
			{"one byte changed", spoilt, wantSpoilt},
			{"a byte more", append(bytes.Clone(own), 'x'), changed},
			{"cut within the stamps", own[:stampSize-1], foreign},
			{"another player's", stamped(mine.of(player ^ 1)), foreign},
			{"another run's", stamped(theirs.of(player)), foreign},
			{"no stamps", sent, garbled},
			{"other text", []byte("welcome"), foreign},
		} {
			if got, _, _ := judge(c.b, sent, mine.of(player)); got != c.want {
				t.Errorf("%s: got %d, want %d", c.name, got, c.want)
			}
		}
	})
}

// TestSeen: what one window says is what a list of all numbers says, as far as the window goes.
func TestSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w seen
		all, last := map[uint64]bool{}, uint64(0)
		at := rapid.Uint64().Draw(t, "first")
		for i := range rapid.IntRange(1, 200).Draw(t, "n") {
			if i > 0 {
				at = last + uint64(rapid.IntRange(-70, 70).Draw(t, "step"))
			}
			want := messages.OrderLate
			switch ahead := int64(at - last); {
			case i == 0, ahead > 0:
				want = messages.OrderKept
				last = at
			case ahead > -64 && all[at]:
				want = messages.OrderDuplicate
			}
			if got := w.take(at); got != want {
				t.Fatalf("number %d after %d: got %v, want %v", at, last, got, want)
			}
			all[at] = true
		}
	})
}

// TestReadStamp: any change of one byte of a stamp is seen, but what is another run's, or none, is no change.
func TestReadStamp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mine, theirs := &Cast{secret: newSecret()}, &Cast{secret: newSecret()}
		s := stamp{uint64(rapid.IntRange(0, 1<<20).Draw(t, "sender")), rapid.Uint32().Draw(t, "seq"), messages.Stamp(rapid.Int64Min(0).Draw(t, "sent"))}
		text := mine.appendStamp(nil, s)
		spoilt := bytes.Clone(text)
		spoilt[rapid.IntRange(0, len(text)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		for _, c := range []struct {
			name, text string
			want       origin
		}{
			{"own", string(text), whole},
			{"one byte changed", string(spoilt), garbled},
			{"upper case", "lr" + string(bytes.ToUpper(text[2:])), garbled},
			{"a nought before a number", "lr-0" + string(text[3:]), garbled},
			{"cut", string(text[:len(text)-1]), garbled},
			{"another run's", string(theirs.appendStamp(nil, s)), foreign},
			{"none", "", foreign},
			{"the server's word", "system", foreign},
		} {
			got, o := mine.readStamp(c.text)
			if o != c.want || o == whole && got != s {
				t.Errorf("%s: %q: got %v and %d, want %d", c.name, c.text, got, o, c.want)
			}
		}
	})
}

// TestPacedStrays: three messages were sent. The first comes twice, and then changed; the second changed, and then
// whole; the third with a stamp that nobody can read. The server and another player say something as well.
func TestPacedStrays(t *testing.T) {
	m := new(meter)
	crowd := &Crowd{keys: newKeys()}
	const size, period = 60, 1000
	p := &paced{crowd: crowd, meter: m, scratch: filler(size), key: crowd.keys.of(7), pace: load.Pace{Period: period}}
	sent := func(n, player int, spoil ...int) []byte {
		b := filler(size)
		writeStamps(b, crowd.keys.of(player), messages.Stamp(n*period), messages.Stamp(n*period+5))
		for _, at := range spoil {
			b[at]++
		}
		return b
	}
	for _, b := range [][]byte{
		[]byte("welcome"), sent(0, 7), sent(0, 7), sent(0, 7, size-1), sent(1, 7, size-1), sent(1, 7), sent(2, 7, 3), sent(2, 8),
	} {
		p.answer(&messages.Message{Op: messages.OpText, Payload: b, At: messages.Now()})
	}
	want := [messages.NumStrays]int{messages.StrayCorrupted: 2, messages.StrayDuplicated: 3, messages.StrayForeign: 2}
	if len(m.answers) != 1 || m.strays != want {
		t.Errorf("got %d answers and %v, want 1 and %v", len(m.answers), m.strays, want)
	}
}

type pingPongEar struct{ *pingPong }

func (e pingPongEar) hear(b []byte) {
	var none actors.Connection
	e.crowd.quiet.Store(true) // so that it is say that sends
	e.answer(&none, &messages.Message{Op: messages.OpText, Payload: b, At: messages.Now()})
}

// say has the player send its next message.
func (e pingPongEar) say(n int) []byte {
	e.intended, e.sent, e.waiting = messages.Stamp(n), messages.Stamp(n), true
	b := bytes.Clone(e.scratch)
	if len(b) >= stampSize {
		writeStamps(b, e.key, e.intended, e.sent)
	}
	return b
}

func TestPingPongStrays(t *testing.T) {
	spoil := func(b []byte, at int) []byte { b = bytes.Clone(b); b[at]++; return b }
	for _, c := range []struct {
		name    string
		size    int
		play    func(e pingPongEar)
		answers int
		strays  [messages.NumStrays]int // corrupted, duplicated, foreign
		waiting bool
	}{
		{"an echo", 60, func(e pingPongEar) { e.hear(e.say(1)) }, 1, [3]int{}, false},
		{"twice", 60, func(e pingPongEar) { a := e.say(1); e.hear(a); e.hear(a) }, 1, [3]int{0, 1, 0}, false},
		{"once more while the next is under way", 60, func(e pingPongEar) { a := e.say(1); e.hear(a); e.say(2); e.hear(a) }, 1, [3]int{0, 1, 0}, true},
		{"changed", 60, func(e pingPongEar) { e.hear(spoil(e.say(1), 59)) }, 0, [3]int{1, 0, 0}, false},
		{"stamps changed", 60, func(e pingPongEar) { e.hear(spoil(e.say(1), 0)) }, 0, [3]int{1, 0, 0}, false},
		{"changed, then whole", 60, func(e pingPongEar) { a := e.say(1); e.hear(spoil(a, 59)); e.hear(a) }, 0, [3]int{1, 1, 0}, false},
		{"whole, then changed", 60, func(e pingPongEar) { a := e.say(1); e.hear(a); e.hear(spoil(a, 59)); e.hear(spoil(a, 0)) }, 1, [3]int{0, 2, 0}, false},
		{"a server that does not echo", 60, func(e pingPongEar) { e.say(1); e.hear([]byte("ok")); e.say(2); e.hear([]byte("ok")) }, 2, [3]int{}, false},
		{"a greeting, then echoes", 60, func(e pingPongEar) {
			a := e.say(1)
			e.hear([]byte("hi"))
			b := e.say(2)
			e.hear(a)
			e.hear([]byte("hi"))
			e.hear(b)
		}, 2, [3]int{0, 0, 2}, false},
		{"nobody asked", 60, func(e pingPongEar) { e.hear([]byte("hi")) }, 0, [3]int{0, 0, 1}, false},
		{"no room for stamps", 5, func(e pingPongEar) { e.hear(e.say(1)) }, 1, [3]int{}, false},
		{"no room, changed", 5, func(e pingPongEar) { e.hear(spoil(e.say(1), 4)) }, 0, [3]int{1, 0, 0}, false},
		{"no room, twice", 5, func(e pingPongEar) { a := e.say(1); e.hear(a); e.hear(a) }, 1, [3]int{0, 1, 0}, false},
		{"no room, another answer", 5, func(e pingPongEar) { e.say(1); e.hear([]byte("ok")); e.hear([]byte("hm")) }, 1, [3]int{0, 0, 1}, false},
		{"empty", 0, func(e pingPongEar) { e.hear(e.say(1)) }, 1, [3]int{}, false},
	} {
		m := new(meter)
		crowd := &Crowd{keys: newKeys()}
		e := pingPongEar{&pingPong{crowd: crowd, meter: m, scratch: filler(c.size), key: crowd.keys.of(3)}}
		c.play(e)
		if len(m.answers) != c.answers || m.strays != c.strays || e.waiting != c.waiting {
			t.Errorf("%s: got %d answers, %v and waiting %v, want %d, %v and %v", c.name, len(m.answers), m.strays, e.waiting, c.answers, c.strays, c.waiting)
		}
	}
}

// BenchmarkJudge is what knowing that an answer is whole, new and one's own costs.
func BenchmarkJudge(b *testing.B) {
	for _, size := range []int{64, 1024, 16 << 10} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			k, sent := newKeys(), filler(size)
			p := bytes.Clone(sent)
			writeStamps(p, k.of(1), 2, 3)
			b.ReportAllocs()
			for b.Loop() {
				if o, _, _ := judge(p, sent, k.of(1)); o != whole {
					b.Fatal(o)
				}
			}
		})
	}
}
