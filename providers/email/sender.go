package email

import (
	"context"
	"net/mail"

	"github.com/caddy-signin/caddy-signin/providers"
)

// Sender is what takes messages: a mail server, or a service with an interface
// of its own.
type Sender interface {
	// Begin asks whether a message from one address to another is taken now.
	Begin(ctx context.Context, from, to string) (Transaction, error)
	// Probe asks whether messages from an address are taken, as [providers.Prober] says.
	Probe(ctx context.Context, from string) []providers.Finding
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
	// From is the sender whom people see.
	From mail.Address
	// ReplyTo is where answers go; nil: to From.
	ReplyTo *mail.Address
	// To is a plain address in lower case.
	To string
	// Subject is one line of at most 200 bytes.
	Subject string
	// Text and HTML are the letter in its two forms.
	Text, HTML string
	// URL is the link, for services that write the mail themselves.
	URL string
}
