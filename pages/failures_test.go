package pages_test

import (
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/pages"
)

// Every code of the protocol says in words of its own what happened and what to
// do now, and shows the reference of the log line. SessionRequired is no failure.
func TestEveryErrorCodeSpeaks(t *testing.T) {
	t.Parallel()
	codes := []string{
		"Signin", "OAuthSignin", "OAuthCallback", "OAuthCreateAccount", "EmailCreateAccount", "Callback",
		"OAuthAccountNotLinked", "EmailSignin", "CredentialsSignin", "Configuration", "AccessDenied", "Verification",
	}
	site := base
	site.Reference = "7f3a9c21"
	general, _ := draw(t, pages.Error{Site: site, Code: "no such code"})
	for _, code := range codes {
		page, _ := draw(t, pages.Error{Site: site, Code: code})
		if page.text() == general.text() {
			t.Errorf("%s has no words of its own", code)
		}
		if !strings.Contains(page.text(), "7f3a9c21") {
			t.Errorf("%s shows no reference: %s", code, page.text())
		}
	}
}
