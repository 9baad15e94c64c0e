package players

import "github.com/loadrig/loadrig/messages"

// A paced message begins with the instants it was due and sent, and a check that it is this player's
// own, each as 16 hexadecimal digits. The check is there so that other text that a server sends, or
// another player's message that it passes on, is not taken for an echo; it is no protection from a
// server that sets out to mislead, which only spoils its own figures.
const stampSize = 3 * 16

// writeStamps writes to the first stampSize bytes of b.
func writeStamps(b []byte, key uint64, intended, sent messages.Stamp) {
	_ = b[stampSize-1]
	writeHex(b[0:16], uint64(intended))
	writeHex(b[16:32], uint64(sent))
	writeHex(b[32:48], check(key, intended, sent))
}

// readStamps reads what writeStamps wrote with the same key.
func readStamps(b []byte, key uint64) (intended, sent messages.Stamp, ok bool) {
	if len(b) < stampSize {
		return 0, 0, false
	}
	i, ok1 := readHex(b[0:16])
	s, ok2 := readHex(b[16:32])
	c, ok3 := readHex(b[32:48])
	intended, sent = messages.Stamp(i), messages.Stamp(s)
	return intended, sent, ok1 && ok2 && ok3 && c == check(key, intended, sent)
}

// check mixes its arguments (the finalizer of splitmix64, twice).
func check(key uint64, intended, sent messages.Stamp) uint64 {
	return mix(mix(key^uint64(intended)) ^ uint64(sent))
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
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
