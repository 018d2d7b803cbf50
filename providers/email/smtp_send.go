package email

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/mail"
	"slices"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/caddy-signin/caddy-signin/providers"
)

// smtpSender is an [SMTP] at work: one connection for each message.
type smtpSender struct {
	address, host, mode      string
	username, password, auth string
	helo                     string
	dialTimeout              time.Duration
	tls                      *tls.Config
}

// smtpLogins makes each way to log in. Whether the connection is encrypted was
// decided before: by tls.
var smtpLogins = map[string]func(s *smtpSender) smtp.Auth{
	"plain":         func(s *smtpSender) smtp.Auth { return smtp.PlainAuth("", s.username, s.password, s.host, true) },
	"login":         func(s *smtpSender) smtp.Auth { return smtp.LoginAuth(s.username, s.password, s.host, true) },
	"cram-md5":      func(s *smtpSender) smtp.Auth { return smtp.CRAMMD5Auth(s.username, s.password) },
	"scram-sha-1":   func(s *smtpSender) smtp.Auth { return smtp.ScramSHA1Auth(s.username, s.password) },
	"scram-sha-256": func(s *smtpSender) smtp.Auth { return smtp.ScramSHA256Auth(s.username, s.password) },
	"xoauth2":       func(s *smtpSender) smtp.Auth { return smtp.XOAuth2Auth(s.username, s.password) },
}

// preferredLogins are tried in this order when auth is not set.
var preferredLogins = []string{"scram-sha-256", "scram-sha-1", "plain", "login", "cram-md5"}

func loginNames() []string { return slices.Sorted(maps.Keys(smtpLogins)) }

// smtpTransaction is a connection on which sender and recipient are accepted.
type smtpTransaction struct {
	sender *smtpSender
	conn   net.Conn
	client *smtp.Client
}

// Begin implements [Sender].
func (s *smtpSender) Begin(ctx context.Context, from, to string) (Transaction, error) {
	t, err := s.begin(ctx, from, to)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Probe implements [Sender]: everything up to the sender's address.
func (s *smtpSender) Probe(ctx context.Context, from string) []providers.Finding {
	t, err := s.begin(ctx, from)
	if err == nil {
		t.Abort()
	}
	return []providers.Finding{{What: "mail from " + from, Err: err}}
}

// begin connects and names the sender, and the recipients.
func (s *smtpSender) begin(ctx context.Context, from string, to ...string) (*smtpTransaction, error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, &mailError{s.address, stepConnect, err}
	}
	defer bound(ctx, conn)()
	if s.mode == tlsImplicit {
		encrypted := tls.Client(conn, s.tls)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, &mailError{s.address, stepTLS, err}
		}
		conn = encrypted
	}
	t := &smtpTransaction{sender: s, conn: conn}
	if err := t.open(from, to); err != nil {
		conn.Close()
		return nil, err
	}
	return t, nil
}

func (s *smtpSender) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.dialTimeout)
	defer cancel()
	return new(net.Dialer).DialContext(ctx, "tcp", s.address)
}

// bound bounds the connection by the context, until the function that it
// returns is called.
func bound(ctx context.Context, conn net.Conn) (stop func()) {
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // fails on a closed connection only: the next read tells
	}
	ended := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return func() { ended() }
}

// open leads the conversation up to the point at which the message is due.
func (t *smtpTransaction) open(from string, to []string) error {
	for _, part := range []struct {
		step *mailStep
		do   func() error
	}{
		{stepGreet, t.greet},
		{stepTLS, t.startTLS},
		{stepLogin, t.logIn},
		{stepSender, func() error { return t.client.Mail("<" + from + ">") }},
		{stepRecipient, func() error {
			for _, address := range to {
				if err := t.client.Rcpt("<" + address + ">"); err != nil {
					return err
				}
			}
			return nil
		}},
	} {
		if err := part.do(); err != nil {
			return &mailError{t.sender.address, part.step, err}
		}
	}
	return nil
}

func (t *smtpTransaction) greet() error {
	client, err := smtp.NewClient(t.conn, t.sender.host)
	if err != nil {
		return err
	}
	t.client = client
	client.SkipSMTPUTF8(true) // every address is ASCII
	return client.Hello(t.sender.helo)
}

func (t *smtpTransaction) startTLS() error {
	if t.sender.mode != tlsStartTLS {
		return nil
	}
	if ok, _ := t.client.Extension("STARTTLS"); !ok {
		return errors.New("the server does not offer STARTTLS")
	}
	return t.client.StartTLS(t.sender.tls)
}

func (t *smtpTransaction) logIn() error {
	if t.sender.username == "" {
		return nil
	}
	_, offered := t.client.Extension("AUTH")
	names := preferredLogins
	if t.sender.auth != "" {
		names = []string{t.sender.auth}
	}
	offers := strings.Fields(strings.ToLower(offered))
	for _, name := range names {
		if slices.Contains(offers, name) {
			return t.client.Auth(smtpLogins[name](t.sender))
		}
	}
	if offered == "" {
		return errors.New("the server offers no login")
	}
	return fmt.Errorf("the server offers only %s", offered)
}

// Send implements [Transaction].
func (t *smtpTransaction) Send(ctx context.Context, message Message) error {
	defer t.conn.Close()
	defer bound(ctx, t.conn)()
	if err := t.send(composed(message)); err != nil {
		return &mailError{t.sender.address, stepMessage, err}
	}
	_ = t.client.Quit() // the server has the message: how it says goodbye doesn't matter
	return nil
}

func (t *smtpTransaction) send(message *gomail.Msg) error {
	out, err := t.client.Data()
	if err != nil {
		return err
	}
	if _, err := message.WriteTo(out); err != nil {
		return err
	}
	return out.Close()
}

// abortTimeout is how long the server may take to say goodbye.
const abortTimeout = 5 * time.Second

// Abort implements [Transaction].
func (t *smtpTransaction) Abort() {
	defer t.conn.Close()
	_ = t.conn.SetDeadline(time.Now().Add(abortTimeout)) // fails on a closed connection only
	if t.client.Reset() == nil {
		_ = t.client.Quit() // the connection ends either way
	}
}

// composed makes the message as it is mailed (RFC 5322, RFC 2045): the text, and
// the same as HTML. The recipient's address is set as it is, never parsed again.
func composed(message Message) *gomail.Msg {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(&message.From)
	m.ToMailAddress(&mail.Address{Address: message.To})
	if message.ReplyTo != nil {
		m.ReplyToMailAddress(message.ReplyTo)
	}
	m.Subject(message.Subject)
	m.SetDate()
	_, domain, _ := strings.Cut(message.From.Address, "@")
	m.SetMessageIDWithValue(rand.Text() + "@" + domain)
	// Nobody's holiday notice is to answer (RFC 3834 section 5).
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	m.SetBodyString(gomail.TypeTextPlain, message.Text)
	m.AddAlternativeString(gomail.TypeTextHTML, message.HTML)
	return m
}

var (
	_ Sender      = (*smtpSender)(nil)
	_ Transaction = (*smtpTransaction)(nil)
)
