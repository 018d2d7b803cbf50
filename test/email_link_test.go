package test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// deadLink is where a link leads that does not work.
func (g *gateway) deadLink() string { return g.origin + "/api/auth/error?error=Verification" }

// confirm opens a link and presses the button.
func (b *browser) confirm(link string) answer {
	b.t.Helper()
	form := confirmForm(b.t, b.get(link).body)
	path, _, _ := strings.Cut(link, "?")
	return b.post(path, form.Encode())
}

// change returns a link with a parameter changed; an empty value drops it.
func change(t *testing.T, link, name, value string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set(name, value)
	if value == "" {
		query.Del(name)
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// With confirm off a link works as NextAuth's: opening it signs in.
func TestALinkWithoutConfirmation(t *testing.T) {
	g, server := startMail(t, "confirm off", "")
	g.browser().ask("zoe@mail.example.com", "callbackUrl", "/dash")
	link := server.Wait(t).Link(t)
	if got := g.browser().do(http.MethodHead, link, ""); got.status != http.StatusBadRequest {
		t.Errorf("HEAD gives %d", got.status)
	}
	expectAnswer(t, g.browser().get(link), g.origin, `302
		<private>
		Location: {O}/dash
		Set-Cookie: next-auth.csrf-token=<hex>%7C<hex>; Path=/; HttpOnly; SameSite=Lax
		Set-Cookie: next-auth.callback-url={O%}%2Fdash; Path=/; HttpOnly; SameSite=Lax
		Set-Cookie: next-auth.session-token=<jwe>; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax`)
	b := g.browser()
	b.csrf()
	expectAnswer(t, b.get(link), g.origin, `302
		<private>
		Location: {O}/api/auth/error?error=Verification
		Set-Cookie: next-auth.callback-url={O%}%2Fdash; Path=/; HttpOnly; SameSite=Lax
		Set-Cookie: next-auth.state.note=<jwe>; Max-Age=60; Path=/; HttpOnly; SameSite=Lax`)
	b.ask("zoe@mail.example.com")
	if got := b.post(server.Wait(t).Link(t), ""); got.status != http.StatusFound || !b.signedIn() {
		t.Errorf("a POST with the link's query gives %d", got.status)
	}
}

func TestLinksThatDoNotWork(t *testing.T) {
	g, server := startMail(t, "confirm off", "")
	g.browser().ask("zoe@mail.example.com")
	link := server.Wait(t).Link(t)
	token, _, _ := strings.Cut(link[strings.Index(link, "token=")+len("token="):], "&")
	for name, tc := range map[string]struct{ link, location string }{
		"another token":          {change(t, link, "token", strings.Repeat("0", 64)), g.deadLink()},
		"a token cut short":      {change(t, link, "token", token[:63]), g.deadLink()},
		"a token in capitals":    {change(t, link, "token", strings.ToUpper(token)), g.deadLink()},
		"another address":        {change(t, link, "email", "eve@mail.example.com"), g.deadLink()},
		"no address":             {change(t, link, "email", ""), g.deadLink()},
		"no such address":        {change(t, link, "email", "zoe"), g.deadLink()},
		"two addresses":          {link + "&email=eve%40mail.example.com", g.deadLink()},
		"two tokens":             {link + "&token=" + token, g.origin + "/api/auth/error?error=configuration"},
		"no token":               {change(t, link, "token", ""), g.origin + "/api/auth/error?error=configuration"},
		"NUL behind the address": {change(t, link, "email", "zoe@mail.example.com\x00"), g.deadLink()},
	} {
		b := g.browser()
		if got := b.get(tc.link); got.header.Get("Location") != tc.location || b.signedIn() {
			t.Errorf("%s: %d %s", name, got.status, got.header.Get("Location"))
		}
	}
	b := g.browser()
	if b.get(link); !b.signedIn() {
		t.Error("a wrong guess spent the link")
	}
}

// Several links may be outstanding; each works once, also for many at once, and
// wherever a link wants to lead, it leads nowhere else.
func TestLinksWorkOnce(t *testing.T) {
	g, server := startMail(t, "confirm off", "")
	g.browser().ask("zoe@mail.example.com", "callbackUrl", "/one")
	first := server.Wait(t).Link(t)
	g.browser().ask("zoe@mail.example.com", "callbackUrl", "/two")
	second := server.Wait(t).Link(t)
	if got := g.browser().get(change(t, first, "callbackUrl", "https://evil.example/")); got.header.Get("Location") != g.origin {
		t.Errorf("a link leads to %s", got.header.Get("Location"))
	}
	var wait sync.WaitGroup
	signedIn := make(chan bool, 10)
	for range 10 {
		b := g.browser()
		wait.Go(func() { signedIn <- b.get(second).header.Get("Location") == g.origin+"/two" })
	}
	wait.Wait()
	close(signedIn)
	good := 0
	for ok := range signedIn {
		if ok {
			good++
		}
	}
	if good != 1 {
		t.Errorf("%d of 10 uses at once signed in", good)
	}
}

// NextAuth takes a link at any e-mail provider's id: here it is bound to its own.
func TestALinkIsGoodAtItsOwnProviderOnly(t *testing.T) {
	g, server := startMail(t, "confirm off", `email {
		id email-short
		name Short
		from short@example.com
		confirm off
		smtp MAIL {
			tls off
		}
	}`)
	g.browser().ask("zoe@mail.example.com")
	link := server.Wait(t).Link(t)
	b := g.browser()
	if got := b.get(strings.Replace(link, "/callback/email?", "/callback/email-short?", 1)); got.header.Get("Location") != g.deadLink() || b.signedIn() {
		t.Errorf("the other provider takes it: %d %s", got.status, got.header.Get("Location"))
	}
	if b.get(link); !b.signedIn() {
		t.Error("trying it elsewhere spent it")
	}
	b.post("/api/auth/signin/email-short", b.form("email", "zoe@mail.example.com"))
	mail := server.Wait(t)
	if mail.From != "short@example.com" || !strings.Contains(mail.Link(t), "/callback/email-short?") {
		t.Errorf("the other provider's mail is from %s with %s", mail.From, mail.Link(t))
	}
}

// The button of the page works where the form is what the page holds: an address
// that the sender changed proves nothing.
func TestTheConfirmationsFormIsCheckedAsTheLink(t *testing.T) {
	g, server := startMail(t, "", "")
	g.browser().ask("zoe@mail.example.com")
	link := server.Wait(t).Link(t)
	b := g.browser()
	form := confirmForm(t, b.get(link).body)
	form.Set("email", "eve@mail.example.com")
	if got := b.post("/api/auth/callback/email", form.Encode()); got.header.Get("Location") != g.deadLink() || b.signedIn() {
		t.Errorf("another address gives %d %s", got.status, got.header.Get("Location"))
	}
	form.Set("email", "zoe@mail.example.com")
	foreign := b.post("/api/auth/callback/email", form.Encode(), "Sec-Fetch-Site: cross-site")
	if foreign.header.Get("Location") != g.origin+"/api/auth/signin?csrf=true" || b.signedIn() {
		t.Errorf("another site's form gives %d %s", foreign.status, foreign.header.Get("Location"))
	}
	form.Set("callbackUrl", "https://evil.example/")
	if got := b.post("/api/auth/callback/email", form.Encode()); got.header.Get("Location") != g.origin || !b.signedIn() {
		t.Errorf("the button leads to %s", got.header.Get("Location"))
	}
}

// Neither a token nor what it is hashed to gets into the log.
func TestTheLogHoldsNoToken(t *testing.T) {
	g, server := startMail(t, "", "")
	g.browser().ask("zoe@mail.example.com")
	link := server.Wait(t).Link(t)
	token, _, _ := strings.Cut(link[strings.Index(link, "token=")+len("token="):], "&")
	b := g.browser()
	b.confirm(link)
	b.confirm(link)
	lines := 0
	for _, line := range g.logs() {
		lines++
		if line["logger"] == "http.log.access" {
			continue // Caddy's own: the documentation shows the filter
		}
		for name, value := range line {
			if text, ok := value.(string); ok && strings.Contains(text, token) {
				t.Errorf("the log's %s has the token: %s", name, text)
			}
		}
	}
	if lines == 0 {
		t.Error("nothing was logged")
	}
}
