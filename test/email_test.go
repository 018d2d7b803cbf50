package test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// mailSite is a site with e-mail links, whose mail server {$MAIL} names.
const mailSite = `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		email {
			from "Example <no-reply@example.com>"
			smtp {$MAIL} {
				tls off
			}
			{$MAIL_OPTIONS}
		}
		{$REALM}
	}
	respond "ok"
}
`

// startMail starts mailSite with a mail server; options are lines of the email
// block, realm lines of the realm, where MAIL stands for the server's address.
func startMail(t *testing.T, options, realm string) (*gateway, *providertest.MailServer) {
	t.Helper()
	server := providertest.NewMailServer(t, providertest.MailOptions{})
	t.Setenv("MAIL", server.Address)
	t.Setenv("MAIL_OPTIONS", options)
	t.Setenv("REALM", strings.ReplaceAll(realm, "MAIL", server.Address))
	return start(t, mailSite), server
}

// ask asks for a link as the client does.
func (b *browser) ask(address string, more ...string) answer {
	b.t.Helper()
	return b.post("/api/auth/signin/email", b.form(append([]string{"email", address, "json", "true"}, more...)...))
}

const verifyRequest = `{"url":"{O}/api/auth/verify-request?provider=email&type=email"}`

// Who asks for a link is answered as NextAuth.js answers, to the byte.
func TestAskingForALink(t *testing.T) {
	g, server := startMail(t, "", "")
	const signIn = "/api/auth/signin/email"
	note := `Set-Cookie: next-auth.state.note=<jwe>; Max-Age=1800; Path=/; HttpOnly; SameSite=Lax`
	failed := `Set-Cookie: next-auth.state.note=<jwe>; Max-Age=60; Path=/; HttpOnly; SameSite=Lax`
	runExchanges(t, g, []exchange{
		{"for the client", nil, signIn, "email=zoe@mail.example.com&callbackUrl=/dash&json=true", `200
			<json>
			<private>
			Set-Cookie: next-auth.callback-url={O%}%2Fdash; Path=/; HttpOnly; SameSite=Lax
			` + note + `

			` + verifyRequest},
		{"for the client that shows no page", nil, signIn, "email=zoe@mail.example.com&json=true&redirect=false", `200
			<json>
			<private>

			` + verifyRequest},
		{"as a form", nil, signIn, "email=+Zoe@MAIL.example.com+", `302
			<private>
			Location: {O}/api/auth/verify-request?provider=email&type=email
			` + note},
		{"no address", nil, signIn, "json=true", `200
			<json>
			<private>
			` + failed + `

			{"url":"{O}/api/auth/error?error=EmailSignin"}`},
		{"two addresses", nil, signIn, "email=a@b.example&email=c@d.example&json=true&redirect=false", `200
			<json>
			<private>

			{"url":"{O}/api/auth/error?error=EmailSignin"}`},
		{"no address at all", nil, signIn, "email=nonsense", `302
			<private>
			Location: {O}/api/auth/error?error=EmailSignin
			` + failed},
	})
	for range 3 {
		server.Wait(t)
	}
	for _, mail := range server.Mails() {
		if mail.To != "zoe@mail.example.com" {
			t.Errorf("a mail went to %s", mail.To)
		}
	}
	b := g.browser()
	expectAnswer(t, b.post(signIn, "email=a@b.example&json=true"), g.origin, `200
		<json>
		<private>
		Set-Cookie: next-auth.csrf-token=<hex>%7C<hex>; Path=/; HttpOnly; SameSite=Lax
		Set-Cookie: next-auth.callback-url={O%}; Path=/; HttpOnly; SameSite=Lax

		{"url":"{O}/api/auth/signin?csrf=true"}`)
}

// The link is NextAuth's, to the byte, and its origin is the site's own.
func TestTheMail(t *testing.T) {
	g, server := startMail(t, "reply_to help@example.com", "")
	b := g.browser()
	b.post("/api/auth/signin/email", b.form("email", "Zoe@Mail.Example.com", "callbackUrl", "/dash?a=b&c"),
		"X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https",
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 visit evil.example")
	mail := server.Wait(t)
	want := regexp.MustCompile(`^` + regexp.QuoteMeta(g.origin+"/api/auth/callback/email?callbackUrl="+
		url.QueryEscape(g.origin+"/dash?a=b&c")+"&token=") + `[0-9a-f]{64}&email=zoe%40mail\.example\.com$`)
	link := mail.Link(t)
	if !want.MatchString(link) {
		t.Errorf("the link is %s", link)
	}
	host := strings.TrimPrefix(g.origin, "http://")
	if got := mail.Subject(t); got != "Sign in to "+host {
		t.Errorf("the subject is %q", got)
	}
	html, text := mail.Part(t, "text/html"), mail.Part(t, "text/plain")
	if n := strings.Count(html, `href="`+strings.ReplaceAll(link, "&", "&amp;")+`"`); n != 2 {
		t.Errorf("the HTML has the link %d times, want a button and the visible one:\n%s", n, html)
	}
	for _, part := range []string{html, text} {
		for _, told := range []string{host, "zoe@mail.example.com", "30 minutes", "127.0.0.1", "Firefox on Linux", " UTC"} {
			if !strings.Contains(part, told) {
				t.Errorf("a part doesn't tell %q:\n%s", told, part)
			}
		}
	}
	if strings.Contains(mail.Raw, "evil.example") {
		t.Errorf("a header of the client's is in the mail:\n%s", mail.Raw)
	}
	for name, want := range map[string]string{
		"From": `"Example" <no-reply@example.com>`, "To": "<zoe@mail.example.com>",
		"Reply-To": "<help@example.com>", "Auto-Submitted": "auto-generated",
	} {
		if got := mail.Header.Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if mail.From != "no-reply@example.com" {
		t.Errorf("the envelope's sender is %s", mail.From)
	}
}

// confirmForm is the button's form on the page that a link opens.
func confirmForm(t *testing.T, page string) url.Values {
	t.Helper()
	fields := make(url.Values)
	for _, field := range regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`).FindAllStringSubmatch(page, -1) {
		fields.Set(field[1], strings.ReplaceAll(field[2], "&amp;", "&"))
	}
	return fields
}

// A button completes the sign-in: opening the link spends nothing, in whichever
// browser and however often.
func TestALinkIsConfirmed(t *testing.T) {
	g, server := startMail(t, "", "")
	g.browser().ask("zoe@mail.example.com", "callbackUrl", "/dash")
	link := server.Wait(t).Link(t)
	if got := g.browser().do(http.MethodHead, link, ""); got.status != http.StatusBadRequest {
		t.Errorf("HEAD gives %d", got.status)
	}
	for range 3 {
		if got := g.browser().get(link); got.status != http.StatusOK || strings.Contains(strings.Join(got.header["Set-Cookie"], ""), plain.Session) {
			t.Errorf("opening the link gives %d %v", got.status, got.header)
		}
	}
	other := g.browser() // without any cookie
	page := other.get(link)
	if got := page.header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("Referrer-Policy: %s", got)
	}
	form := confirmForm(t, page.body)
	other.post("/api/auth/callback/email", strings.Replace(form.Encode(), "csrfToken=", "csrfToken=0", 1))
	if other.signedIn() {
		t.Fatal("the button works without its CSRF token")
	}
	got := other.post("/api/auth/callback/email", form.Encode())
	if got.status != http.StatusFound || got.header.Get("Location") != g.origin+"/dash" {
		t.Fatalf("the button gives %d %s", got.status, got.header.Get("Location"))
	}
	if session := other.session(); !strings.HasPrefix(session, `{"user":{"email":"zoe@mail.example.com"},"expires":`) {
		t.Errorf("the session is %s", session)
	}
	claims := open(t, secret, other.token())
	if claims.Provider != "email" || claims.Subject != "zoe@mail.example.com" || !claims.EmailVerified {
		t.Errorf("the session's claims are %+v", claims)
	}
	again := g.browser()
	form = confirmForm(t, again.get(link).body)
	if got := again.post("/api/auth/callback/email", form.Encode()); got.header.Get("Location") != g.origin+"/api/auth/error?error=Verification" || again.signedIn() {
		t.Errorf("the link works twice: %d %s", got.status, got.header.Get("Location"))
	}
}
