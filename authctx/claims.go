package authctx

import "time"

// Claims is the payload of a delegated token, in the order it is written. A target that verifies
// tokens reads it back. Scopes and Audience are always arrays, also with one element or none.
type Claims struct {
	Issuer          string   `json:"iss"`
	Audience        []string `json:"aud"`
	Scopes          []string `json:"scopes"`
	UserID          string   `json:"user_id,omitempty"`     // a player's token
	ClientType      string   `json:"client_type,omitempty"` // ue_server in a game server's token
	OrganizationID  string   `json:"organization_id,omitempty"`
	ProjectID       string   `json:"project_id,omitempty"`
	WorldID         string   `json:"world_id,omitempty"`
	LaunchContextID string   `json:"launch_context_id,omitempty"`
	IssuedAt        int64    `json:"iat"` // seconds since 1970, as is exp
	Expiry          int64    `json:"exp"`
}

// claimIDs says which ids the payload of a request's token holds: those of the scope, and the user
// unless it is a game server's.
func claimIDs(req Request) idSet {
	if req.Client == GameServer {
		return req.Scope.ids()
	}
	return req.Scope.ids() | idUser
}

// name fills in who the token is for.
func (c *Claims) name(req Request) {
	id := req.Identity.only(claimIDs(req))
	c.UserID = id.UserID
	c.OrganizationID = id.Organization
	c.ProjectID = id.Project
	c.WorldID = id.World
	c.LaunchContextID = id.LaunchContext
	if req.Client == GameServer {
		c.ClientType = claimGameServer
	}
}

// date fills in when the token is good. iat is rounded down and set back by skew, so that it is in
// the past for a server whose clock is behind; exp - iat is the lifetime exactly, because servers
// limit that difference.
func (c *Claims) date(now time.Time, skew, lifetime time.Duration) {
	c.IssuedAt = now.Add(-skew).Unix()
	c.Expiry = c.IssuedAt + int64(lifetime/time.Second)
}
