package authctx

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestNewToken(t *testing.T) {
	const want = ", want the bare token: letters, digits and -._~+/ with = at the end (RFC 6750 §2.1)"
	for _, tt := range []struct{ name, in, err string }{
		{"jwt", "eyJh.eyJp.c2ln", ""},
		{"all characters", "azAZ09-._~+/==", ""},
		{"one", "x", ""},
		{"longest", strings.Repeat("x", 16384), ""},
		{"empty", "", "nothing" + want},
		{"newline of the file", "abc\n", "a line break at byte 3" + want},
		{"header injection", "abc\r\nX-Evil: 1", "a line break at byte 3" + want},
		{"nul", "a\x00c", "a control character at byte 1" + want},
		{"del", "a\x7f", "a control character at byte 1" + want},
		{"tab", "\tabc", "a control character at byte 0" + want},
		{"blank", "a b", "a space at byte 1" + want},
		{"prefix", "Bearer abc", `one that starts with "Bearer "` + want},
		{"prefix in capitals", "BEARER abc", `one that starts with "Bearer "` + want},
		{"quote", `"abc"`, "a character that may not stand at byte 0" + want},
		{"comma", "abc,def", "a character that may not stand at byte 3" + want},
		{"not ascii", "abcé", "a character that may not stand at byte 3" + want},
		{"padding inside", "ab=c", "a character that may not stand at byte 3" + want},
		{"padding alone", "=", "a character that may not stand at byte 0" + want},
		{"too long", strings.Repeat("x", 16385), "16385 bytes, want at most 16384"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expiry := time.Unix(1e9, 0)
			token, err := NewToken(tt.in, expiry)
			if tt.err == "" {
				if err != nil || token.Reveal() != tt.in || !token.Expiry().Equal(expiry) {
					t.Fatalf("got %q, %v, %v", token.Reveal(), token.Expiry(), err)
				}
				return
			}
			if !errors.Is(err, ErrBadToken) || err.Error() != "bad token: got "+tt.err {
				t.Fatalf("got\n%v\nwant\nbad token: got %s", err, tt.err)
			}
			if _, err := NewStatic(tt.in); err == nil || err.Error() != "static token: bad token: got "+tt.err {
				t.Errorf("static: got %v", err)
			}
		})
	}
}

func TestSettleExpiry(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	jwt := func(payload string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
	}
	for _, tt := range []struct {
		name, text string
		given      time.Time
		want       int64
	}{
		{"given wins", jwt(`{"exp":1000100}`), time.Unix(1_000_050, 0), 1_000_050},
		{"exp", jwt(`{"exp":1000100}`), time.Time{}, 1_000_100},
		{"exp with a fraction", jwt(`{"exp":1000100.7}`), time.Time{}, 1_000_100},
		{"exp beyond all bounds", jwt(`{"exp":1e300}`), time.Time{}, farthest},
		{"no exp", jwt(`{}`), time.Time{}, 1_000_300}, // now + 5 min
		{"negative exp", jwt(`{"exp":-1}`), time.Time{}, 1_000_300},
		{"exp no number", jwt(`{"exp":"soon"}`), time.Time{}, 1_000_300},
		{"payload no JSON", jwt(`x`), time.Time{}, 1_000_300},
		{"payload no base64", "a.!.c", time.Time{}, 1_000_300},
		{"opaque", "abc", time.Time{}, 1_000_300},
	} {
		if got := settleExpiry(tt.text, tt.given, now, 5*time.Minute); got.Unix() != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got.Unix(), tt.want)
		}
	}
}

// What NewToken takes may stand in a header, and its errors never quote what it refused.
func FuzzNewToken(f *testing.F) {
	for _, seed := range []string{"", "abc", "a.b.c", "abc=", "a\r\nb", "Bearer x", "é", "=", "s3cr3t-t0ken\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, err := NewToken(text, time.Time{})
		if err != nil {
			if len(text) > 12 && strings.Contains(err.Error(), text) {
				t.Fatalf("the error quotes it: %v", err)
			}
			return
		}
		for _, c := range []byte(token.Reveal()) {
			if c <= ' ' || c >= 0x7f {
				t.Fatalf("took byte %#x", c)
			}
		}
		jwtExpiry(text)
	})
}
