// Package authctx turns who a player is into the headers of its opening handshake: the scope
// headers and, where it is asked for, the delegated bearer token.
//
// It follows the auth context of the M2 Web Socket Connection. An auth context is taken from an
// [Actor], which has an [Identity], or from a [Component], which answers with its owner's. A
// [Policy] says which [Scope] the headers name and where tokens come from, and is shared by all
// players; a [Context] is one player under one policy, three words of memory, and implements
// messages.Authorizer. It is evaluated afresh at every explicit Connect and Reconnect and at no
// other time: nothing here starts a goroutine or a timer.
//
//	scope           headers
//	none            (none)
//	organization    x-m2-organization-id
//	project         x-m2-organization-id, x-m2-project-id
//	world           x-m2-organization-id, x-m2-project-id, x-m2-world-id
//	launch_context  x-m2-organization-id, x-m2-project-id, x-m2-launch-context-id (deprecated)
//
// The token is opt-in and goes into Authorization: Bearer. It comes from a [TokenSource]:
// [Static] (always the same), [Minter] (signed here with a [Key], to be verified with the public
// [KeySet]), [ClientCredentials] (OAuth2, RFC 6749 §4.4), [Endpoint] (any HTTP endpoint that
// answers with JSON). A [Cache] keeps one token for each identity, asks the source once however
// many players of that identity connect at the same time, and renews before the token expires.
//
// A token is a secret. [Token] and [Secret] print REDACTED under every verb of fmt, in slog, in
// JSON and in text; only Reveal gives the bytes. Errors of this package hold neither tokens nor
// keys nor what an endpoint answered. The one thing that does hold the token is the header that
// HandshakeHeaders returns: write it to the socket and forget it.
//
// What may live here: identities, scopes, tokens, their sources and their keys. What may not:
// sockets of the connection under test, actors, metrics, logging, flags, files other than keys and
// key sets, or an import of any package of this module but messages.
package authctx
