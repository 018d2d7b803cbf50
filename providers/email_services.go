package providers

import (
	"maps"
	"slices"
)

// mailService is one row of the table of services that take mails over HTTP
// (POST). Its texts may hold the names of what is told of a mail, in braces: see
// [mailTexts]. A part of a body whose text comes out empty is left out.
type mailService struct {
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
	options []presetOption
	// ownLetter says that the vendor keeps the letter and its sender: it gets the
	// link alone.
	ownLetter bool
	// differs is for docs/providers.md.
	differs string
}

var bearerKey = map[string]string{"Authorization": "Bearer {key}"}

// mailServices are those of Auth.js v5, by their ids there. Where a vendor would
// lead links over a counter of its own, the row says not to: it would know every
// link, and scanners follow it.
var mailServices = map[string]mailService{
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
		options: []presetOption{{name: "message_stream", use: "the stream of the server", value: "outbound"}},
		differs: "Links and openings are not tracked.",
	},
	"mailgun": {
		name: "Mailgun", endpoint: "https://{host}/v3/{domain}/messages", basic: "api:{key}",
		form: map[string]string{
			"from": "{from}", "to": "{to}", "h:Reply-To": "{reply_to}",
			"subject": "{subject}", "text": "{text}", "html": "{html}", "o:tracking": "no",
		},
		options: []presetOption{
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
		options:   []presetOption{{name: "transactional_id", use: "the id of the mail at the vendor, whose text has the variable url", required: true}},
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

// mailNodemailer is v5's id for mails over SMTP.
const mailNodemailer = "nodemailer"

// MailServiceNames returns the names of the services that take mails over HTTP,
// sorted: keywords in the Caddyfile, and Auth.js v5's provider ids.
func MailServiceNames() []string { return slices.Sorted(maps.Keys(mailServices)) }

// MailServiceInfo describes such a service to people who write a configuration.
type MailServiceInfo struct {
	// Name is the keyword, and the default id; Display is the vendor's name.
	Name, Display string
	// Options are what the service asks for besides the key.
	Options []PresetOption
	// Differs says what is otherwise than in Auth.js.
	Differs string
}

// MailServices describes all of them, sorted by name.
func MailServices() []MailServiceInfo {
	all := make([]MailServiceInfo, 0, len(mailServices))
	for _, name := range MailServiceNames() {
		row := mailServices[name]
		info := MailServiceInfo{Name: name, Display: row.name, Differs: row.differs}
		for _, o := range row.options {
			info.Options = append(info.Options, PresetOption{Name: o.name, Use: o.use, Default: o.value, Required: o.required})
		}
		all = append(all, info)
	}
	return all
}
