package test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const serviceSite = `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		resend {env.MAIL_KEY} {
			from no-reply@example.com
			endpoint {$MAIL}/emails
		}
		allow email *@mail.example.com
	}
	respond "ok"
}
`

// signIn("resend", { email }) of the client, by a service that takes mails over
// HTTP: what it sends is what other providers' mails hold. An address that the
// rules refuse is answered alike, and asks the service the same question first.
func TestSigningInByAMailService(t *testing.T) {
	asked, texts := make(chan string, 10), make(chan string, 10)
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.URL.Path
		if r.Method != http.MethodPost {
			return
		}
		var mail struct{ Text string }
		if err := json.NewDecoder(r.Body).Decode(&mail); err != nil || r.Header.Get("Authorization") != "Bearer key-of-mail-service" {
			t.Errorf("the service got %v: %v", r.Header, err)
		}
		texts <- mail.Text
	}))
	t.Cleanup(service.Close)
	t.Setenv("MAIL", service.URL)
	g := start(t, serviceSite)
	b := g.browser()
	ask := func(address string) answer {
		return b.post("/api/auth/signin/resend", b.form("email", address, "json", "true"))
	}
	refused := ask("eve@evil.example")
	if got := ask("zoe@mail.example.com"); got.status != refused.status || got.body != refused.body ||
		!strings.Contains(got.body, "/api/auth/verify-request?provider=resend&type=email") {
		t.Errorf("%d %s; a refused address gives %d %s", got.status, got.body, refused.status, refused.body)
	}
	text := <-texts
	for _, want := range []string{"HEAD /", "HEAD /", "POST /emails"} {
		if got := <-asked; got != want {
			t.Errorf("the service was asked %s, want %s", got, want)
		}
	}
	for line := range strings.Lines(text) {
		if link := strings.TrimSpace(line); strings.Contains(link, "/callback/resend?") {
			b.confirm(link)
		}
	}
	if !b.signedIn() {
		t.Errorf("no link of the mail signs in:\n%s", text)
	}
	service.Close()
	if got := ask("zoe@mail.example.com"); !strings.Contains(got.body, "error=EmailSignin") {
		t.Errorf("a service that is gone gives %d %s", got.status, got.body)
	}
	if raw, err := json.Marshal(g.logs()); err != nil || strings.Contains(string(raw), "key-of-mail-service") {
		t.Error("the log has the key")
	}
}
