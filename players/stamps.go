package players

import (
	"bytes"
	"math/rand/v2"

	"github.com/loadrig/loadrig/messages"
)

// A message begins with the instants it was due and sent, and a check that it is this player's own, each as 16
// hexadecimal digits. The check is there so that other text that a server sends, or another player's message that
// it passes on, is not taken for an echo; it is no protection from a server that sets out to mislead, which only
// spoils its own figures.
const stampSize = 3 * 16

// writeStamps writes to the first stampSize bytes of b.
func writeStamps(b []byte, key uint64, intended, sent messages.Stamp) {
	_ = b[stampSize-1]
	writeHex(b[0:16], uint64(intended))
	writeHex(b[16:32], uint64(sent))
	writeHex(b[32:48], check(key, intended, sent))
}

// readStamps reads what writeStamps wrote, and with which key. What was never written so, or was changed, gives a
// key that nobody has, but for a chance of 1 in a million; see newKeys.
func readStamps(b []byte) (intended, sent messages.Stamp, key uint64, ok bool) {
	if len(b) < stampSize {
		return 0, 0, 0, false
	}
	i, ok1 := readHex(b[0:16])
	s, ok2 := readHex(b[16:32])
	c, ok3 := readHex(b[32:48])
	intended, sent = messages.Stamp(i), messages.Stamp(s)
	return intended, sent, unmix(unmix(unmix(c)^s) ^ i), ok1 && ok2 && ok3
}

// check mixes its arguments (the finalizer of splitmix64, thrice: a small change of any of them must not look like
// the key of the player next door). It can be undone, to tell whose a message is from the message alone.
func check(key uint64, intended, sent messages.Stamp) uint64 {
	return mix(mix(mix(key)^uint64(intended)) ^ uint64(sent))
}

// keys makes the keys of the players of one run: a number of the run's own, and one that is made of it and of the
// player's. So a key says by itself that it is one, of whichever run.
type keys struct{ run uint64 }

const (
	keyBits   = 40      // of a key that are made of the others and of the player's number
	keyHolder = 1 << 20 // players that there may be; one key in as many of those that chance makes looks like a key
)

func newKeys() keys { return keys{rand.Uint64() >> keyBits} }

func (k keys) of(player int) uint64 {
	return k.run<<keyBits | (mix(k.run)^uint64(player))&(1<<keyBits-1)
}

// isKey tells what of gave, of this run or another one.
func isKey(key uint64) bool {
	return (key^mix(key>>keyBits))&(1<<keyBits-1) < keyHolder
}

// origin is what a message that came is, as far as it says so itself.
type origin uint8

const (
	foreign   origin = iota // nothing that its player sent
	whole                   // what its player sent, to the byte
	changed                 // something that its player sent, but for the bytes behind the stamps
	garbled                 // as long as what its player sent, but with no stamps that anybody wrote
	duplicate               // of what was answered already
)

// judge tells what b is to the player who has that key, where messages are like sent but for their stamps.
func judge(b, sent []byte, key uint64) (o origin, intended, at messages.Stamp) {
	intended, at, by, ok := readStamps(b)
	switch {
	case ok && by == key && len(b) == len(sent) && bytes.Equal(b[stampSize:], sent[stampSize:]):
		return whole, intended, at
	case ok && by == key:
		return changed, intended, at
	case len(b) == len(sent) && !(ok && isKey(by)):
		return garbled, 0, 0
	}
	return foreign, 0, 0
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// unmix undoes mix.
func unmix(x uint64) uint64 {
	x = (x ^ x>>31 ^ x>>62) * 0x319642b2d24d8ec3
	x = (x ^ x>>27 ^ x>>54) * 0x96de1b173f119089
	return x ^ x>>30 ^ x>>60
}

func writeHex(b []byte, v uint64) {
	const digits = "0123456789abcdef"
	for i := 15; i >= 0; i-- {
		b[i] = digits[v&0xf]
		v >>= 4
	}
}

func readHex(b []byte) (v uint64, ok bool) {
	for _, c := range b[:16] {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}
