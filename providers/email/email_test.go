package email

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

func TestEmailDefaults(t *testing.T) {
	t.Parallel()
	server := providertest.NewMailServer(t, providertest.MailOptions{})
	e := loadEmail(t, mailConfig(server, nil))
	if info := e.Info(); info.ID != "email" || info.Name != "Email" || info.Type != providers.TypeEmail || !info.Public {
		t.Errorf("it is %+v", info)
	}
	if e.LinkLife() != 30*time.Minute || !e.Confirms() {
		t.Errorf("links live for %s, confirmed: %t", e.LinkLife(), e.Confirms())
	}
	want := providers.MailLimits{
		Address: providers.Budget{Most: 5, Per: 15 * time.Minute}, Client: providers.Budget{Most: 30, Per: 15 * time.Minute},
		Total: providers.Budget{Most: 1000, Per: time.Hour},
	}
	if got := e.Limits(); got != want {
		t.Errorf("limits %+v, want %+v", got, want)
	}
}

// A configuration that is unloaded waits for the messages under way, a little.
func TestCleanupWaitsForMessagesUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &Provider{ID: "email"}
		for _, tc := range []struct {
			takes, waits time.Duration
			lost         bool
		}{{cleanupWait - time.Second, cleanupWait - time.Second, false}, {2 * cleanupWait, cleanupWait, true}} {
			e.underway.Add(1)
			time.AfterFunc(tc.takes, e.underway.Done)
			began := time.Now()
			if err := e.Cleanup(); (err != nil) != tc.lost || time.Since(began) != tc.waits {
				t.Errorf("a message of %s: after %s %v", tc.takes, time.Since(began), err)
			}
			time.Sleep(2 * cleanupWait)
		}
	})
}

func TestEmailConfigurationsThatAreRefused(t *testing.T) {
	smtp := config{"server": "localhost", "tls": "off"}
	for name, tc := range map[string]struct {
		config config
		says   string
	}{
		"no from":                       {config{"smtp": smtp}, "from is missing"},
		"no server":                     {config{"from": "a@b.example"}, "smtp is missing"},
		"no address in from":            {config{"from": "Example", "smtp": smtp}, "is not an address"},
		"a header in from":              {config{"from": "a@b.example\r\nBcc: c@d.example", "smtp": smtp}, "is not an address"},
		"two addresses in reply_to":     {config{"from": "a@b.example", "reply_to": "a@b.example, c@d.example", "smtp": smtp}, "is not an address"},
		"an unset from":                 {config{"from": "{env.NOT_SET_ANYWHERE}", "smtp": smtp}, "from: {env.NOT_SET_ANYWHERE} is empty"},
		"a link that lives for days":    {config{"from": "a@b.example", "smtp": smtp, "max_age": "48h"}, "max_age must be between 1s and 24h"},
		"confirm maybe":                 {config{"from": "a@b.example", "smtp": smtp, "confirm": "maybe"}, "confirm must be on or off"},
		"a negative limit":              {config{"from": "a@b.example", "smtp": smtp, "limit": config{"address": config{"most": -1}}}, "limit address"},
		"a subject that is no template": {config{"from": "a@b.example", "smtp": smtp, "subject": "{{.Site"}, "subject: "},
		"a subject's unknown field":     {config{"from": "a@b.example", "smtp": smtp, "subject": "{{.Sight}}"}, "subject"},
		"no such template":              {config{"from": "a@b.example", "smtp": smtp, "templates": config{"html": "no-such-file"}}, "templates: html"},
		"off elsewhere":                 {config{"from": "a@b.example", "smtp": config{"server": "mail.example.com", "tls": "off"}}, "write tls insecure_off"},
		"tls on":                        {config{"from": "a@b.example", "smtp": config{"server": "mail.example.com", "tls": "on"}}, `tls "on" is not known`},
		"465 without implicit":          {config{"from": "a@b.example", "smtp": config{"server": "mail.example.com:465"}}, "add `tls implicit`"},
		"no port":                       {config{"from": "a@b.example", "smtp": config{"server": "mail.example.com:smtp"}}, "is not a mail server"},
		"a URL":                         {config{"from": "a@b.example", "smtp": config{"server": "smtp://mail.example.com"}}, "is not a mail server"},
		"a user without a password":     {config{"from": "a@b.example", "smtp": config{"server": "mail.example.com", "username": "a"}}, "belong together"},
		"an unknown login":              {config{"from": "a@b.example", "smtp": config{"server": "mail.example.com", "auth": "basic"}}, `auth "basic" is not known`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := providertest.Load(t, "email", tc.config)
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %q", err, tc.says)
			}
		})
	}
}

func TestPortsFollowTLS(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{"": "587", "starttls": "587", "implicit": "465", "insecure_off": "25"} {
		for server, host := range map[string]string{"mail.example.com": "mail.example.com", "[2001:db8::1]": "2001:db8::1"} {
			s := &SMTP{TLS: mode}
			gotHost, port, err := s.split(server)
			if err != nil || gotHost != host || port != want {
				t.Errorf("%q %s: %s %s %v", mode, server, gotHost, port, err)
			}
		}
	}
}

// A server that is a placeholder is checked when it is known, not before.
func TestAMailServerFromAPlaceholder(t *testing.T) {
	t.Setenv("MAIL_SERVER", "localhost:2525")
	s := &SMTP{Server: "{env.MAIL_SERVER}", TLS: tlsOff}
	if err := s.check(); err != nil {
		t.Errorf("before it is known: %v", err)
	}
	smtp := config{"server": "{env.MAIL_SERVER}", "tls": tlsOff}
	if _, err := providertest.Load(t, "email", config{"from": "a@b.example", "smtp": smtp}); err != nil {
		t.Errorf("a server on this machine: %v", err)
	}
	t.Setenv("MAIL_SERVER", "mail.example.com")
	if _, err := providertest.Load(t, "email", config{"from": "a@b.example", "smtp": smtp}); err == nil || !strings.Contains(err.Error(), "write tls insecure_off") {
		t.Errorf("one elsewhere: %v", err)
	}
}

func TestTemplatesFromFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	server := providertest.NewMailServer(t, providertest.MailOptions{})
	c := mailConfig(server, nil).With(config{
		"subject": "{{.Address}}: your way into {{.Site}}",
		"templates": config{
			"html": write("link.html", `<p>Hi <b>{{.Address}}</b>: <a href="{{.URL}}">in</a></p>`),
			"text": write("link.txt", "\ufeffHi {{.Address}}:\n{{.URL}}\n"),
		},
	})
	if err := loadEmail(t, c).mail(t.Context()); err != nil {
		t.Fatal(err)
	}
	mail := server.Wait(t)
	if got := mail.Subject(t); got != "alice@example.com: your way into app.example.com" {
		t.Errorf("the subject is %q", got)
	}
	if got := mail.Part(t, "text/plain"); got != "Hi alice@example.com:\n"+sampleLink.URL+"\n" {
		t.Errorf("the text is %q", got)
	}
	if got := mail.Part(t, "text/html"); !strings.HasPrefix(got, "<p>Hi <b>alice@example.com</b>: <a href=\"https://") {
		t.Errorf("the HTML is %q", got)
	}
	for part, template := range map[string]string{"html": `<a href="{{.Site}}">in</a>`, "text": "Hi"} {
		_, err := providertest.Load(t, "email", c.With(config{"templates": config{part: write("bad", template)}}))
		if err == nil || !strings.Contains(err.Error(), "the link is missing") {
			t.Errorf("a template without the link: %v", err)
		}
	}
}

// A mistake in a template is told when it is loaded, under the file's name.
func TestMistakesInTemplates(t *testing.T) {
	t.Parallel()
	server := providertest.NewMailServer(t, providertest.MailOptions{})
	link := `<a href="{{.URL}}">in</a>`
	for name, tc := range map[string]struct{ html, says string }{
		"an unknown field":          {link + "\n{{.Url}}", "FILE:2:2: executing"},
		"an open action":            {link + "\n{{if .URL}}", "FILE:2: unexpected EOF"},
		"a field that may be empty": {link + "{{slice .ClientIP 0 3}}", "where neither .ClientIP nor .Browser is known"},
		"another encoding":          {link + "caf\xe9", "FILE is not in UTF-8"},
	} {
		file := filepath.Join(t.TempDir(), "link.html")
		if err := os.WriteFile(file, []byte(tc.html), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := providertest.Load(t, "email", mailConfig(server, nil).With(config{"templates": config{"html": file}}))
		if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(tc.says, "FILE", file)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAMailTellsHowLongItsLinkLives(t *testing.T) {
	t.Parallel()
	for life, want := range map[time.Duration]string{
		30 * time.Minute: "30 minutes", time.Hour: "1 hour", 24 * time.Hour: "24 hours", 90 * time.Minute: "90 minutes",
		time.Minute: "1 minute", 45 * time.Second: "45 seconds", time.Second: "1 second", 200 * time.Second: "3 minutes",
	} {
		if got := (providers.Link{Life: life}).Within(); got != want {
			t.Errorf("%s: %q, want %q", life, got, want)
		}
	}
}

// Whatever ends up in a mail's fields, it stays one mail to one person: no header
// of theirs, no markup of theirs, and the link is the one that was made.
func FuzzMail(f *testing.F) {
	f.Add("app.example.com", "zoe@mail.example.com", "192.0.2.1", "Firefox on Linux")
	f.Add("a\r\nBcc: eve@evil.example", "zoe@mail.example.com", "<script>", "\"><img src=x>")
	l, err := newLetter("Sign in to {{.Site}}", Templates{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, site, typed, client, browser string) {
		to, err := address.Parse(typed)
		if err != nil {
			return
		}
		link := sampleLink
		link.Site, link.Address, link.ClientIP, link.Browser = site, to, client, browser
		message, err := l.write(link)
		if err != nil {
			t.Fatal(err)
		}
		message.From.Address, message.To = "no-reply@example.com", to
		var raw strings.Builder
		if _, err := composed(message).WriteTo(&raw); err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(raw.String(), "\r\n\r\n")
		for line := range strings.SplitSeq(head, "\r\n") {
			name, _, _ := strings.Cut(line, ":")
			if !strings.HasPrefix(line, " ") && !headersOfMails[name] {
				t.Errorf("a foreign header: %q", line)
			}
		}
		if strings.Count(message.HTML, "<img") != 0 || strings.Count(message.HTML, "<script") != 0 {
			t.Errorf("foreign markup:\n%s", message.HTML)
		}
	})
}

var headersOfMails = map[string]bool{
	"Auto-Submitted": true, "X-Auto-Response-Suppress": true, "Date": true, "MIME-Version": true, "Message-ID": true,
	"Subject": true, "From": true, "To": true, "Content-Type": true,
}
