package providertest

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/mail"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// The steps of a conversation at which a [MailServer] can misbehave.
const (
	StepGreet     = "greet"
	StepLogin     = "login"
	StepSender    = "sender"
	StepRecipient = "recipient"
	StepMessage   = "message"
)

// MailServer is a real SMTP server on loopback that keeps what it gets.
type MailServer struct {
	// Address is host:port.
	Address string
	// CAFile holds the authority of its certificate, in PEM.
	CAFile string

	options  MailOptions
	server   *smtp.Server
	mu       sync.Mutex
	faults   map[string]Fault
	mails    []Mail
	sessions int
	steps    []string
	said     bytes.Buffer
	arrived  chan struct{}
}

// MailOptions are what the server can do. The zero value speaks plainly and
// wants no login.
type MailOptions struct {
	// StartTLS and Implicit are the ways to be encrypted. Default: neither.
	StartTLS, Implicit bool
	// Username and Password are the login that it demands. Default: none.
	Username, Password string
	// Mechanism is the one way to log in that it offers, by its SASL name.
	// Default: PLAIN.
	Mechanism string
}

// Fault is what goes wrong at a step.
type Fault struct {
	// Err is the answer.
	Err error
	// Drop closes the connection without one.
	Drop bool
	// Until is when the step goes on. Default: at once.
	Until <-chan struct{}
}

// Mail is a message as it arrived.
type Mail struct {
	// From and To are those of the envelope.
	From, To string
	// Encrypted says that it came over TLS.
	Encrypted bool
	// Login is the mechanism and name of the login, empty without one.
	Login string
	// Raw is the whole message, Header its parsed header.
	Raw    string
	Header mail.Header
}

// NewMailServer starts one that runs until the test ends.
func NewMailServer(t testing.TB, options MailOptions) *MailServer {
	t.Helper()
	s := &MailServer{options: options, faults: make(map[string]Fault), arrived: make(chan struct{}, 1000)}
	var keyFile string
	s.CAFile, keyFile = NewCertificate(t)
	certificate, err := tls.LoadX509KeyPair(s.CAFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	s.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		s.mu.Lock()
		s.sessions++
		s.mu.Unlock()
		session := &mailSession{server: s, conn: c}
		if err := session.step(StepGreet); err != nil {
			return nil, err
		}
		return session, nil
	}))
	s.server.Domain = "mail.test"
	s.server.AllowInsecureAuth = true
	s.server.Debug = said{s}
	s.server.ErrorLog = log.New(io.Discard, "", 0)
	if options.StartTLS {
		s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Address = listener.Addr().String()
	if options.Implicit {
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}})
	}
	done := make(chan error, 1)
	go func() { done <- s.server.Serve(listener) }()
	t.Cleanup(func() {
		// Serve may not have begun yet: then only the listener's end ends it.
		_ = listener.Close()
		_ = s.server.Close() // what it closes may be closed already
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Errorf("the mail server: %v", err)
		}
	})
	return s
}

// Fail makes every conversation go wrong at a step; a zero fault makes it right.
func (s *MailServer) Fail(step string, fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[step] = fault
}

// Close stops the server: its port then refuses connections.
func (s *MailServer) Close() { _ = s.server.Close() }

// Mails are those that arrived, in their order.
func (s *MailServer) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Sessions counts the conversations, those without a message included, and
// Steps are their steps in order.
func (s *MailServer) Sessions() (n int, steps []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions, append([]string(nil), s.steps...)
}

// Said is all that the two sides said.
func (s *MailServer) Said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.String()
}

// said writes down what the two sides say.
type said struct{ server *MailServer }

func (s said) Write(p []byte) (int, error) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	return s.server.said.Write(p)
}

// Wait returns the next mail, which has to arrive within seconds.
func (s *MailServer) Wait(t testing.TB) Mail {
	t.Helper()
	select {
	case <-s.arrived:
	case <-time.After(10 * time.Second):
		t.Fatal("no mail arrived")
	}
	mails := s.Mails()
	return mails[len(mails)-1]
}

var anyLink = regexp.MustCompile(`(?m)^https?://\S+/callback/\S+$`)

// Link is the sign-in link in the plain-text part.
func (m Mail) Link(t testing.TB) string {
	t.Helper()
	link := anyLink.FindString(m.Part(t, "text/plain"))
	if link == "" {
		t.Fatalf("no link in the mail:\n%s", m.Raw)
	}
	return link
}

type mailSession struct {
	server *MailServer
	conn   *smtp.Conn
	mail   Mail
	login  string
}

func (s *mailSession) step(name string) error {
	s.server.mu.Lock()
	fault := s.server.faults[name]
	s.server.steps = append(s.server.steps, name)
	s.server.mu.Unlock()
	if fault.Until != nil {
		<-fault.Until
	}
	if fault.Drop {
		_ = s.conn.Conn().Close() // that is the fault
	}
	return fault.Err
}

func (s *mailSession) AuthMechanisms() []string {
	if s.server.options.Username == "" {
		return nil
	}
	return []string{cmp.Or(s.server.options.Mechanism, sasl.Plain)}
}

func (s *mailSession) Auth(mechanism string) (sasl.Server, error) {
	if err := s.step(StepLogin); err != nil {
		return nil, err
	}
	options := s.server.options
	return loggingIn{mailLogins[mechanism](options.Username, options.Password), s}, nil
}

// loggingIn keeps in mind who has logged in.
type loggingIn struct {
	sasl.Server
	session *mailSession
}

func (l loggingIn) Next(response []byte) (challenge []byte, done bool, err error) {
	challenge, done, err = l.Server.Next(response)
	if done && err == nil {
		l.session.login = l.session.server.options.Username
	}
	if err != nil {
		err = smtp.ErrAuthFailed
	}
	return challenge, done, err
}

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.options.Username != "" && s.login == "" {
		return smtp.ErrAuthRequired
	}
	_, encrypted := s.conn.TLSConnectionState()
	s.mail = Mail{From: from, Encrypted: encrypted, Login: s.login}
	return s.step(StepSender)
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = to
	return s.step(StepRecipient)
}

func (s *mailSession) Data(r io.Reader) error {
	if err := s.step(StepMessage); err != nil {
		return err
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("reading a message: %w", err)
	}
	s.mail.Raw = string(raw)
	parsed, err := mail.ReadMessage(strings.NewReader(s.mail.Raw))
	if err != nil {
		return fmt.Errorf("reading a message: %w", err)
	}
	s.mail.Header = parsed.Header
	s.server.mu.Lock()
	s.server.mails = append(s.server.mails, s.mail)
	s.server.mu.Unlock()
	s.server.arrived <- struct{}{}
	return nil
}

func (s *mailSession) Reset() {}

func (s *mailSession) Logout() error { return nil }

var (
	_ smtp.Session     = (*mailSession)(nil)
	_ smtp.AuthSession = (*mailSession)(nil)
)
