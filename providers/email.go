package providers

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/internal/queue"
)

func init() {
	caddy.RegisterModule(new(Email))
}

// The lives that a link may have: requirement I4 bounds them by a day.
const (
	defaultLinkLife = 30 * time.Minute
	maxLinkLife     = 24 * time.Hour
)

// Email signs people in by a link in a mail, which proves that they read the
// address's mail: the address is the account's id, and counts as verified.
//
// Whether or not a link may go to an address, the mail server is asked in the
// same way, up to and including whether it takes a message to it. So a server
// that is down, or refuses, is told at once, and neither the answer nor its time
// tells who may come in. The message follows in the background, over the same
// connection; the number of connections is bounded. A service that takes mails
// over HTTP is asked only whether it is there.
type Email struct {
	// The provider id: the last path segment of its endpoints. Default: email, or
	// the name of the service in api.
	ID string `json:"id,omitempty"`

	// The name that clients show. Default: Email.
	Name string `json:"name,omitempty"`

	// Who the mail is from: an address, or "Name <address>". Placeholders are
	// expanded. Default: none, required but for the service loops.
	From string `json:"from,omitempty"`

	// Where answers go. Placeholders are expanded. Default: to from.
	ReplyTo string `json:"reply_to,omitempty"`

	// The subject, a Go template with the fields of [Link].
	// Default: Sign in to {{.Site}}.
	Subject string `json:"subject,omitempty"`

	// The mail server. Default: none, required unless there is api.
	SMTP *SMTP `json:"smtp,omitempty"`

	// A service that takes mails over HTTP, instead of smtp. Default: none.
	API *MailAPI `json:"api,omitempty"`

	// How long a link works, at most 24h. Default: 30m.
	MaxAge caddy.Duration `json:"max_age,omitempty"`

	// on: a link opens a page whose button signs in, so that programs that open
	// every link in a mail spend none. off: opening the link signs in, as in
	// NextAuth. Default: on.
	Confirm string `json:"confirm,omitempty"`

	// Files with Go templates for the parts of the mail, which get the fields of
	// [Link]. Default: the built-in ones.
	Templates MailTemplates `json:"templates,omitzero"`

	// How many links may be asked for. Default: see its fields.
	Limit MailLimits `json:"limit,omitzero"`

	from     mail.Address
	replyTo  *mail.Address
	letter   *letter
	sender   Sender
	turns    *queue.Queue
	underway sync.WaitGroup
	logger   *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (*Email) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  Namespace + ".email",
		New: func() caddy.Module { return new(Email) },
	}
}

// Provision fills in the defaults and reads the templates. It talks to no server.
func (e *Email) Provision(ctx caddy.Context) error {
	e.logger = ctx.Logger()
	e.setDefaults()
	if err := e.check(); err != nil {
		return fmt.Errorf("provider %q: %w", e.ID, err)
	}
	steps := []func(caddy.Context) error{e.provisionAddresses, e.provisionLetter, e.provisionSender}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return fmt.Errorf("provider %q: %w", e.ID, err)
		}
	}
	e.turns = queue.New(maxTransactions, maxWaiting, e.answerTimeout())
	return nil
}

func (e *Email) setDefaults() {
	setDefault(&e.ID, e.defaultID())
	setDefault(&e.Name, "Email")
	setDefault(&e.Subject, "Sign in to {{.Site}}")
	setDefault(&e.Confirm, "on")
	if e.MaxAge == 0 {
		e.MaxAge = caddy.Duration(defaultLinkLife)
	}
	for _, limit := range []struct {
		budget *Budget
		most   int
		per    time.Duration
	}{
		{&e.Limit.Address, 5, 15 * time.Minute},
		{&e.Limit.Client, 30, 15 * time.Minute},
		{&e.Limit.Total, 1000, time.Hour},
	} {
		if limit.budget.Most == 0 {
			limit.budget.Most = limit.most
		}
		if limit.budget.Per == 0 {
			limit.budget.Per = caddy.Duration(limit.per)
		}
	}
}

// check says what is wrong with the written values, placeholders aside.
func (e *Email) check() error {
	switch {
	case e.SMTP != nil && e.API != nil:
		return errors.New("smtp and api can't be combined: give each an email block of its own, with an id line")
	case e.From == "" && !e.ownLetter():
		return errors.New(`from is missing: write who the mail is from, such as from "Example <no-reply@example.com>"`)
	case e.SMTP == nil && e.API == nil:
		return errors.New("smtp is missing: write your mail server, such as smtp mail.example.com:587")
	case e.Confirm != "" && e.Confirm != "on" && e.Confirm != "off":
		return fmt.Errorf("confirm must be on or off, not %q", e.Confirm)
	case e.MaxAge < 0 || (e.MaxAge > 0 && e.MaxAge < caddy.Duration(time.Second)) || e.MaxAge > caddy.Duration(maxLinkLife):
		return errors.New("max_age must be between 1s and 24h: a link in a mailbox is a key to the account")
	}
	for name, limit := range map[string]Budget{"address": e.Limit.Address, "client": e.Limit.Client, "total": e.Limit.Total} {
		if limit.Most < 0 || limit.Per < 0 {
			return fmt.Errorf("limit %s must be a number of mails and a duration, such as limit %s 5 15m", name, name)
		}
	}
	for name, raw := range map[string]string{"from": e.From, "reply_to": e.ReplyTo} {
		if raw != "" && !strings.Contains(raw, "{") {
			if _, err := parseMailbox(raw); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if e.API != nil {
		return e.API.check(e.From)
	}
	return e.SMTP.check()
}

// ownLetter says that the service writes the mail.
func (e *Email) ownLetter() bool { return e.API != nil && mailServices[e.API.Service].ownLetter }

func (e *Email) defaultID() string {
	if e.API != nil {
		return e.API.Service
	}
	return "email"
}

func (e *Email) provisionAddresses(caddy.Context) error {
	from, replyTo := e.From, e.ReplyTo
	if err := directive.Expand("from", &from); err != nil {
		return err
	}
	if err := directive.Expand("reply_to", &replyTo); err != nil {
		return err
	}
	var err error
	if from != "" {
		if e.from, err = parseMailbox(from); err != nil {
			return fmt.Errorf("from: %w", err)
		}
	}
	if replyTo == "" {
		return nil
	}
	answers, err := parseMailbox(replyTo)
	if err != nil {
		return fmt.Errorf("reply_to: %w", err)
	}
	e.replyTo = &answers
	return nil
}

// parseMailbox reads an address of the operator's, with or without a name
// (RFC 5322 section 3.4). The local part keeps its case; the domain is in ASCII,
// as a server without SMTPUTF8 wants it (RFC 6531).
func parseMailbox(raw string) (mail.Address, error) {
	parsed, err := mail.ParseAddress(raw)
	if err != nil {
		return mail.Address{}, fmt.Errorf(`%q is not an address: write no-reply@example.com or "Example <no-reply@example.com>"`, excerpt.Of(raw))
	}
	plain, err := address.ParseCased(parsed.Address)
	if err != nil {
		return mail.Address{}, fmt.Errorf("%q: %w", excerpt.Of(parsed.Address), err)
	}
	return mail.Address{Name: parsed.Name, Address: plain}, nil
}

func (e *Email) provisionLetter(caddy.Context) error {
	var err error
	e.letter, err = newLetter(e.Subject, e.Templates)
	return err
}

func (e *Email) provisionSender(ctx caddy.Context) error {
	if e.API != nil {
		sender, err := e.API.provision(ctx, e.from.Address)
		e.sender = sender
		return err
	}
	sender, err := e.SMTP.provision(ctx)
	if err != nil {
		return err
	}
	if e.SMTP.TLS == tlsInsecureOff {
		e.logger.Warn("smtp: tls insecure_off: whoever sits between this server and the mail server reads the links and the password, and can sign in as anyone",
			zap.String("provider", e.ID), zap.String("server", sender.address))
	}
	e.sender = sender
	return nil
}

// answerTimeout bounds what the visitor waits for, sendTimeout the rest.
func (e *Email) answerTimeout() time.Duration {
	if e.SMTP == nil {
		return defaultAnswerTimeout
	}
	return e.SMTP.answerTimeout()
}

func (e *Email) sendTimeout() time.Duration {
	if e.SMTP == nil {
		return defaultSendTimeout
	}
	return e.SMTP.sendTimeout()
}

// cleanupWait is how long an unloaded configuration waits for its last mails.
const cleanupWait = 5 * time.Second

// Cleanup waits a little for the messages that are under way.
func (e *Email) Cleanup() error {
	done := make(chan struct{})
	go func() {
		e.underway.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-time.After(cleanupWait):
		return fmt.Errorf("provider %q: messages are still being handed to the mail server after %s: they may be lost", e.ID, cleanupWait)
	}
}

// Info implements [Provider].
func (e *Email) Info() Info { return Info{ID: e.ID, Name: e.Name, Type: TypeEmail, Public: true} }

// LinkLife implements [Mailer].
func (e *Email) LinkLife() time.Duration { return time.Duration(e.MaxAge) }

// Confirms implements [Mailer].
func (e *Email) Confirms() bool { return e.Confirm != "off" }

// Limits implements [Mailer].
func (e *Email) Limits() MailLimits { return e.Limit }

// What one provider does at a time: connections to the mail server, and
// visitors who wait for one.
const (
	maxTransactions = 16
	maxWaiting      = 64
)

var errMailBusy = errors.New("too many messages at once: the mail server is too slow for what is asked of it")

// Offer implements [Mailer].
func (e *Email) Offer(ctx context.Context, address string) (Offer, error) {
	ctx, cancel := context.WithTimeout(ctx, e.answerTimeout())
	defer cancel()
	if err := e.acquire(ctx); err != nil {
		return nil, err
	}
	transaction, err := e.sender.Begin(ctx, e.from.Address, address)
	if err != nil {
		e.release()
		return nil, err
	}
	return &mailOffer{email: e, to: address, transaction: transaction}, nil
}

func (e *Email) acquire(ctx context.Context) error {
	if err := e.turns.Acquire(ctx); err != nil {
		return errMailBusy
	}
	e.underway.Add(1)
	return nil
}

func (e *Email) release() {
	e.turns.Release()
	e.underway.Done()
}

// mailOffer is the server's readiness for one message.
type mailOffer struct {
	email       *Email
	to          string
	transaction Transaction
}

// Send implements [Offer].
func (o *mailOffer) Send(ctx context.Context, link Link) error {
	defer o.email.release()
	message, err := o.email.letter.write(link)
	if err != nil {
		o.transaction.Abort()
		return err
	}
	message.From, message.ReplyTo, message.To = o.email.from, o.email.replyTo, o.to
	ctx, cancel := context.WithTimeout(ctx, o.email.sendTimeout())
	defer cancel()
	return o.transaction.Send(ctx, message) //nolint:wrapcheck // it says what was being done
}

// Withdraw implements [Offer].
func (o *mailOffer) Withdraw() {
	defer o.email.release()
	o.transaction.Abort()
}

var (
	_ caddy.Module       = (*Email)(nil)
	_ caddy.Provisioner  = (*Email)(nil)
	_ caddy.CleanerUpper = (*Email)(nil)
	_ Mailer             = (*Email)(nil)
	_ Offer              = (*mailOffer)(nil)
)
