package profile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/directive"
)

// Unmarshal reads the block profile of a Caddyfile.
func (m *Map) Unmarshal(d *caddyfile.Dispenser) error {
	return directive.Inner(directive.Options{
		"id": directive.Alternatives(&m.ID), "name": directive.Alternatives(&m.Name), "email": directive.Alternatives(&m.Email),
		"email_verified": directive.Alternatives(&m.EmailVerified), "image": directive.Alternatives(&m.Image), "groups": directive.Alternatives(&m.Groups),
	})(d)
}
