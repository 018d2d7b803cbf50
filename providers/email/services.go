package email

import (
	"maps"
	"slices"
)

// service is one row of the table of services that take mails over HTTP
// (POST). Its texts may hold the names of what is told of a mail, in braces: see
// [textsOf]. A part of a body whose text comes out empty is left out.
type service struct {
	// name is the vendor's.
	name string
	// endpoint is where mails are handed over.
	endpoint string
	// header authenticates, with {key}; basic is user:password instead.
	header map[string]string
	basic  string
	// json or form is the body.
	json map[string]any
	form map[string]string
	// options are what else the operator says.
	options []option
	// ownLetter says that the vendor keeps the letter and its sender: it gets the
	// link alone.
	ownLetter bool
	// differs is for docs/providers.md.
	differs string
}

// option is a value that a service needs to know from the operator.
type option struct {
	name string
	// use says what it is; value is the default.
	use, value string
	required   bool
	// choices are the values that it may have, and what each stands for in the row's
	// texts. Without any, the value stands for itself.
	choices map[string]map[string]string
}

var bearerKey = map[string]string{"Authorization": "Bearer {key}"}

// services are those of Auth.js v5, by their ids there. Where a vendor would
// lead links over a counter of its own, the row says not to: it would know every
// link, and scanners follow it.
var services = map[string]service{
	"resend": {
		name: "Resend", endpoint: "https://api.resend.com/emails", header: bearerKey,
		json: map[string]any{
			"from": "{from}", "to": []any{"{to}"}, "reply_to": "{reply_to}",
			"subject": "{subject}", "text": "{text}", "html": "{html}",
		},
		differs: "Switch click tracking off for the domain: here it can't be said.",
	},
	"sendgrid": {
		name: "SendGrid", endpoint: "https://api.sendgrid.com/v3/mail/send", header: bearerKey,
		json: map[string]any{
			"personalizations": []any{map[string]any{"to": []any{map[string]any{"email": "{to}"}}}},
			"from":             map[string]any{"email": "{from_address}", "name": "{from_name}"},
			"reply_to":         map[string]any{"email": "{reply_to_address}", "name": "{reply_to_name}"},
			"subject":          "{subject}",
			"content": []any{
				map[string]any{"type": "text/plain", "value": "{text}"},
				map[string]any{"type": "text/html", "value": "{html}"},
			},
			"tracking_settings": map[string]any{
				"click_tracking": map[string]any{"enable": false, "enable_text": false},
				"open_tracking":  map[string]any{"enable": false},
			},
		},
		differs: "Links and openings are not tracked, and a name in `from` arrives as one.",
	},
	"postmark": {
		name: "Postmark", endpoint: "https://api.postmarkapp.com/email",
		header: map[string]string{"X-Postmark-Server-Token": "{key}"},
		json: map[string]any{
			"From": "{from}", "To": "{to}", "ReplyTo": "{reply_to}", "Subject": "{subject}",
			"TextBody": "{text}", "HtmlBody": "{html}", "MessageStream": "{message_stream}",
			"TrackOpens": false, "TrackLinks": "None",
		},
		options: []option{{name: "message_stream", use: "the stream of the server", value: "outbound"}},
		differs: "Links and openings are not tracked.",
	},
	"mailgun": {
		name: "Mailgun", endpoint: "https://{host}/v3/{domain}/messages", basic: "api:{key}",
		form: map[string]string{
			"from": "{from}", "to": "{to}", "h:Reply-To": "{reply_to}",
			"subject": "{subject}", "text": "{text}", "html": "{html}", "o:tracking": "no",
		},
		options: []option{
			{name: "region", use: "us or eu: where the account is", value: "us", choices: map[string]map[string]string{
				"us": {"host": "api.mailgun.net"}, "eu": {"host": "api.eu.mailgun.net"},
			}},
			{name: "domain", use: "the sending domain, when it isn't that of `from`"},
		},
		differs: "Links are not tracked. `from` stands as written; v5 makes a name of the provider's.",
	},
	"loops": {
		name: "Loops", endpoint: "https://app.loops.so/api/v1/transactional", header: bearerKey,
		json: map[string]any{
			"transactionalId": "{transactional_id}", "email": "{to}", "dataVariables": map[string]any{"url": "{url}"},
		},
		options:   []option{{name: "transactional_id", use: "the id of the mail at the vendor, whose text has the variable url", required: true}},
		ownLetter: true,
	},
	"forwardemail": {
		name: "Forward Email", endpoint: "https://api.forwardemail.net/v1/emails", basic: "{key}:",
		json: map[string]any{
			"from": "{from}", "to": "{to}", "replyTo": "{reply_to}",
			"subject": "{subject}", "text": "{text}", "html": "{html}",
		},
	},
}

// nodemailer is v5's id for mails over SMTP.
const nodemailer = "nodemailer"

// ServiceNames returns the names of the services that take mails over HTTP,
// sorted: keywords in the Caddyfile, and Auth.js v5's provider ids.
func ServiceNames() []string { return slices.Sorted(maps.Keys(services)) }

// ServiceInfo describes such a service to people who write a configuration.
type ServiceInfo struct {
	// Name is the keyword, and the default id; Display is the vendor's name.
	Name, Display string
	// Options are what the service asks for besides the key.
	Options []ServiceOption
	// Differs says what is otherwise than in Auth.js.
	Differs string
}

// ServiceOption is an option of a service.
type ServiceOption struct {
	// Name is how the option is written, Use what it is.
	Name, Use string
	// Default is used when the option isn't written.
	Default string
	// Required says that the service doesn't work without it.
	Required bool
}

// Services describes all of them, sorted by name.
func Services() []ServiceInfo {
	all := make([]ServiceInfo, 0, len(services))
	for _, name := range ServiceNames() {
		row := services[name]
		info := ServiceInfo{Name: name, Display: row.name, Differs: row.differs}
		for _, o := range row.options {
			info.Options = append(info.Options, ServiceOption{Name: o.name, Use: o.use, Default: o.value, Required: o.required})
		}
		all = append(all, info)
	}
	return all
}
