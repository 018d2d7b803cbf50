package redis

import (
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/directive"
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
	block := directive.Section{Name: "redis"}
	if err := block.Read(d, r.options()); err != nil {
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
	literal := *r
	for _, field := range []*string{&literal.Username, &literal.Password} {
		if directive.IsDynamic(*field) {
			*field = ""
		}
	}
	literal.URLs = slices.DeleteFunc(slices.Clone(r.URLs), directive.IsDynamic)
	if literal.Sentinel != nil {
		literal.Sentinel = &Sentinel{Master: "known later"}
	}
	if len(literal.URLs) < len(r.URLs) || (r.Sentinel != nil && r.Sentinel.Master == "") {
		return r.check()
	}
	_, err := literal.resolve()
	return err
}

func (r *Redis) options() directive.Options {
	return directive.Options{
		"cluster":  directive.Flag(&r.Cluster),
		"sentinel": r.readSentinel,
		"username": directive.OneOrEmpty(&r.Username),
		"password": directive.OneOrEmpty(&r.Password),
		"tls":      r.readTLS,
		"prefix":   directive.Checked(&r.Prefix, checkPrefix),
	}
}

func (r *Redis) readTLS(d *caddyfile.Dispenser) error {
	r.TLS = new(TLS)
	return directive.Section{Name: "tls"}.Inner(directive.Options{
		"trust_pool":           directive.TrustPool(&r.TLS.CARaw),
		"client_auth":          r.TLS.readClientAuth,
		"server_name":          directive.OneOrEmpty(&r.TLS.ServerName),
		"insecure_skip_verify": directive.Flag(&r.TLS.InsecureSkipVerify),
	})(d)
}

func (t *TLS) readClientAuth(d *caddyfile.Dispenser) error {
	if !d.AllArgs(&t.ClientCertificateFile, &t.ClientCertificateKeyFile) {
		return d.Err("client_auth needs two files: client_auth <certificate> <key>")
	}
	return nil
}

func (r *Redis) readSentinel(d *caddyfile.Dispenser) error {
	r.Sentinel = new(Sentinel)
	if err := directive.One(&r.Sentinel.Master)(d); err != nil {
		return err
	}
	return directive.Section{Name: "sentinel"}.Read(d, directive.Options{
		"username": directive.OneOrEmpty(&r.Sentinel.Username),
		"password": directive.OneOrEmpty(&r.Sentinel.Password),
	})
}

var _ caddyfile.Unmarshaler = (*Redis)(nil)
