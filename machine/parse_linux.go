package machine

import (
	"bytes"
	"math"
)

// The files of the kernel, read without allocating. A number counts only if white space ends it: one at the
// end of what was read may be half a number.

// line gives what follows name in the first line that begins with it, with the line's end.
func line(text []byte, name string) (rest []byte, ok bool) {
	for len(text) > 0 {
		l := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			l = text[:i+1]
		}
		text = text[len(l):]
		if len(l) >= len(name) && string(l[:len(name)]) == name {
			return l[len(name):], true
		}
	}
	return nil, false
}

// figure reads the number at the head of text, after blanks, and gives what follows it. What does not fit an
// int64 is none.
func figure(text []byte) (n int64, rest []byte, ok bool) {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\t') {
		text = text[1:]
	}
	for i, c := range text {
		switch {
		case c >= '0' && c <= '9':
			d := int64(c - '0')
			if n > (math.MaxInt64-d)/10 {
				return 0, nil, false
			}
			n = 10*n + d
		case i > 0 && (c == ' ' || c == '\t' || c == '\n'):
			return n, text[i:], true
		default:
			return 0, nil, false
		}
	}
	return 0, nil, false
}

// figureList reads as many numbers as there is room for; all of them, or it is not ok.
func figureList(text []byte, into []int64) (ok bool) {
	for i := range into {
		if into[i], text, ok = figure(text); !ok {
			return false
		}
	}
	return len(into) > 0
}

// named reads the number that follows a word and a blank, or a word that ends in =.
func named(text []byte, word string) (n int64, ok bool) {
	for at := 0; at < len(text); {
		i := bytes.Index(text[at:], []byte(word))
		if i < 0 {
			return 0, false
		}
		start, end := at+i, at+i+len(word)
		at = end
		if start > 0 && !blank(text[start-1]) {
			continue
		}
		if end < len(text) && (blank(text[end]) || word[len(word)-1] == '=') {
			n, _, ok = figure(text[end:])
			return n, ok
		}
	}
	return 0, false
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' }
