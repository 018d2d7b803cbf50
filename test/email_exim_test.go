//go:build services

package test

import (
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// The same against a mail server as people run it.
func TestLinksThroughExim(t *testing.T) {
	exim := servers.StartExim(t)
	for name, value := range map[string]string{
		"MAIL": exim.Address, "CA": exim.CAFile, "EXIM_USER": exim.Username, "EXIM_PASSWORD": exim.Password,
	} {
		t.Setenv(name, value)
	}
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		email {
			from "Example <no-reply@example.com>"
			smtp {$MAIL} {
				username {env.EXIM_USER}
				password {env.EXIM_PASSWORD}
				tls_trust_pool file {$CA}
				timeout 2s
			}
		}
	}
	respond "ok"
}
`)
	b := g.browser()
	want := strings.ReplaceAll(verifyRequest, "{O}", g.origin)
	if got := b.ask("zoe@mail.example.com", "callbackUrl", "/dash"); got.body != want {
		t.Fatalf("%d %s: %v", got.status, got.body, g.logged(b.reference(b.visit(emailSignin))))
	}
	text := exim.WaitForMail("zoe@mail.example.com")
	if !strings.Contains(text, "with esmtpsa") {
		t.Errorf("it arrived unencrypted or without a login:\n%s", text)
	}
	// The mailbox has a line before the mail.
	_, raw, _ := strings.Cut(text, "\n")
	other := g.browser()
	if got := other.confirm(providertest.Mail{Raw: raw}.Link(t)); got.header.Get("Location") != g.origin+"/dash" || !other.signedIn() {
		t.Errorf("the link gives %d %s", got.status, got.header.Get("Location"))
	}
	failed := `{"url":"` + g.origin + emailSignin + `"}`
	if got := b.ask("nobody@mail.example.com"); got.body != failed {
		t.Errorf("a mailbox that there is not: %d %s", got.status, got.body)
	}
	exim.Freeze()
	if got := b.ask("zoe@mail.example.com"); got.body != failed {
		t.Errorf("a frozen server: %d %s", got.status, got.body)
	}
	exim.Thaw()
	if got := b.ask("zoe@mail.example.com"); got.body != want {
		t.Errorf("a server that goes on: %d %s", got.status, got.body)
	}
	exim.Kill()
	if got := b.ask("zoe@mail.example.com"); got.body != failed {
		t.Errorf("a killed server: %d %s", got.status, got.body)
	}
}
