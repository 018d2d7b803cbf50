package test

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

var shownReference = regexp.MustCompile(`Reference: <code>([0-9a-f]{8})</code>`)

// reference is the one that the page at the end of an answer's redirects shows.
func (b *browser) reference(got answer) string {
	b.t.Helper()
	for range 5 {
		location := got.header.Get("Location")
		if location == "" {
			break
		}
		got = b.visit(location)
	}
	match := shownReference.FindStringSubmatch(got.body)
	if match == nil {
		b.t.Fatalf("the page shows no reference:\n%s", got.body)
	}
	return match[1]
}

// logged waits for the log line with a reference.
func (g *gateway) logged(reference string) logLine {
	g.t.Helper()
	return g.waitForLog("with reference "+reference, func(line logLine) bool { return line["reference"] == reference })
}

const emailSignin = "/api/auth/error?error=EmailSignin"

// A server that is down, refuses or hangs up is told at once, and the log says
// at which step and where to look. When it is well again, so are we.
func TestAMailServerThatFails(t *testing.T) {
	g, server := startMail(t, "", "allow email *@example.com")
	refuses := errors.New("not today, sir")
	for _, tc := range []struct {
		name, step string
		fault      providertest.Fault
		says       string
	}{
		{"refuses at the greeting", providertest.StepGreet, providertest.Fault{Err: refuses}, "being greeted"},
		{"hangs up at the greeting", providertest.StepGreet, providertest.Fault{Drop: true}, "being greeted"},
		{"refuses the sender", providertest.StepSender, providertest.Fault{Err: refuses}, "naming the sender"},
		{"hangs up at the sender", providertest.StepSender, providertest.Fault{Drop: true}, "naming the sender"},
		{"refuses the recipient", providertest.StepRecipient, providertest.Fault{Err: refuses}, "naming the recipient"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server.Fail(tc.step, tc.fault)
			defer server.Fail(tc.step, providertest.Fault{})
			// Who may come in makes no difference.
			for _, address := range []string{"alice@example.com", "eve@evil.example"} {
				b := g.browser()
				got := b.post("/api/auth/signin/email", b.form("email", address))
				if got.status != http.StatusFound || got.header.Get("Location") != g.origin+emailSignin {
					t.Fatalf("%s: %d %s", address, got.status, got.header.Get("Location"))
				}
				line := g.logged(b.reference(got))
				if text, _ := line["error"].(string); line["level"] != "error" || !strings.Contains(text, tc.says) || !strings.Contains(text, server.Address) {
					t.Errorf("the log says %v", line)
				}
			}
		})
	}
	g.browser().ask("alice@example.com")
	server.Wait(t)
	server.Close()
	b := g.browser()
	if got := b.ask("alice@example.com"); got.status != http.StatusOK || got.body != `{"url":"`+g.origin+emailSignin+`"}` {
		t.Errorf("a server that is down gives %d %s", got.status, got.body)
	}
	line := g.logged(b.reference(b.visit("/api/auth/error?error=EmailSignin")))
	if text, _ := line["error"].(string); !strings.Contains(text, "connecting") {
		t.Errorf("the log says %v", line)
	}
}

// A server that takes its time is waited for no longer than was configured.
func TestAMailServerThatIsSlow(t *testing.T) {
	server := providertest.NewMailServer(t, providertest.MailOptions{})
	t.Setenv("MAIL", server.Address)
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		email {
			from no-reply@example.com
			smtp {$MAIL} {
				tls off
				timeout 200ms
			}
		}
	}
	respond "ok"
}
`)
	goOn := make(chan struct{})
	server.Fail(providertest.StepRecipient, providertest.Fault{Until: goOn})
	b := g.browser()
	got := b.post("/api/auth/signin/email", b.form("email", "zoe@mail.example.com"))
	if got.header.Get("Location") != g.origin+emailSignin {
		t.Errorf("%d %s", got.status, got.header.Get("Location"))
	}
	line := g.logged(b.reference(got))
	if text, _ := line["error"].(string); !strings.Contains(text, "naming the recipient") || !strings.Contains(text, "timeout") {
		t.Errorf("the log says %v", line)
	}
	close(goOn)
}

// Whatever happens to the message itself happens after the answer: how long it
// takes tells nothing, and a refusal is in the log under the reference that the
// visitor can be asked for.
func TestTheMessageFollowsTheAnswer(t *testing.T) {
	g, server := startMail(t, "", "allow email *@example.com")
	goOn := make(chan struct{})
	server.Fail(providertest.StepMessage, providertest.Fault{Until: goOn, Err: errors.New("it smells of spam")})
	want := strings.ReplaceAll(verifyRequest, "{O}", g.origin)
	// While the message is held, the answer is there.
	if got := g.browser().ask("alice@example.com"); got.body != want {
		t.Fatalf("the answer is %d %s", got.status, got.body)
	}
	close(goOn)
	line := g.waitForLog("about the refused message", func(line logLine) bool {
		text, _ := line["error"].(string)
		return strings.Contains(text, "it smells of spam")
	})
	if line["level"] != "error" || line["user"] != "email:alice@example.com" || line["reference"] == "" {
		t.Errorf("the log says %v", line)
	}
	if len(server.Mails()) != 0 {
		t.Error("the mail arrived")
	}
}

// For whom the rules refuse, and over the limit of an address, the server is
// asked in just the same way: only the message is missing.
func TestWhoGetsNoMailGetsTheSameAnswer(t *testing.T) {
	g, server := startMail(t, "", "allow email *@example.com")
	want := strings.ReplaceAll(verifyRequest, "{O}", g.origin)
	conversation := []string{providertest.StepGreet, providertest.StepSender, providertest.StepRecipient}
	seen := 0
	ask := func(address string) {
		t.Helper()
		b := g.browser()
		if got := b.ask(address); got.status != http.StatusOK || got.body != want {
			t.Errorf("%s: %d %s", address, got.status, got.body)
		}
		if page := b.get("/api/auth/verify-request?provider=email&type=email"); !strings.Contains(page.body, address) {
			t.Errorf("%s: the page doesn't name it:\n%s", address, page.body)
		}
	}
	for i := range 7 {
		ask("alice@example.com")
		if i < 5 {
			server.Wait(t)
		}
		_, steps := server.Sessions()
		if got := slices.DeleteFunc(steps[seen:], func(step string) bool { return step == providertest.StepMessage }); !slices.Equal(got, conversation) {
			t.Errorf("the server was asked for %v", got)
		}
		seen = len(steps)
	}
	g.waitForLog("about the limit", func(line logLine) bool { return line["limit"] == "address" })
	ask("eve@evil.example")
	line := g.waitForLog("about the rule", func(line logLine) bool { return line["user"] == "email:eve@evil.example" })
	if text, _ := line["msg"].(string); !strings.Contains(text, "allow or deny") {
		t.Errorf("the log says %v", line)
	}
	if _, steps := server.Sessions(); !slices.Equal(steps[seen:], conversation) {
		t.Errorf("the server was asked for %v", steps[seen:])
	}
	if mails := server.Mails(); len(mails) != 5 {
		t.Errorf("%d mails arrived, want 5", len(mails))
	}
}

// Over the limits of a client and of the realm nobody is asked, and the answer is
// the same.
func TestLimitsOfClientAndRealm(t *testing.T) {
	for limit, options := range map[string]string{
		"client": "limit {\nclient 2 15m\n}",
		"total":  "limit {\ntotal 2 1h\n}",
	} {
		t.Run(limit, func(t *testing.T) {
			g, server := startMail(t, options, "")
			want := strings.ReplaceAll(verifyRequest, "{O}", g.origin)
			for _, name := range []string{"a", "b", "c", "d"} {
				if got := g.browser().ask(name + "@example.com"); got.body != want {
					t.Errorf("%s: %d %s", name, got.status, got.body)
				}
			}
			g.waitForLog("about the limit", func(line logLine) bool { return line["limit"] == limit })
			server.Wait(t)
			server.Wait(t)
			if n, _ := server.Sessions(); n != 2 {
				t.Errorf("the server was asked %d times", n)
			}
		})
	}
}

// Who may come in is asked again when the link is used.
func TestRulesHoldWhenALinkIsUsed(t *testing.T) {
	g, server := startMail(t, "", "")
	b := g.browser()
	b.ask("zoe@mail.example.com")
	link := server.Wait(t).Link(t)
	t.Setenv("REALM", "deny email zoe@mail.example.com")
	g.reload("", mailSite)
	got := b.confirm(link)
	if got.header.Get("Location") != g.origin+"/api/auth/error?error=AccessDenied" || b.signedIn() {
		t.Fatalf("%d %s", got.status, got.header.Get("Location"))
	}
	if line := g.logged(b.reference(got)); line["user"] != "email:zoe@mail.example.com" {
		t.Errorf("the log says %v", line)
	}
}
