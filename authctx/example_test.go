package authctx_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/loadrig/loadrig/authctx"
)

// player is an actor: it has an identity.
type player struct{ id authctx.Identity }

func (p *player) Identity() authctx.Identity { return p.id }

// backpack is an actor component: it answers with its owner's identity.
type backpack struct{ owner *player }

func (b backpack) Owner() authctx.Actor { return b.owner }

// Players of one world, each with a token that this machine signs. The target verifies it with the
// key set, which is an http.Handler.
func Example() {
	key, err := authctx.GenerateKey(authctx.EdDSA)
	if err != nil {
		fmt.Println(err)
		return
	}
	minter, err := authctx.NewMinter(authctx.MintOptions{Key: key, Issuer: "https://rig.example", Audience: []string{"game"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	policy, err := authctx.NewPolicy(authctx.PolicyOptions{Scope: authctx.ScopeWorld, Tokens: minter})
	if err != nil {
		fmt.Println(err)
		return
	}

	p := &player{authctx.Identity{UserID: "u-1", Organization: "acme", Project: "morpheus", World: "w-7"}}
	auth := policy.ForComponent(backpack{p}) // goes into messages.Connect
	h, err := auth.HandshakeHeaders(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h.Get("x-m2-organization-id"), h.Get("x-m2-project-id"), h.Get("x-m2-world-id"))
	fmt.Println(strings.Count(h.Get("Authorization"), "."), "dots in a JWT")

	p.id.World = "" // evaluated afresh at the next Connect or Reconnect
	_, err = auth.HandshakeHeaders(context.Background())
	fmt.Println(err)
	// Output:
	// acme morpheus w-7
	// 2 dots in a JWT
	// scope world with a token: missing world id
}

func ExampleToken() {
	token, err := authctx.NewToken("eyJhbGciOi.J9eyJ1c2V.yX2lkIjoi", time.Now().Add(5*time.Minute))
	fmt.Println(token, err)
	fmt.Printf("%+v %q %x %#v\n", token, token, token, token)
	// Output:
	// REDACTED <nil>
	// REDACTED REDACTED REDACTED REDACTED
}

func ExampleParseScope() {
	_, err := authctx.ParseScope("wolrd")
	fmt.Println(err)
	// Output:
	// bad option: scope: got "wolrd", want one of none, organization, project, world, launch_context: did you mean "world"?
}
