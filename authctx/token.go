package authctx

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// maxToken bounds a token, in bytes. Servers refuse request heads far smaller than that.
const maxToken = 16 << 10

// Token is a bearer token with the time it expires. It prints as its Secret does. It is immutable
// and may be copied and shared.
type Token struct {
	Secret
	expiry time.Time
}

// NewToken takes the text of a token that expires at expiry; a zero expiry means never. The text
// must be a b64token of RFC 6750 §2.1: letters, digits and -._~+/ with = at the end. Anything else,
// a line break above all, is refused with ErrBadToken in an error that says where and not what.
func NewToken(text string, expiry time.Time) (Token, error) {
	if flaw := tokenFlaw(text); flaw != "" {
		return Token{}, fmt.Errorf("%w: got %s", ErrBadToken, flaw)
	}
	return Token{Secret: NewSecret(text), expiry: expiry}, nil
}

// Expiry gives the time from which servers refuse the token; zero means never.
func (t Token) Expiry() time.Time { return t.expiry }

// TokenSource gives tokens. Implementations are safe for concurrent use, end when ctx does, start
// nothing that outlives the call, and keep secrets out of their errors.
type TokenSource interface {
	Token(ctx context.Context, req Request) (Token, error)
}

func tokenFlaw(text string) string {
	const want = "want the bare token: letters, digits and -._~+/ with = at the end (RFC 6750 §2.1)"
	if text == "" {
		return "nothing, " + want
	}
	if len(text) > maxToken {
		return fmt.Sprintf("%d bytes, want at most %d", len(text), maxToken)
	}
	if len(text) > 7 && strings.EqualFold(text[:7], "bearer ") {
		return `one that starts with "Bearer ", ` + want
	}
	padded := false
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '\r' || c == '\n':
			return fmt.Sprintf("a line break at byte %d, %s", i, want)
		case c < ' ' || c == 0x7f:
			return fmt.Sprintf("a control character at byte %d, %s", i, want)
		case c == ' ':
			return fmt.Sprintf("a space at byte %d, %s", i, want)
		case c == '=' && i > 0:
			padded = true
		case padded || !isToken68(c):
			return fmt.Sprintf("a character that may not stand at byte %d, %s", i, want)
		}
	}
	return ""
}

func isToken68(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	default:
		return strings.IndexByte("-._~+/", c) >= 0
	}
}

// settleExpiry picks the expiry of a token that was fetched: what the answer said, else the exp of a
// JWT, else now + assume. The answer comes first because it is relative to the request and so holds
// when the two clocks disagree.
func settleExpiry(text string, given, now time.Time, assume time.Duration) time.Time {
	if !given.IsZero() {
		return given
	}
	if exp, ok := jwtExpiry(text); ok {
		return exp
	}
	return now.Add(assume)
}

// jwtExpiry reads the exp of a JWT without verifying it: it decides when to ask again, nothing more.
func jwtExpiry(text string) (time.Time, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}, false
	}
	var claims struct {
		Exp float64 `json:"exp"` // NumericDate may have a fraction (RFC 7519 §2)
	}
	if json.Unmarshal(payload, &claims) != nil {
		return time.Time{}, false
	}
	return unixSeconds(claims.Exp)
}

// farthest is the last expiry taken at its word, in seconds: the year 9999. Later ones overflow
// time.Duration and time.Unix long before they mean anything.
const farthest = 253402300799

func unixSeconds(s float64) (time.Time, bool) {
	if !(s > 0) || math.IsInf(s, 0) {
		return time.Time{}, false
	}
	return time.Unix(int64(min(s, farthest)), 0), true
}
