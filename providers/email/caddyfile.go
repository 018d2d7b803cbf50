package email

import (
	"cmp"
	"maps"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/providers"
)

// UnmarshalCaddyfile reads a provider block. Syntax:
//
//	email {
//		id       <id>
//		name     <name>
//		from     <address|"Name <address>">
//		reply_to <address|"Name <address>">
//		subject  <template>
//		smtp     <host[:port]> [{
//			username        <name>
//			password        <password>
//			tls             starttls|implicit|off|insecure_off
//			auth            plain|login|cram-md5|scram-sha-1|scram-sha-256|xoauth2
//			tls_server_name <name>
//			tls_trust_pool  <module> ...
//			dial_timeout    <duration>
//			timeout         <duration>
//			send_timeout    <duration>
//		}]
//		max_age  <duration>
//		confirm  on|off
//		templates {
//			html <file>
//			text <file>
//		}
//		limit {
//			address <mails> <duration>
//			client  <mails> <duration>
//			total   <mails> <duration>
//		}
//	}
//	nodemailer {
//		<as email>
//	}
//	resend|sendgrid|postmark|mailgun|loops|forwardemail [<key>] {
//		key              <key>
//		message_stream   <name>
//		region           us|eu
//		domain           <domain>
//		transactional_id <id>
//		endpoint         <url>
//		transport {
//			<as in reverse_proxy's transport http>
//		}
//		<as email, without smtp>
//	}
//
// A service has those of the options between key and endpoint that its row in
// docs/providers.md names.
func (p *Provider) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	line, keyword := d.Token(), d.Val()
	options := p.options()
	switch _, isService := services[keyword]; {
	case isService:
		p.ID, p.API = keyword, &API{Service: keyword}
		maps.Copy(options, p.API.options())
		if d.NextArg() {
			p.API.Key = d.Val()
		}
	case keyword == nodemailer:
		p.ID = keyword
		fallthrough
	default:
		options["smtp"] = p.unmarshalSMTP
	}
	if d.NextArg() {
		return d.Err(p.argumentHint(keyword, d.Val()))
	}
	if err := directive.Read(d, options); err != nil {
		return err
	}
	id := p.ID
	id = cmp.Or(id, "email")
	if err := p.check(); err != nil {
		return directive.At(line, providers.Named(id, err))
	}
	if p.Subject != "" {
		if _, err := newLetter(p.Subject, Templates{}); err != nil {
			return directive.At(line, providers.Named(id, err))
		}
	}
	return nil
}

func (p *Provider) argumentHint(keyword, word string) string {
	if p.API != nil {
		return keyword + " takes the key alone: from stands in its block"
	}
	return keyword + " takes no arguments: write from and smtp in its block, and `id " + word + "` to name the provider"
}

// options are those that every way of sending has.
func (p *Provider) options() directive.Options {
	return directive.Options{
		"id":        directive.One(&p.ID),
		"name":      directive.One(&p.Name),
		"from":      directive.One(&p.From),
		"reply_to":  directive.One(&p.ReplyTo),
		"subject":   directive.One(&p.Subject),
		"confirm":   directive.One(&p.Confirm),
		"max_age":   directive.Duration(&p.MaxAge, 1),
		"templates": directive.Inner(directive.Options{"html": directive.One(&p.Templates.HTML), "text": directive.One(&p.Templates.Text)}),
		"limit": directive.Inner(directive.Options{
			"address": budget(&p.Limit.Address), "client": budget(&p.Limit.Client), "total": budget(&p.Limit.Total),
		}),
	}
}

// options are those of the service alone.
func (a *API) options() directive.Options {
	options := directive.Options{
		"key":       directive.One(&a.Key),
		"endpoint":  directive.One(&a.Endpoint),
		"transport": outgoing.TransportOption(&a.TransportRaw),
	}
	for _, own := range services[a.Service].options {
		options[own.name] = directive.Entry(&a.Options)
	}
	return options
}

func (p *Provider) unmarshalSMTP(d *caddyfile.Dispenser) error {
	p.SMTP = new(SMTP)
	if !d.NextArg() {
		return d.Err("smtp needs the mail server: smtp mail.example.com:587")
	}
	p.SMTP.Server = d.Val()
	if d.NextArg() {
		return d.Errf("unexpected %q: smtp takes one server; username, password and tls stand in its block", d.Val())
	}
	return directive.Read(d, directive.Options{
		"username":        directive.One(&p.SMTP.Username),
		"password":        directive.One(&p.SMTP.Password),
		"tls":             directive.One(&p.SMTP.TLS),
		"auth":            directive.One(&p.SMTP.Auth),
		"tls_server_name": directive.One(&p.SMTP.TLSServerName),
		"tls_trust_pool":  directive.TrustPool(&p.SMTP.CARaw),
		"dial_timeout":    directive.Duration(&p.SMTP.DialTimeout, 1),
		"timeout":         directive.Duration(&p.SMTP.Timeout, 1),
		"send_timeout":    directive.Duration(&p.SMTP.SendTimeout, 1),
	})
}

func budget(into *Budget) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		name, args := d.Val(), d.RemainingArgs()
		if len(args) != 2 {
			return d.Errf("%s needs a number of mails and a duration: %s 5 15m", name, name)
		}
		most, err := strconv.Atoi(args[0])
		if err != nil || most < 1 {
			return d.Errf("%s %q must be a number of mails of 1 or more", name, args[0])
		}
		per, err := caddy.ParseDuration(args[1])
		if err != nil || per <= 0 {
			return d.Errf("%s %q must be a duration such as 15m", name, args[1])
		}
		into.Most, into.Per = most, caddy.Duration(per)
		return nil
	}
}

var _ caddyfile.Unmarshaler = (*Provider)(nil)
