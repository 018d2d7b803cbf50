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
func (e *Provider) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	line, keyword := d.Token(), d.Val()
	options := e.options()
	switch _, isService := services[keyword]; {
	case isService:
		e.ID, e.API = keyword, &API{Service: keyword}
		maps.Copy(options, e.API.options())
		if d.NextArg() {
			e.API.Key = d.Val()
		}
	case keyword == nodemailer:
		e.ID = keyword
		fallthrough
	default:
		options["smtp"] = e.unmarshalSMTP
	}
	if d.NextArg() {
		return d.Err(e.argumentHint(keyword, d.Val()))
	}
	if err := directive.Read(d, options); err != nil {
		return err
	}
	id := e.ID
	id = cmp.Or(id, "email")
	if err := e.check(); err != nil {
		return directive.At(line, providers.Named(id, err))
	}
	if e.Subject != "" {
		if _, err := newLetter(e.Subject, Templates{}); err != nil {
			return directive.At(line, providers.Named(id, err))
		}
	}
	return nil
}

func (e *Provider) argumentHint(keyword, word string) string {
	if e.API != nil {
		return keyword + " takes the key alone: from stands in its block"
	}
	return keyword + " takes no arguments: write from and smtp in its block, and `id " + word + "` to name the provider"
}

// options are those that every way of sending has.
func (e *Provider) options() directive.Options {
	return directive.Options{
		"id":        directive.One(&e.ID),
		"name":      directive.One(&e.Name),
		"from":      directive.One(&e.From),
		"reply_to":  directive.One(&e.ReplyTo),
		"subject":   directive.One(&e.Subject),
		"confirm":   directive.One(&e.Confirm),
		"max_age":   directive.Duration(&e.MaxAge, 1),
		"templates": directive.Inner(directive.Options{"html": directive.One(&e.Templates.HTML), "text": directive.One(&e.Templates.Text)}),
		"limit": directive.Inner(directive.Options{
			"address": budget(&e.Limit.Address), "client": budget(&e.Limit.Client), "total": budget(&e.Limit.Total),
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

func (e *Provider) unmarshalSMTP(d *caddyfile.Dispenser) error {
	e.SMTP = new(SMTP)
	if !d.NextArg() {
		return d.Err("smtp needs the mail server: smtp mail.example.com:587")
	}
	e.SMTP.Server = d.Val()
	if d.NextArg() {
		return d.Errf("unexpected %q: smtp takes one server; username, password and tls stand in its block", d.Val())
	}
	return directive.Read(d, directive.Options{
		"username":        directive.One(&e.SMTP.Username),
		"password":        directive.One(&e.SMTP.Password),
		"tls":             directive.One(&e.SMTP.TLS),
		"auth":            directive.One(&e.SMTP.Auth),
		"tls_server_name": directive.One(&e.SMTP.TLSServerName),
		"tls_trust_pool":  directive.TrustPool(&e.SMTP.CARaw),
		"dial_timeout":    directive.Duration(&e.SMTP.DialTimeout, 1),
		"timeout":         directive.Duration(&e.SMTP.Timeout, 1),
		"send_timeout":    directive.Duration(&e.SMTP.SendTimeout, 1),
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
