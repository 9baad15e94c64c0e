package push

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// ParseURL reads the URL of a server: http or https, with a host. Its error has nothing in it of what may be
// secret.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("got a URL that is not one, want http://HOST:PORT/PATH") // the cause quotes all of it
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("got %q, want http:// or https://, a host and a path", Redact(text))
	case u.User != nil:
		return nil, fmt.Errorf("got %q with a user, which would be in the list of processes; want it in the environment", Redact(text))
	case u.Fragment != "":
		return nil, fmt.Errorf("got %q with a #, want a URL without", Redact(text))
	}
	return u, nil
}

// Redact gives a URL without its user, and without its query, where services have their keys.
func Redact(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" {
		return "a URL that is not one"
	}
	u.User = nil
	if u.RawQuery != "" {
		u.RawQuery = ""
		u.ForceQuery = false
	}
	u.Fragment = ""
	return u.String()
}

// Auth is how a server knows who we are. The zero value says nothing.
type Auth struct {
	Token          string // a bearer token
	User, Password string // basic
}

// NewAuth takes the settings NAME_TOKEN, or NAME_USER and NAME_PASSWORD, of the environment. They are nowhere
// else: a flag would be in the list of processes, and a scenario is shared.
func NewAuth(name string, getenv func(string) string) (Auth, error) {
	a := Auth{Token: getenv(name + "_TOKEN"), User: getenv(name + "_USER"), Password: getenv(name + "_PASSWORD")}
	switch {
	case a.Token != "" && (a.User != "" || a.Password != ""):
		return Auth{}, fmt.Errorf("%s_TOKEN: got one, and %[1]s_USER or %[1]s_PASSWORD too; want one way to log in", name)
	case a.User == "" && a.Password != "":
		return Auth{}, fmt.Errorf("%s_PASSWORD: got one without %[1]s_USER, want both", name)
	case strings.ContainsFunc(a.Token, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return Auth{}, fmt.Errorf("%s_TOKEN: got a token with spaces or other characters that no header takes", name)
	}
	return a, nil
}

func (a Auth) apply(h *http.Request) {
	switch {
	case a.Token != "":
		h.Header.Set("Authorization", "Bearer "+a.Token)
	case a.User != "":
		h.SetBasicAuth(a.User, a.Password)
	}
}
