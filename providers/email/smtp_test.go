package email

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// mailConfig is an email provider at a mail server; block changes its part smtp.
func mailConfig(s *providertest.MailServer, block config) config {
	return config{
		"from": "Example <no-reply@example.com>",
		"smtp": config{"server": s.Address, "tls": "off"}.With(block),
	}
}

// trusting is the part of a block that trusts the server's certificate.
func trusting(s *providertest.MailServer, mode string) config {
	return config{"tls": mode, "tls_trust_pool": config{"provider": "file", "pem_files": []string{s.CAFile}}}
}

func loadEmail(t testing.TB, c config) *Provider {
	t.Helper()
	loaded, err := providertest.Load(t, "email", c)
	if err != nil {
		t.Fatal(err)
	}
	return loaded.(*Provider)
}

// mail offers and sends the sample link.
func (p *Provider) mail(ctx context.Context) error {
	offer, err := p.Offer(ctx, "zoe@mail.example.com")
	if err != nil {
		return err
	}
	return offer.Send(ctx, sampleLink)
}

func TestMailGoesOut(t *testing.T) {
	login := providertest.MailOptions{Username: "mailer", Password: "s3cret p4ss"}
	withLogin := config{"username": "mailer", "password": "{env.SMTP_PASSWORD}"}
	t.Setenv("SMTP_PASSWORD", login.Password)
	for name, tc := range map[string]struct {
		options   providertest.MailOptions
		mode      string
		smtp      config
		encrypted bool
	}{
		"in the clear":            {providertest.MailOptions{}, "off", nil, false},
		"in the clear, login":     {login, "off", withLogin, false},
		"STARTTLS":                {providertest.MailOptions{StartTLS: true}, "starttls", nil, true},
		"STARTTLS by default":     {providertest.MailOptions{StartTLS: true}, "", nil, true},
		"STARTTLS, login":         {providertest.MailOptions{StartTLS: true, Username: login.Username, Password: login.Password}, "starttls", withLogin, true},
		"implicit TLS":            {providertest.MailOptions{Implicit: true}, "implicit", nil, true},
		"implicit TLS, login":     {providertest.MailOptions{Implicit: true, Username: login.Username, Password: login.Password}, "implicit", withLogin, true},
		"login by a named method": {login, "off", withLogin.With(config{"auth": "plain"}), false},
	} {
		t.Run(name, func(t *testing.T) {
			server := providertest.NewMailServer(t, tc.options)
			e := loadEmail(t, mailConfig(server, trusting(server, tc.mode).With(tc.smtp)))
			if err := e.mail(t.Context()); err != nil {
				t.Fatal(err)
			}
			mail := server.Wait(t)
			if mail.Encrypted != tc.encrypted || mail.Login != tc.options.Username {
				t.Errorf("encrypted: %t, login %q", mail.Encrypted, mail.Login)
			}
			if mail.From != "no-reply@example.com" || mail.To != "zoe@mail.example.com" || mail.Link(t) != sampleLink.URL {
				t.Errorf("from %s to %s with %s", mail.From, mail.To, mail.Link(t))
			}
		})
	}
}

// Some servers take addresses without their brackets, others don't (RFC 5321
// section 4.1.2).
func TestTheEnvelopeIsWrittenAsTheStandardSays(t *testing.T) {
	t.Parallel()
	server := providertest.NewMailServer(t, providertest.MailOptions{})
	if err := loadEmail(t, mailConfig(server, nil)).mail(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Wait(t)
	for _, line := range []string{"MAIL FROM:<no-reply@example.com>", "RCPT TO:<zoe@mail.example.com>\r\n"} {
		if !strings.Contains(server.Said(), line) {
			t.Errorf("no %q in\n%s", line, server.Said())
		}
	}
}

// A sender's domain with letters beyond ASCII goes out in the form that every
// server takes, in the envelope as in the headers (RFC 5322 section 2.2).
func TestASendersDomainIsWrittenInASCII(t *testing.T) {
	t.Parallel()
	server := providertest.NewMailServer(t, providertest.MailOptions{})
	e := loadEmail(t, mailConfig(server, nil).With(config{"from": "Bücher <No-Reply@bücher.example>", "reply_to": "help@bücher.example"}))
	if err := e.mail(t.Context()); err != nil {
		t.Fatal(err)
	}
	mail := server.Wait(t)
	if mail.From != "No-Reply@xn--bcher-kva.example" {
		t.Errorf("the envelope's sender is %s", mail.From)
	}
	head, _, _ := strings.Cut(mail.Raw, "\r\n\r\n")
	for _, want := range []string{" <No-Reply@xn--bcher-kva.example>\r\n", "Reply-To: <help@xn--bcher-kva.example>\r\n", "@xn--bcher-kva.example>\r\nSubject: "} {
		if !strings.Contains(head, want) {
			t.Errorf("no %q in\n%s", want, head)
		}
	}
	if strings.ContainsFunc(head, func(r rune) bool { return r > '~' }) {
		t.Errorf("the headers are not in ASCII:\n%s", head)
	}
}

// What is not as it should be is refused before anything secret is said, and the
// error says where to look.
func TestMailDoesNotGoOut(t *testing.T) {
	login := providertest.MailOptions{StartTLS: true, Username: "mailer", Password: "right"}
	for name, tc := range map[string]struct {
		options providertest.MailOptions
		smtp    func(*providertest.MailServer) config
		says    string
	}{
		"no STARTTLS": {providertest.MailOptions{Username: "mailer", Password: "right"}, func(s *providertest.MailServer) config {
			return trusting(s, "starttls").With(config{"username": "mailer", "password": "right"})
		}, "starting TLS: the server does not offer STARTTLS"},
		"an unknown authority": {providertest.MailOptions{StartTLS: true}, func(*providertest.MailServer) config {
			return config{"tls": "starttls"}
		}, "starting TLS"},
		"another name": {providertest.MailOptions{Implicit: true}, func(s *providertest.MailServer) config {
			return trusting(s, "implicit").With(config{"tls_server_name": "mail.example.com"})
		}, "starting TLS"},
		"implicit where the server is not": {providertest.MailOptions{}, func(s *providertest.MailServer) config {
			return trusting(s, "implicit")
		}, "starting TLS"},
		"a wrong password": {login, func(s *providertest.MailServer) config {
			return trusting(s, "starttls").With(config{"username": "mailer", "password": "wr0ng-p4ss"})
		}, "logging in"},
		"no login where one is wanted": {login, func(s *providertest.MailServer) config { return trusting(s, "starttls") }, "naming the sender"},
		"a login where none is offered": {providertest.MailOptions{StartTLS: true}, func(s *providertest.MailServer) config {
			return trusting(s, "starttls").With(config{"username": "mailer", "password": "wr0ng-p4ss"})
		}, "logging in: the server offers no login"},
		"a method that is not offered": {login, func(s *providertest.MailServer) config {
			return trusting(s, "starttls").With(config{"username": "mailer", "password": "wr0ng-p4ss", "auth": "cram-md5"})
		}, "the server offers only PLAIN"},
	} {
		t.Run(name, func(t *testing.T) {
			server := providertest.NewMailServer(t, tc.options)
			e := loadEmail(t, mailConfig(server, tc.smtp(server)))
			err := e.mail(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), server.Address) {
				t.Errorf("got %v, want %q", err, tc.says)
			}
			if err != nil && strings.Contains(err.Error(), "wr0ng-p4ss") {
				t.Errorf("the error holds the password: %v", err)
			}
			if len(server.Mails()) != 0 {
				t.Error("the mail went out")
			}
		})
	}
}

// A refusal that the server calls a passing one, as greylisting is, doesn't send
// the operator to look for a mistake.
func TestRefusalsThatPass(t *testing.T) {
	t.Parallel()
	server := providertest.NewMailServer(t, providertest.MailOptions{})
	e := loadEmail(t, mailConfig(server, nil))
	for code, says := range map[int]string{450: remedyLater, 550: stepRecipient.remedy} {
		server.Fail(providertest.StepRecipient, providertest.Fault{Err: &smtp.SMTPError{Code: code, Message: "not now"}})
		err := e.mail(t.Context())
		if err == nil || !strings.Contains(err.Error(), "naming the recipient") || !strings.Contains(err.Error(), says) {
			t.Errorf("%d: %v", code, err)
		}
	}
}

// Every way to log in that is documented works, by its name and, but for tokens,
// by itself, and a wrong password doesn't.
func TestLoginMethods(t *testing.T) {
	for name := range smtpLogins {
		t.Run(name, func(t *testing.T) {
			server := providertest.NewMailServer(t, providertest.MailOptions{Username: "mailer", Password: "right", Mechanism: strings.ToUpper(name)})
			login := config{"username": "mailer", "password": "right"}
			if err := loadEmail(t, mailConfig(server, login.With(config{"auth": name}))).mail(t.Context()); err != nil {
				t.Fatal(err)
			}
			if mail := server.Wait(t); mail.Login != "mailer" {
				t.Errorf("logged in as %q", mail.Login)
			}
			err := loadEmail(t, mailConfig(server, login)).mail(t.Context())
			if ok := err == nil; ok != slices.Contains(preferredLogins, name) {
				t.Errorf("by itself: %v", err)
			}
			wrong := loadEmail(t, mailConfig(server, login.With(config{"auth": name, "password": "wr0ng-p4ss"})))
			if err := wrong.mail(t.Context()); err == nil || !strings.Contains(err.Error(), "logging in") || strings.Contains(err.Error(), "wr0ng") {
				t.Errorf("with a wrong password: %v", err)
			}
		})
	}
}

// A caller who leaves ends the conversation, and a server that accepts nothing
// more is not asked by everyone at once.
func TestConversationsAreBounded(t *testing.T) {
	t.Parallel()
	server := providertest.NewMailServer(t, providertest.MailOptions{})
	e := loadEmail(t, mailConfig(server, nil))
	offers := make([]providers.Offer, 0, maxTransactions)
	for range maxTransactions {
		offer, err := e.Offer(t.Context(), "zoe@mail.example.com")
		if err != nil {
			t.Fatal(err)
		}
		offers = append(offers, offer)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Offer(ctx, "zoe@mail.example.com"); err == nil || !strings.Contains(err.Error(), "too many messages at once") {
		t.Errorf("one more gives %v", err)
	}
	offers[0].Withdraw()
	if err := e.mail(t.Context()); err != nil {
		t.Errorf("after one ended: %v", err)
	}
	for _, offer := range offers[1:] {
		offer.Withdraw()
	}
	if err := e.Cleanup(); err != nil {
		t.Error(err)
	}
	for range maxTransactions {
		if err := e.turns.Acquire(t.Context()); err != nil {
			t.Errorf("a place is still taken: %v", err)
		}
	}
}

func TestAVisitorWhoLeavesEndsTheConversation(t *testing.T) {
	server := providertest.NewMailServer(t, providertest.MailOptions{})
	goOn := make(chan struct{})
	defer close(goOn)
	server.Fail(providertest.StepSender, providertest.Fault{Until: goOn})
	e := loadEmail(t, mailConfig(server, nil))
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := e.Offer(ctx, "zoe@mail.example.com")
		done <- err
	}()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, steps := server.Sessions(); len(steps) == 2 {
			break
		}
	}
	leave()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "naming the sender") {
		t.Errorf("got %v", err)
	}
}
