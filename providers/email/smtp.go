package email

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/internal/outgoing"
)

// SMTP is a mail server that takes messages (RFC 5321, RFC 6409). Its
// certificate is always verified; the version of TLS is 1.2 or newer.
//
// server, username and password may hold placeholders such as
// {env.SMTP_PASSWORD} or {file./run/secrets/smtp}, which are resolved when the
// configuration is loaded and don't show in it.
type SMTP struct {
	// host or host:port. Default port: 587 for starttls, 465 for implicit, else 25.
	Server string `json:"server"`

	// The login name. Default: none, no login.
	Username string `json:"username,omitempty"`

	// The password, or for xoauth2 the access token. Default: none.
	Password string `json:"password,omitempty"`

	// starttls: the connection is encrypted before anything is said (RFC 3207),
	// and never used when the server can't. implicit: TLS from the first byte
	// (RFC 8314 section 3.3). off: not encrypted, which needs a server on this
	// machine. insecure_off: not encrypted, wherever the server is.
	// Default: starttls.
	TLS string `json:"tls,omitempty"`

	// How to log in: plain, login, cram-md5, scram-sha-1, scram-sha-256 or
	// xoauth2. Default: the first of scram-sha-256, scram-sha-1, plain, login and
	// cram-md5 that the server has.
	Auth string `json:"auth,omitempty"`

	// The name that the server's certificate must have. Default: the host.
	TLSServerName string `json:"tls_server_name,omitempty"`

	// Whose certificates are trusted: a module of Caddy's. Default: the system's.
	CARaw json.RawMessage `json:"tls_trust_pool,omitempty" caddy:"namespace=tls.ca_pool.source inline_key=provider"`

	// How long to wait for a connection. Default: 5s.
	DialTimeout caddy.Duration `json:"dial_timeout,omitempty"`

	// How long the server may take, connection included, until it is ready for
	// the message: the visitor waits for that. Default: 10s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How long handing over the message may take, in the background. Default: 1m.
	SendTimeout caddy.Duration `json:"send_timeout,omitempty"`
}

// The values of SMTP.TLS.
const (
	tlsStartTLS    = "starttls"
	tlsImplicit    = "implicit"
	tlsOff         = "off"
	tlsInsecureOff = "insecure_off"
)

var smtpPorts = map[string]string{tlsStartTLS: "587", tlsImplicit: "465", tlsOff: "25", tlsInsecureOff: "25"}

const (
	defaultDialTimeout   = 5 * time.Second
	defaultAnswerTimeout = 10 * time.Second
	defaultSendTimeout   = time.Minute
)

func (s *SMTP) answerTimeout() time.Duration {
	return cmp.Or(time.Duration(s.Timeout), defaultAnswerTimeout)
}

func (s *SMTP) sendTimeout() time.Duration {
	return cmp.Or(time.Duration(s.SendTimeout), defaultSendTimeout)
}

// check says what is wrong with the written values, placeholders aside.
func (s *SMTP) check() error {
	if _, ok := smtpPorts[cmp.Or(s.TLS, tlsStartTLS)]; !ok {
		return fmt.Errorf("smtp: tls %q is not known: write starttls, implicit, or off for a server on this machine", s.TLS)
	}
	if _, ok := smtpLogins[s.Auth]; !ok && s.Auth != "" {
		return fmt.Errorf("smtp: auth %q is not known: write one of %s", s.Auth, strings.Join(loginNames(), ", "))
	}
	if (s.Username == "") != (s.Password == "") {
		return errors.New("smtp: username and password belong together: write both, or none for a server without login")
	}
	for name, limit := range map[string]caddy.Duration{"dial_timeout": s.DialTimeout, "timeout": s.Timeout, "send_timeout": s.SendTimeout} {
		if limit < 0 {
			return fmt.Errorf("smtp: %s must not be negative", name)
		}
	}
	if directive.IsDynamic(s.Server) {
		return nil
	}
	_, _, err := s.split(s.Server)
	return err
}

// split returns the server's host and port.
func (s *SMTP) split(server string) (host, port string, err error) {
	mode := cmp.Or(s.TLS, tlsStartTLS)
	host, port = strings.TrimSuffix(strings.TrimPrefix(server, "["), "]"), smtpPorts[mode]
	if h, p, err := net.SplitHostPort(server); err == nil {
		host, port = h, p
	}
	number, err := strconv.ParseUint(port, 10, 16)
	switch {
	case host == "" || err != nil || number == 0 || strings.ContainsAny(host, "/ []"):
		return "", "", fmt.Errorf("smtp: %q is not a mail server: write its host and port, such as mail.example.com:587", excerpt.Of(server))
	case s.TLS == "" && port == "465":
		return "", "", errors.New("smtp: port 465 speaks TLS from the first byte: add `tls implicit`")
	case mode == tlsOff && !outgoing.IsLoopback(host):
		return "", "", fmt.Errorf("smtp: tls off is for a mail server on this machine, and %s is not: write tls insecure_off if everyone on the way may read the links and sign in as anyone", host)
	}
	return host, port, nil
}

// provision resolves the placeholders and makes the sender.
func (s *SMTP) provision(ctx caddy.Context) (*smtpSender, error) {
	server, username, password := s.Server, s.Username, s.Password
	for _, field := range []struct {
		name  string
		value *string
	}{{"smtp", &server}, {"smtp: username", &username}, {"smtp: password", &password}} {
		if err := directive.Expand(field.name, field.value); err != nil {
			return nil, err
		}
	}
	host, port, err := s.split(server)
	if err != nil {
		return nil, err
	}
	pool, err := s.loadPool(ctx)
	if err != nil {
		return nil, err
	}
	return &smtpSender{
		address: net.JoinHostPort(host, port), host: host, mode: cmp.Or(s.TLS, tlsStartTLS),
		username: username, password: password, auth: s.Auth, helo: heloName(),
		dialTimeout: cmp.Or(time.Duration(s.DialTimeout), defaultDialTimeout),
		tls: &tls.Config{
			ServerName: cmp.Or(s.TLSServerName, host), RootCAs: pool, MinVersion: tls.VersionTLS12,
		},
	}, nil
}

func (s *SMTP) loadPool(ctx caddy.Context) (*x509.CertPool, error) {
	if len(s.CARaw) == 0 {
		return nil, nil // none is the system's
	}
	written := slices.Clone(s.CARaw)
	loaded, err := ctx.LoadModule(s, "CARaw")
	s.CARaw = written
	if err != nil {
		return nil, fmt.Errorf("smtp: tls_trust_pool: %w", err)
	}
	source, ok := loaded.(caddytls.CA)
	if !ok {
		return nil, fmt.Errorf("smtp: tls_trust_pool: %T is no pool of certificates", loaded)
	}
	return source.CertPool(), nil
}

// heloName is how the client introduces itself: by its full name, else by an
// address literal, which RFC 5321 section 4.1.4 asks of hosts without one.
func heloName() string {
	if name, err := os.Hostname(); err == nil && strings.Contains(name, ".") {
		if domain, err := address.HostName(name); err == nil {
			return domain
		}
	}
	return "[127.0.0.1]"
}

// mailError says at which step a mail server let us down, and what the operator
// can do. What the server said is escaped and cut.
type mailError struct {
	server string
	step   *mailStep
	err    error
}

func (e *mailError) Error() string {
	remedy := e.step.remedy
	if reply, ok := errors.AsType[*textproto.Error](e.err); ok && reply.Code >= 400 && reply.Code < 500 {
		remedy = remedyLater
	}
	return fmt.Sprintf("mail server %s: %s: %s (%s)", e.server, e.step.doing, excerpt.Of(e.err.Error()), remedy)
}

// remedyLater is for refusals that the server calls passing ones (RFC 5321
// section 4.2.1): greylisting, too many connections, a full disk.
const remedyLater = "the server calls it passing: who asks again may have luck; if it goes on, the server's own log says why"

func (e *mailError) Unwrap() error { return e.err }

// mailStep is a part of the conversation, and where to look when it fails.
type mailStep struct{ doing, remedy string }

var (
	stepConnect   = &mailStep{"connecting", "is it up, are host and port in smtp right, does a firewall let them out?"}
	stepGreet     = &mailStep{"being greeted", "is it a mail server, does it take mail from this machine, and is tls right?"}
	stepTLS       = &mailStep{"starting TLS", "the server needs a certificate for its name, of an authority that this machine or tls_trust_pool trusts, and must offer what tls says: STARTTLS, or with tls implicit TLS from the first byte"}
	stepLogin     = &mailStep{"logging in", "check username, password and auth"}
	stepSender    = &mailStep{"naming the sender", "the server must let this login, or this machine, send as the address in from"}
	stepRecipient = &mailStep{"naming the recipient", "the server takes no mail for this address, or relays none for this machine"}
	stepMessage   = &mailStep{"handing over the message", "the answer says why; the person gets no mail and can ask again"}
)

var _ error = (*mailError)(nil)
