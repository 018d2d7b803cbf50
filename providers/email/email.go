// Package email signs people in by a link that it mails. What the link holds, how long it
// is remembered and who may have one is the caller's.
//
// The provider asks its sender, an SMTP server or a service's HTTP interface, whether a
// message is taken, writes the letter, and hands it over in the background.
package email

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/internal/queue"
	"github.com/caddy-signin/caddy-signin/providers"
)

func init() {
	caddy.RegisterModule(new(Provider))
}

// The lives that a link may have. It lies in a mailbox and signs in whoever finds it, so
// that a day is the longest.
const (
	defaultLinkLife = 30 * time.Minute
	maxLinkLife     = 24 * time.Hour
)

// Provider signs people in by a link in a mail, which proves that they read the
// address's mail: the address is the account's id, and counts as verified.
//
// Whether or not a link may go to an address, the mail server is asked in the
// same way, up to and including whether it takes a message to it. So a server
// that is down, or refuses, is told at once, and neither the answer nor its time
// tells who may come in. The message follows in the background, over the same
// connection; the number of connections is bounded. A service that takes mails
// over HTTP is asked only whether it is there.
type Provider struct {
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

	// The subject, a Go template with the fields of [providers.Link].
	// Default: Sign in to {{.Site}}.
	Subject string `json:"subject,omitempty"`

	// The mail server. Default: none, required unless there is api.
	SMTP *SMTP `json:"smtp,omitempty"`

	// A service that takes mails over HTTP, instead of smtp. Default: none.
	API *API `json:"api,omitempty"`

	// How long a link works, at most 24h. Default: 30m.
	MaxAge caddy.Duration `json:"max_age,omitempty"`

	// on: a link opens a page whose button signs in, so that programs that open
	// every link in a mail spend none. off: opening the link signs in, as in
	// NextAuth. Default: on.
	Confirm string `json:"confirm,omitempty"`

	// Files with Go templates for the parts of the mail, which get the fields of
	// [providers.Link]. Default: the built-in ones.
	Templates Templates `json:"templates,omitzero"`

	// How many links may be asked for. Default: see its fields.
	Limit Limits `json:"limit,omitzero"`

	from     mail.Address
	replyTo  *mail.Address
	letter   *letter
	sender   Sender
	turns    *queue.Queue
	underway sync.WaitGroup
	logger   *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (*Provider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  providers.Namespace + ".email",
		New: func() caddy.Module { return new(Provider) },
	}
}

// Provision fills in the defaults and reads the templates. It talks to no server.
func (p *Provider) Provision(ctx caddy.Context) error {
	p.logger = ctx.Logger()
	p.setDefaults()
	if err := p.check(); err != nil {
		return providers.Named(p.ID, err)
	}
	steps := []func(caddy.Context) error{p.provisionAddresses, p.provisionLetter, p.provisionSender}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return providers.Named(p.ID, err)
		}
	}
	p.turns = queue.New(maxTransactions, maxWaiting, p.answerTimeout())
	return nil
}

func (p *Provider) setDefaults() {
	p.ID = cmp.Or(p.ID, p.defaultID())
	p.Name = cmp.Or(p.Name, "Email")
	p.Subject = cmp.Or(p.Subject, "Sign in to {{.Site}}")
	p.Confirm = cmp.Or(p.Confirm, "on")
	if p.MaxAge == 0 {
		p.MaxAge = caddy.Duration(defaultLinkLife)
	}
	p.Limit.setDefaults()
}

// check says what is wrong with the written values, placeholders aside.
func (p *Provider) check() error {
	switch {
	case p.SMTP != nil && p.API != nil:
		return errors.New("smtp and api can't be combined: give each an email block of its own, with an id line")
	case p.From == "" && !p.ownLetter():
		return errors.New(`from is missing: write who the mail is from, such as from "Example <no-reply@example.com>"`)
	case p.SMTP == nil && p.API == nil:
		return errors.New("smtp is missing: write your mail server, such as smtp mail.example.com:587")
	case p.Confirm != "" && p.Confirm != "on" && p.Confirm != "off":
		return fmt.Errorf("confirm must be on or off, not %q", p.Confirm)
	case p.MaxAge < 0 || (p.MaxAge > 0 && p.MaxAge < caddy.Duration(time.Second)) || p.MaxAge > caddy.Duration(maxLinkLife):
		return errors.New("max_age must be between 1s and 24h: a link in a mailbox is a key to the account")
	}
	if err := p.Limit.check(); err != nil {
		return err
	}
	for name, raw := range map[string]string{"from": p.From, "reply_to": p.ReplyTo} {
		if raw != "" && !directive.IsDynamic(raw) {
			if _, err := parseMailbox(raw); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if p.API != nil {
		return p.API.check(p.From)
	}
	return p.SMTP.check()
}

// ownLetter says that the service writes the mail.
func (p *Provider) ownLetter() bool { return p.API != nil && services[p.API.Service].ownLetter }

func (p *Provider) defaultID() string {
	if p.API != nil {
		return p.API.Service
	}
	return "email"
}

func (p *Provider) provisionAddresses(caddy.Context) error {
	from, replyTo := p.From, p.ReplyTo
	if err := directive.Expand("from", &from); err != nil {
		return err
	}
	if err := directive.Expand("reply_to", &replyTo); err != nil {
		return err
	}
	var err error
	if from != "" {
		if p.from, err = parseMailbox(from); err != nil {
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
	p.replyTo = &answers
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

func (p *Provider) provisionLetter(caddy.Context) error {
	var err error
	p.letter, err = newLetter(p.Subject, p.Templates)
	return err
}

func (p *Provider) provisionSender(ctx caddy.Context) error {
	if p.API != nil {
		sender, err := p.API.provision(ctx, p.from.Address)
		p.sender = sender
		return err
	}
	sender, err := p.SMTP.provision(ctx)
	if err != nil {
		return err
	}
	if p.SMTP.TLS == tlsInsecureOff {
		p.logger.Warn("smtp: tls insecure_off: whoever sits between this server and the mail server reads the links and the password, and can sign in as anyone",
			zap.String("provider", p.ID), zap.String("server", sender.address))
	}
	p.sender = sender
	return nil
}

// answerTimeout bounds what the visitor waits for, sendTimeout the rest.
func (p *Provider) answerTimeout() time.Duration {
	if p.SMTP == nil {
		return defaultAnswerTimeout
	}
	return p.SMTP.answerTimeout()
}

func (p *Provider) sendTimeout() time.Duration {
	if p.SMTP == nil {
		return defaultSendTimeout
	}
	return p.SMTP.sendTimeout()
}

// cleanupWait is how long an unloaded configuration waits for its last mails.
const cleanupWait = 5 * time.Second

// Cleanup waits a little for the messages that are under way.
func (p *Provider) Cleanup() error {
	done := make(chan struct{})
	go func() {
		p.underway.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-time.After(cleanupWait):
		return fmt.Errorf("provider %q: messages are still being handed to the mail server after %s: they may be lost", p.ID, cleanupWait)
	}
}

// Info implements [providers.Provider].
func (p *Provider) Info() providers.Info {
	return providers.Info{ID: p.ID, Name: p.Name, Type: providers.TypeEmail, Public: true}
}

// Tells implements [providers.Teller].
func (*Provider) Tells() providers.Parts {
	return providers.Parts{Email: true, Mend: "mailed links tell an address alone"}
}

// Keywords implements [providers.Keyworder]: the services that take mails over HTTP, and
// Auth.js v5's name for mails over SMTP.
func (*Provider) Keywords() []string { return append(ServiceNames(), nodemailer) }

// IsKeyword implements [providers.Keyworder].
func (p *Provider) IsKeyword(word string) bool { return slices.Contains(p.Keywords(), word) }

// Probe implements [providers.Prober]: it asks whether the sender takes a mail, of which
// there is none, and names nobody whom it would be for.
func (p *Provider) Probe(ctx context.Context) []providers.Finding {
	return p.sender.Probe(ctx, p.from.Address)
}

// LinkLife implements [providers.Mailer].
func (p *Provider) LinkLife() time.Duration { return time.Duration(p.MaxAge) }

// Confirms implements [providers.Mailer].
func (p *Provider) Confirms() bool { return p.Confirm != "off" }

// Limits implements [providers.Mailer].
func (p *Provider) Limits() providers.MailLimits {
	return providers.MailLimits{Address: p.Limit.Address.budget(), Client: p.Limit.Client.budget(), Total: p.Limit.Total.budget()}
}

// What one provider does at a time: connections to the mail server, and
// visitors who wait for one.
const (
	maxTransactions = 16
	maxWaiting      = 64
)

var errBusy = errors.New("too many messages at once: the mail server is too slow for what is asked of it")

// Offer implements [providers.Mailer].
func (p *Provider) Offer(ctx context.Context, to string) (providers.Offer, error) {
	ctx, cancel := context.WithTimeout(ctx, p.answerTimeout())
	defer cancel()
	if err := p.acquire(ctx); err != nil {
		return nil, err
	}
	transaction, err := p.sender.Begin(ctx, p.from.Address, to)
	if err != nil {
		p.release()
		return nil, err
	}
	return &offer{email: p, to: to, transaction: transaction}, nil
}

func (p *Provider) acquire(ctx context.Context) error {
	if err := p.turns.Acquire(ctx); err != nil {
		return errBusy
	}
	p.underway.Add(1)
	return nil
}

func (p *Provider) release() {
	p.turns.Release()
	p.underway.Done()
}

// offer is the server's readiness for one message.
type offer struct {
	email       *Provider
	to          string
	transaction Transaction
}

// Send implements [providers.Offer].
func (o *offer) Send(ctx context.Context, link providers.Link) error {
	defer o.email.release()
	message, err := o.email.letter.write(link)
	if err != nil {
		o.transaction.Abort()
		return err
	}
	message.From, message.ReplyTo, message.To = o.email.from, o.email.replyTo, o.to
	ctx, cancel := context.WithTimeout(ctx, o.email.sendTimeout())
	defer cancel()
	return o.transaction.Send(ctx, message)
}

// Withdraw implements [providers.Offer].
func (o *offer) Withdraw() {
	defer o.email.release()
	o.transaction.Abort()
}

var (
	_ caddy.Module        = (*Provider)(nil)
	_ caddy.Provisioner   = (*Provider)(nil)
	_ caddy.CleanerUpper  = (*Provider)(nil)
	_ providers.Mailer    = (*Provider)(nil)
	_ providers.Teller    = (*Provider)(nil)
	_ providers.Keyworder = (*Provider)(nil)
	_ providers.Prober    = (*Provider)(nil)
	_ providers.Offer     = (*offer)(nil)
)
