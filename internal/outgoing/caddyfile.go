package outgoing

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// TransportOption reads a block with the settings of reverse_proxy's transport http, as
// an option of a Caddyfile, into the field TransportRaw of a module.
func TransportOption(field *json.RawMessage) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		segment := d.NextSegment()
		if len(segment) < 2 || segment[1].Text != "{" {
			return d.Errf("transport takes a block, as in: transport { tls_trust_pool file /etc/ssl/corp.pem }")
		}
		var settings reverseproxy.HTTPTransport
		if err := settings.UnmarshalCaddyfile(caddyfile.NewDispenser(segment)); err != nil {
			return err
		}
		*field = caddyconfig.JSONModuleObject(settings, "protocol", "http", nil)
		return nil
	}
}
