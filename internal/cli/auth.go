package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/loadrig/loadrig/authctx"
	"github.com/loadrig/loadrig/messages"
)

// authFlags are the flags of the players' auth context.
type authFlags struct {
	scope         string
	organization  string
	project       string
	world         string
	launchContext string
	userID        string
	token         string
	tokenKey      string
	issuer        string
	audience      []string
	lifetime      time.Duration
	jwksOut       string

	mint bool            // with a key that is made for the run, if no token or key is given
	keys *authctx.KeySet // that verify the tokens which are minted here; nil if none are
}

func (f *authFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.scope, "scope", "none", "auth `scope`: none, organization, project, world or launch_context; sets the x-m2- headers")
	fs.StringVar(&f.organization, "organization", "", "organization `id`")
	fs.StringVar(&f.project, "project", "", "project `id`")
	fs.StringVar(&f.world, "world", "", "world `id`")
	fs.StringVar(&f.launchContext, "launch-context", "", "launch context `id`")
	fs.StringVar(&f.userID, "user-id", "player-{n}", "user `id`; {n} stands for the player's number")
	fs.StringVar(&f.token, "token", "", "bearer `token` for all players; @FILE reads it from a file, which keeps it out of the process list")
	fs.StringVar(&f.tokenKey, "token-key", "", "private key `file` (PEM or JWK; ES256, EdDSA or RS256) to mint each player's delegated token with")
	fs.StringVar(&f.issuer, "token-issuer", authctx.DefaultIssuer, "`iss` of minted tokens")
	fs.StringSliceVar(&f.audience, "token-audience", nil, "`aud` of minted tokens; repeatable")
	fs.DurationVar(&f.lifetime, "token-lifetime", authctx.DefaultLifetime, "`how long` minted tokens are valid")
	fs.StringVar(&f.jwksOut, "jwks-out", "", "`file` to write the JWKS to that minted tokens are verified with; it is served on --http too, at "+jwksPath)
}

// jwksPath is where the key set is served.
const jwksPath = "/.well-known/jwks.json"

// auth is what the flags come to.
type auth struct {
	players func(n int) messages.Authorizer // nil if there is no auth context
	policy  *authctx.Policy                 // likewise
	extra   map[string]http.Handler
}

func (f *authFlags) build() (auth, error) {
	var a auth
	scope, err := authctx.ParseScope(f.scope)
	if err != nil {
		return a, fmt.Errorf("--scope: %w", err)
	}
	source, keys, err := f.source()
	if err != nil {
		return a, err
	}
	f.keys = keys
	if keys != nil {
		a.extra = map[string]http.Handler{jwksPath: keys}
		if f.jwksOut != "" {
			if err := keys.WriteFile(f.jwksOut); err != nil {
				return a, fmt.Errorf("--jwks-out: %w", err)
			}
		}
	}
	if scope == authctx.ScopeNone && source == nil {
		return a, nil
	}
	policy, err := authctx.NewPolicy(authctx.PolicyOptions{Scope: scope, Tokens: source})
	if err != nil {
		return a, fmt.Errorf("--scope, --token, --token-key: %w", err)
	}
	a.policy = policy
	a.players = func(n int) messages.Authorizer { return policy.For(f.identity(n)) }
	return a, f.check(a)
}

func (f *authFlags) identity(n int) authctx.Identity {
	return authctx.Identity{
		UserID:       strings.ReplaceAll(f.userID, "{n}", strconv.Itoa(n)),
		Organization: f.organization, Project: f.project, World: f.world, LaunchContext: f.launchContext,
	}
}

// source gives where tokens come from, nil for nowhere, and the keys they are verified with if they are
// minted here.
func (f *authFlags) source() (authctx.TokenSource, *authctx.KeySet, error) {
	switch {
	case f.token != "" && f.tokenKey != "":
		return nil, nil, errors.New("--token, --token-key: got both, want one: a token for all, or a key to mint one for each player")
	case f.jwksOut != "" && f.tokenKey == "" && !f.mint:
		return nil, nil, errors.New("--jwks-out: got no --token-key, whose public half it is to hold")
	case f.token != "":
		return f.static()
	case f.tokenKey != "", f.mint:
		return f.minter()
	default:
		return nil, nil, nil
	}
}

func (f *authFlags) static() (authctx.TokenSource, *authctx.KeySet, error) {
	text := f.token
	if path, ok := strings.CutPrefix(text, "@"); ok {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, fmt.Errorf("--token: %w", err)
		}
		text = strings.TrimSpace(string(b))
	}
	s, err := authctx.NewStatic(text)
	if err != nil {
		return nil, nil, fmt.Errorf("--token: %w", err)
	}
	return s, nil, nil
}

func (f *authFlags) minter() (authctx.TokenSource, *authctx.KeySet, error) {
	var key *authctx.Key
	var err error
	if f.tokenKey != "" {
		key, err = authctx.LoadKey(f.tokenKey)
	} else {
		key, err = authctx.GenerateKey(authctx.ES256)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("--token-key: %w", err)
	}
	keys, err := authctx.NewKeySet(key)
	if err != nil {
		return nil, nil, fmt.Errorf("--token-key: %w", err)
	}
	m, err := authctx.NewMinter(authctx.MintOptions{Key: key, Issuer: f.issuer, Audience: f.audience, Lifetime: f.lifetime})
	if err != nil {
		return nil, nil, fmt.Errorf("--token-issuer, --token-audience, --token-lifetime: %w", err)
	}
	return m, keys, nil
}

// check finds ids that the scope lacks before anything is started. It mints one token, and shows none.
func (f *authFlags) check(a auth) error {
	_, err := a.players(0).HandshakeHeaders(context.Background())
	var id *authctx.IdentityError
	if !errors.As(err, &id) {
		return err
	}
	flags := map[string]string{
		"user id": "--user-id", "organization id": "--organization", "project id": "--project",
		"world id": "--world", "launch context id": "--launch-context",
	}
	var want []string
	for _, missing := range id.Missing {
		want = append(want, flags[missing])
	}
	if len(want) > 0 {
		return fmt.Errorf("--scope: %w; want %s", err, strings.Join(want, ", "))
	}
	return fmt.Errorf("--scope: %w", err)
}
