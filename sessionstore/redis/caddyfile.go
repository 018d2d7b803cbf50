package redis

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
)

// UnmarshalCaddyfile sets up the store from Caddyfile tokens. Syntax:
//
//	redis <url...> {
//		cluster
//		sentinel <master> {
//			username <user>
//			password <password>
//		}
//		username <user>
//		password <password>
//		tls {
//			trust_pool           <module> ...
//			client_auth          <cert_file> <key_file>
//			server_name          <name>
//			insecure_skip_verify
//		}
//		prefix <prefix>
//	}
//
// A URL is redis://host:6379/0, rediss://host:6379/0 or unix:///path?db=0; write
// {env.REDIS_URL} for one that holds a password. Several mean a cluster, or the
// sentinels.
func (r *Redis) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the module's name
	r.URLs = d.RemainingArgs()
	if err := parseBlock(d, "redis", r, words); err != nil {
		return err
	}
	if err := r.checkLiterals(); err != nil {
		return d.WrapErr(fmt.Errorf("redis: %w", err))
	}
	return nil
}

// checkLiterals refuses what provisioning will, as far as it can be told while
// placeholders are not known; here the message gets file and line.
func (r *Redis) checkLiterals() error {
	isPlaceholder := func(text string) bool { return strings.Contains(text, "{") }
	literal := *r
	for _, field := range []*string{&literal.Username, &literal.Password} {
		if isPlaceholder(*field) {
			*field = ""
		}
	}
	literal.URLs = slices.DeleteFunc(slices.Clone(r.URLs), isPlaceholder)
	if literal.Sentinel != nil {
		literal.Sentinel = &Sentinel{Master: "known later"}
	}
	if len(literal.URLs) < len(r.URLs) || (r.Sentinel != nil && r.Sentinel.Master == "") {
		return r.check()
	}
	_, err := literal.resolve()
	return err
}

// word reads one line, or block, into a T.
type word[T any] func(d *caddyfile.Dispenser, into *T) error

var words = map[string]word[Redis]{
	"cluster":  func(d *caddyfile.Dispenser, r *Redis) error { return flag(d, &r.Cluster) },
	"sentinel": parseSentinel,
	"username": func(d *caddyfile.Dispenser, r *Redis) error { return oneArg(d, &r.Username) },
	"password": func(d *caddyfile.Dispenser, r *Redis) error { return oneArg(d, &r.Password) },
	"tls": func(d *caddyfile.Dispenser, r *Redis) error {
		if d.NextArg() {
			return d.Errf("redis: tls takes a block, with one of %s on each line", strings.Join(slices.Sorted(maps.Keys(tlsWords)), ", "))
		}
		r.TLS = new(TLS)
		return parseBlock(d, "redis: tls", r.TLS, tlsWords)
	},
	"prefix": func(d *caddyfile.Dispenser, r *Redis) error {
		if err := oneArg(d, &r.Prefix); err != nil {
			return err
		}
		if err := checkPrefix(r.Prefix); err != nil {
			return d.WrapErr(fmt.Errorf("redis: %w", err))
		}
		return nil
	},
}

var sentinelWords = map[string]word[Sentinel]{
	"username": func(d *caddyfile.Dispenser, s *Sentinel) error { return oneArg(d, &s.Username) },
	"password": func(d *caddyfile.Dispenser, s *Sentinel) error { return oneArg(d, &s.Password) },
}

var tlsWords = map[string]word[TLS]{
	"trust_pool": parseTrustPool,
	"client_auth": func(d *caddyfile.Dispenser, t *TLS) error {
		if !d.AllArgs(&t.ClientCertificateFile, &t.ClientCertificateKeyFile) {
			return d.Err("redis: client_auth needs two files: client_auth <certificate> <key>")
		}
		return nil
	},
	"server_name":          func(d *caddyfile.Dispenser, t *TLS) error { return oneArg(d, &t.ServerName) },
	"insecure_skip_verify": func(d *caddyfile.Dispenser, t *TLS) error { return flag(d, &t.InsecureSkipVerify) },
}

func parseSentinel(d *caddyfile.Dispenser, r *Redis) error {
	r.Sentinel = new(Sentinel)
	if err := oneArg(d, &r.Sentinel.Master); err != nil {
		return err
	}
	return parseBlock(d, "redis: sentinel", r.Sentinel, sentinelWords)
}

func parseTrustPool(d *caddyfile.Dispenser, t *TLS) error {
	if !d.NextArg() {
		return d.Err("redis: trust_pool needs a source, as in trust_pool file /etc/ssl/redis-ca.pem")
	}
	name := d.Val()
	mod, err := caddyfile.UnmarshalModule(d, "tls.ca_pool.source."+name)
	if err != nil {
		return err
	}
	if _, ok := mod.(caddytls.CA); !ok {
		return d.Errf("redis: tls: %s gives no authorities: write one such as file", name)
	}
	t.CARaw = caddyconfig.JSONModuleObject(mod, "provider", name, nil)
	return nil
}

// parseBlock reads the block that follows, if there is one; each of its words
// once.
func parseBlock[T any](d *caddyfile.Dispenser, where string, into *T, known map[string]word[T]) error {
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		parse, ok := known[name]
		if !ok {
			return d.Errf("%s: unknown option %q: write one of %s", where, name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if seen[name] {
			return d.Errf("%s: %s is configured twice", where, name)
		}
		seen[name] = true
		if err := parse(d, into); err != nil {
			return err
		}
	}
	return nil
}

func oneArg(d *caddyfile.Dispenser, into *string) error {
	option, values := d.Val(), d.RemainingArgs()
	if len(values) != 1 {
		return d.Errf("redis: %s needs exactly one value: %s <value>", option, option)
	}
	*into = values[0]
	return nil
}

func flag(d *caddyfile.Dispenser, into *bool) error {
	if option := d.Val(); d.NextArg() {
		return d.Errf("redis: %s takes no value: leave %q out", option, d.Val())
	}
	*into = true
	return nil
}

var _ caddyfile.Unmarshaler = (*Redis)(nil)
