package providers

import (
	"context"
	"net/mail"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// Mailer is a provider that signs in by a link that it mails. What the link
// holds, how long it is remembered and who may have one is the caller's.
type Mailer interface {
	Provider
	// LinkLife is how long a link works.
	LinkLife() time.Duration
	// Confirms says that opening a link shows a button, which spends it.
	Confirms() bool
	// Limits are how many links may be asked for.
	Limits() MailLimits
	// Offer asks whether the mail server takes a message now to address, a plain one
	// in lower case. It does the same for every address, so that neither its time nor
	// its answer tells whether a message will follow.
	Offer(ctx context.Context, address string) (Offer, error)
}

// Offer is a mail server that waits for a message. Exactly one of its methods
// is called, once, from any goroutine; each takes its own time.
type Offer interface {
	// Send hands the message with the link over.
	Send(ctx context.Context, link Link) error
	// Withdraw ends the offer without a message.
	Withdraw()
}

// Sender is what takes messages: a mail server, or a service with an interface
// of its own.
type Sender interface {
	// Begin asks whether a message from one address to another is taken now.
	Begin(ctx context.Context, from, to string) (Transaction, error)
	// Probe asks whether messages from an address are taken, as [Prober] says.
	Probe(ctx context.Context, from string) []Finding
}

// Transaction is a message under way. Exactly one of its methods is called.
type Transaction interface {
	// Send hands the message over.
	Send(ctx context.Context, message Message) error
	// Abort ends the transaction without a message.
	Abort()
}

// Message is a mail, ready for any kind of [Sender].
type Message struct {
	From    mail.Address
	ReplyTo *mail.Address
	// To is a plain address in lower case.
	To      string
	Subject string
	Text    string
	HTML    string
	// URL is the link, for services that write the mail themselves.
	URL string
}

// Budget is how many of something are allowed in a span of time that begins
// with the first of them.
type Budget struct {
	// How many. Default: the limit's own.
	Most int `json:"most,omitempty"`
	// In which time. Default: the limit's own.
	Per caddy.Duration `json:"per,omitempty"`
}

// MailLimits are how many links may be asked for. What is asked beyond them is
// answered as ever, and nothing is mailed. The counts are the realm's: all its
// e-mail providers share them.
type MailLimits struct {
	// Per address that a link goes to. Default: 5 in 15m.
	Address Budget `json:"address,omitzero"`
	// Per client address (an IPv6 one counts by its /64). Default: 30 in 15m.
	Client Budget `json:"client,omitzero"`
	// Altogether. Default: 1000 in 1h.
	Total Budget `json:"total,omitzero"`
}
