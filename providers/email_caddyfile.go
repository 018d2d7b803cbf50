package providers

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
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
func (e *Email) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	line, keyword := d.Token(), d.Val()
	options := e.options()
	switch _, isService := mailServices[keyword]; {
	case isService:
		e.ID, e.API = keyword, &MailAPI{Service: keyword}
		maps.Copy(options, e.API.options())
		if d.NextArg() {
			e.API.Key = d.Val()
		}
	case keyword == mailNodemailer:
		e.ID = keyword
		fallthrough
	default:
		options["smtp"] = e.unmarshalSMTP
	}
	if d.NextArg() {
		return d.Err(e.argumentHint(keyword, d.Val()))
	}
	if err := parseBlock(d, options); err != nil {
		return err
	}
	id := e.ID
	setDefault(&id, "email")
	if err := e.check(); err != nil {
		return atLine(line, id, err)
	}
	if e.Subject != "" {
		if _, err := newLetter(e.Subject, MailTemplates{}); err != nil {
			return atLine(line, id, err)
		}
	}
	return nil
}

func (e *Email) argumentHint(keyword, word string) string {
	if e.API != nil {
		return keyword + " takes the key alone: from stands in its block"
	}
	return keyword + " takes no arguments: write from and smtp in its block, and `id " + word + "` to name the provider"
}

// options are those that every way of sending has.
func (e *Email) options() map[string]option {
	return map[string]option{
		"id":       oneArg(&e.ID),
		"name":     oneArg(&e.Name),
		"from":     oneArg(&e.From),
		"reply_to": oneArg(&e.ReplyTo),
		"subject":  oneArg(&e.Subject),
		"confirm":  oneArg(&e.Confirm),
		"max_age":  someTime(&e.MaxAge),
		"templates": func(d *caddyfile.Dispenser) error {
			return onlyBlock(d, map[string]option{"html": oneArg(&e.Templates.HTML), "text": oneArg(&e.Templates.Text)})
		},
		"limit": func(d *caddyfile.Dispenser) error {
			return onlyBlock(d, map[string]option{
				"address": budget(&e.Limit.Address), "client": budget(&e.Limit.Client), "total": budget(&e.Limit.Total),
			})
		},
	}
}

// options are those of the service alone.
func (a *MailAPI) options() map[string]option {
	options := map[string]option{
		"key":       oneArg(&a.Key),
		"endpoint":  oneArg(&a.Endpoint),
		"transport": transport(&a.TransportRaw),
	}
	for _, own := range mailServices[a.Service].options {
		options[own.name] = func(d *caddyfile.Dispenser) error {
			var value string
			if err := oneArg(&value)(d); err != nil {
				return err
			}
			if a.Options == nil {
				a.Options = make(map[string]string)
			}
			a.Options[own.name] = value
			return nil
		}
	}
	return options
}

func (e *Email) unmarshalSMTP(d *caddyfile.Dispenser) error {
	e.SMTP = new(SMTP)
	if !d.NextArg() {
		return d.Err("smtp needs the mail server: smtp mail.example.com:587")
	}
	e.SMTP.Server = d.Val()
	if d.NextArg() {
		return d.Errf("unexpected %q: smtp takes one server; username, password and tls stand in its block", d.Val())
	}
	return parseBlock(d, map[string]option{
		"username":        oneArg(&e.SMTP.Username),
		"password":        oneArg(&e.SMTP.Password),
		"tls":             oneArg(&e.SMTP.TLS),
		"auth":            oneArg(&e.SMTP.Auth),
		"tls_server_name": oneArg(&e.SMTP.TLSServerName),
		"tls_trust_pool":  e.SMTP.unmarshalPool,
		"dial_timeout":    someTime(&e.SMTP.DialTimeout),
		"timeout":         someTime(&e.SMTP.Timeout),
		"send_timeout":    someTime(&e.SMTP.SendTimeout),
	})
}

func (s *SMTP) unmarshalPool(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Err("tls_trust_pool needs a source, such as tls_trust_pool file /etc/ssl/corp.pem")
	}
	name := d.Val()
	loaded, err := caddyfile.UnmarshalModule(d, "tls.ca_pool.source."+name)
	if err != nil {
		return err //nolint:wrapcheck // it names file and line already
	}
	source, ok := loaded.(caddytls.CA)
	if !ok {
		return d.Errf("tls_trust_pool %s is no pool of certificates", name)
	}
	s.CARaw = caddyconfig.JSONModuleObject(source, "provider", name, nil)
	return nil
}

func onlyBlock(d *caddyfile.Dispenser, options map[string]option) error {
	if d.CountRemainingArgs() > 0 {
		return d.Errf("%s takes a block, with one of %s on each line", d.Val(), strings.Join(slices.Sorted(maps.Keys(options)), ", "))
	}
	return parseBlock(d, options)
}

func someTime(into *caddy.Duration) option {
	return func(d *caddyfile.Dispenser) error {
		name, text := d.Val(), ""
		if err := oneArg(&text)(d); err != nil {
			return err
		}
		value, err := caddy.ParseDuration(text)
		if err != nil || value <= 0 {
			return d.Errf("%s %q must be a duration such as 30m or 10s", name, text)
		}
		*into = caddy.Duration(value)
		return nil
	}
}

func budget(into *Budget) option {
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

var _ caddyfile.Unmarshaler = (*Email)(nil)
