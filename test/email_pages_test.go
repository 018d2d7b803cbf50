package test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// The page that says to look for the mail names the address and how long the
// link lives, offers to send it again, and a way back to another address; it
// survives a reload, and knows nothing in a browser that didn't ask.
func TestTheVerifyRequestPage(t *testing.T) {
	g, server := startMail(t, "", "")
	b := g.browser()
	page := b.get("/api/auth/verify-request")
	if strings.Contains(page.body, "Send it again") || page.status != http.StatusOK {
		t.Errorf("without a mail the page is %d:\n%s", page.status, page.body)
	}
	b.post("/api/auth/signin/email", b.form("email", "zoe@mail.example.com", "callbackUrl", "/dash"))
	server.Wait(t)
	for range 2 {
		page = b.get("/api/auth/verify-request?provider=email&type=email")
		for _, want := range []string{"zoe@mail.example.com", "30 minutes", "Send it again", "You can send it again in", "Use another address"} {
			if !strings.Contains(page.body, want) {
				t.Errorf("the page doesn't say %q:\n%s", want, page.body)
			}
		}
	}
	form := confirmForm(t, page.body)
	if got := b.post("/api/auth/signin/email", form.Encode()); got.header.Get("Location") != g.origin+"/api/auth/verify-request?provider=email&type=email" {
		t.Errorf("sending again gives %d %s", got.status, got.header.Get("Location"))
	}
	if link := server.Wait(t).Link(t); !strings.Contains(link, url.QueryEscape(g.origin+"/dash")) {
		t.Errorf("the second link forgets where to go: %s", link)
	}
	if strings.Contains(b.get("/api/auth/signin").body, "zoe@mail") {
		t.Error("the sign-in page thinks that something failed")
	}
}

// What was typed stands in the form again, beside the message.
func TestAFailedMailKeepsWhatWasTyped(t *testing.T) {
	g, _ := startMail(t, "", "")
	b := g.browser()
	got := b.post("/api/auth/signin/email", b.form("email", "zoe@example"))
	b.visit(got.header.Get("Location"))
	page := b.visit("/api/auth/signin?error=EmailSignin")
	if !strings.Contains(page.body, `value="zoe@example"`) || !strings.Contains(page.body, `aria-invalid="true"`) {
		t.Errorf("the page is:\n%s", page.body)
	}
}

// A person's first sign-in leads over the new_user page, later ones don't; one
// person more is new again. Passwords are the operator's own users: never new.
func TestTheNewUserPage(t *testing.T) {
	g, server := startMail(t, "confirm off", "pages {\nnew_user /welcome?a=b\n}\n"+users())
	signIn := func(address string) string {
		b := g.browser()
		b.ask(address, "callbackUrl", "/dash")
		got := b.get(server.Wait(t).Link(t))
		if !b.signedIn() {
			t.Fatalf("%s is not signed in", address)
		}
		return got.header.Get("Location")
	}
	welcome := "/welcome?a=b&callbackUrl=" + url.QueryEscape(g.origin+"/dash")
	for _, want := range []struct{ address, location string }{
		{"zoe@mail.example.com", welcome},
		{"zoe@mail.example.com", g.origin + "/dash"},
		{"eve@mail.example.com", welcome},
	} {
		if got := signIn(want.address); got != want.location {
			t.Errorf("%s goes to %s, want %s", want.address, got, want.location)
		}
	}
	if got := g.browser().trySignIn("alice", password, "callbackUrl", "/dash"); got.body != `{"url":"`+g.origin+`/dash"}` {
		t.Errorf("a password user goes to %s", got.body)
	}
}

// Every page at the end of a failed sign-in shows the reference of the request
// that failed, which the log has, and not its own.
func TestTheReferenceIsOfTheFailure(t *testing.T) {
	op := providertest.New(t)
	t.Setenv("ISSUER", op.URL)
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		oidc corp {$ISSUER} `+op.ClientID+` `+op.ClientSecret+`
		oidc gone http://127.0.0.1:1 id secret
		email {
			from no-reply@example.com
			smtp 127.0.0.1:1 {
				tls off
			}
		}
		{$USERS}
		deny email alice@example.com
	}
	respond "ok"
}
`)
	for name, fail := range map[string]func(*browser) answer{
		"a callback without a sign-in": func(b *browser) answer { return b.visit("/api/auth/callback/corp?code=x&state=y") },
		"a provider's error":           func(b *browser) answer { return b.visit("/api/auth/callback/corp?error=access_denied&state=y") },
		"a provider that is down":      func(b *browser) answer { return b.post("/api/auth/signin/gone", b.form()) },
		"a mail server that is down":   func(b *browser) answer { return b.post("/api/auth/signin/email", b.form("email", "a@b.example")) },
		"a dead link":                  func(b *browser) answer { return b.get("/api/auth/callback/email?token=0&email=a%40b.example") },
		"a link without a token":       func(b *browser) answer { return b.get("/api/auth/callback/email") },
		"a wrong password": func(b *browser) answer {
			return b.post("/api/auth/callback/credentials", b.form("username", "alice", "password", "x"))
		},
		"a person whom rules refuse": func(b *browser) answer {
			return b.post("/api/auth/callback/credentials", b.form("username", "alice", "password", password))
		},
	} {
		b := g.browser()
		line := g.logged(b.reference(fail(b)))
		if text, _ := line["msg"].(string); strings.Contains(text, "a visitor was shown") {
			t.Errorf("%s: the reference is the page's own", name)
		}
		// The failure is told once; what is opened by hand is logged as that.
		line = g.logged(b.reference(b.visit("/api/auth/error?error=Verification")))
		if text, _ := line["msg"].(string); !strings.Contains(text, "a visitor was shown") {
			t.Errorf("%s: told twice: %v", name, line)
		}
	}
}
