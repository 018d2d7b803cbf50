package pages_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/pages"
)

// codes are all that the protocol names, v4 and v5, and ours.
var codes = []string{
	"Signin", "OAuthSignin", "OAuthCallback", "OAuthCreateAccount", "EmailCreateAccount", "Callback",
	"OAuthAccountNotLinked", "EmailSignin", "CredentialsSignin", "SessionRequired",
	"Configuration", "AccessDenied", "Verification", "OAuthCallbackError",
	pages.CodeFormExpired, pages.CodeLinkUsed, pages.CodeLinkExpired, pages.CodeLinkBrowser,
}

func TestEveryErrorCodeHasWordsOfItsOwn(t *testing.T) {
	t.Parallel()
	unknown, _ := draw(t, pages.Error{Site: base, Code: "no such code"})
	for _, code := range codes {
		for _, spelled := range []string{code, strings.ToLower(code), strings.ToUpper(code)} {
			page, _ := draw(t, pages.Error{Site: base, Code: spelled})
			if page.text() == unknown.text() {
				t.Errorf("%s has none", spelled)
			}
			if page.all("h1")[0].text() == "" || page.all("p")[0].text() == "" {
				t.Errorf("%s is silent", spelled)
			}
		}
	}
	for _, code := range []string{"", "Default"} {
		if page, _ := draw(t, pages.Error{Site: base, Code: code}); page.text() != unknown.text() {
			t.Errorf("%q is not the default", code)
		}
	}
}

func TestNoCodeIsEchoed(t *testing.T) {
	t.Parallel()
	for _, code := range append(codes, "unknown-code", "<b>") {
		for _, page := range []pages.Page{
			pages.Error{Site: base, Code: code},
			signIn(func(s *pages.SignIn) { s.Error = code }, github),
			pages.SignOut{Site: base, User: &pages.User{Name: "A"}, Error: code},
		} {
			if doc, _ := draw(t, page); strings.Contains(doc.text(), code) {
				t.Errorf("%T shows %s", page, code)
			}
		}
	}
}

func TestAnErrorHasAWayOut(t *testing.T) {
	tests := map[string]struct {
		page   pages.Error
		action string
		to     string
	}{
		"try again":         {pages.Error{Site: base}, "Try again", endpoints + "/signin"},
		"elsewhere":         {pages.Error{Site: base, SignInURL: "/login"}, "Try again", "/login"},
		"never to a script": {pages.Error{Site: base, SignInURL: "javascript:alert(1)"}, "Try again", endpoints + "/signin"},
		"another account":   {pages.Error{Site: base, Code: "AccessDenied"}, "Use another account", endpoints + "/signin"},
		"a new link":        {pages.Error{Site: base, Code: "Verification"}, "Get a new link", endpoints + "/signin"},
		"home":              {pages.Error{Site: base}, "Go to Example", "https://app.example.com/"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			page, _ := draw(t, test.page)
			if got := page.link(test.action); got != test.to {
				t.Errorf("%q leads to %q, want %q", test.action, got, test.to)
			}
		})
	}
}

func TestTheReferenceIsShownWhereTheLogKnowsMore(t *testing.T) {
	site := base
	site.Reference = "7f3a9c21"
	tests := map[string]struct {
		page pages.Page
		want bool
	}{
		"configuration":         {pages.Error{Site: site, Code: "Configuration"}, true},
		"unknown error":         {pages.Error{Site: site}, true},
		"a dead link":           {pages.Error{Site: site, Code: "Verification"}, true},
		"provider out of reach": {pages.SignIn{Site: site, Error: "OAuthSignin"}, true},
		"wrong password":        {pages.SignIn{Site: site, Error: "CredentialsSignin"}, true},
		"no error":              {pages.SignIn{Site: site}, false},
		"forbidden":             {pages.Forbidden{Site: site}, true},
		"unavailable":           {pages.Unavailable{Site: site}, true},
		"none given":            {pages.Error{Site: base}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			page, _ := draw(t, test.page)
			if got := strings.Contains(page.text(), "Reference: 7f3a9c21"); got != test.want {
				t.Errorf("shown: %v", got)
			}
		})
	}
}

func TestSignOutNamesWhoAndOffersAWayBack(t *testing.T) {
	t.Parallel()
	page, _ := draw(t, pages.SignOut{Site: base, User: &pages.User{Name: "Alice", Email: "a@b.example"}, CancelURL: "/reports"})
	for _, want := range []string{"Sign out of Example?", "Signed in as", "Alice", "a@b.example"} {
		if !strings.Contains(page.text(), want) {
			t.Errorf("no %q in %q", want, page.text())
		}
	}
	if form := page.form(t, endpoints+"/signout"); len(primaries(form)) != 1 {
		t.Error("signing out is not the primary action")
	}
	if got := page.link("Cancel"); got != "/reports" {
		t.Errorf("Cancel leads to %q", got)
	}
	page, _ = draw(t, pages.SignOut{Site: base, User: &pages.User{}})
	if got := page.link("Cancel"); got != "https://app.example.com/" {
		t.Errorf("Cancel leads to %q", got)
	}
}

func TestSignOutOffersAllDevices(t *testing.T) {
	t.Parallel()
	page, _ := draw(t, pages.SignOut{Site: base, CSRFToken: "c5rf", User: &pages.User{Name: "Alice"}})
	var everywhere []string
	for _, form := range page.all("form") {
		for _, input := range form.all("input") {
			if input.get("name") == "everywhere" {
				everywhere = append(everywhere, input.get("value"), form.text())
			}
		}
	}
	if want := []string{"true", "Sign out on all devices"}; !slices.Equal(everywhere, want) {
		t.Errorf("the forms say %q, want %q", everywhere, want)
	}
}

func TestSignOutSaysSoWhenNobodyIsSignedIn(t *testing.T) {
	t.Parallel()
	page, _ := draw(t, pages.SignOut{Site: base})
	if len(page.all("form")) != 0 || page.all("h1")[0].text() != "You are not signed in" {
		t.Error(page.text())
	}
	if got := page.link("Sign in"); got != endpoints+"/signin" {
		t.Errorf("Sign in leads to %q", got)
	}
}

func TestCheckYourEmailNamesAddressAndTime(t *testing.T) {
	t.Parallel()
	page, _ := draw(t, pages.VerifyRequest{
		Site: base, Email: "a@b.example", ExpiresIn: 30 * time.Minute, SignInURL: "/login",
		Resend: &pages.Resend{ProviderID: "email", Wait: 30 * time.Second},
	})
	for _, want := range []string{
		"on its way to a@b.example.", "It works once, within 30 minutes.", "You can send it again in 30 seconds.",
	} {
		if !strings.Contains(page.text(), want) {
			t.Errorf("no %q in %q", want, page.text())
		}
	}
	if got := page.link("Use another address"); got != "/login" {
		t.Errorf("another address: %q", got)
	}
	bare, _ := draw(t, pages.VerifyRequest{Site: base, Resend: &pages.Resend{ProviderID: "email"}})
	if !strings.Contains(bare.text(), "on its way to you. It works once.") || len(bare.all("form")) != 0 {
		t.Error(bare.text())
	}
}

func TestGatesSayWhatHappened(t *testing.T) {
	alice := &pages.User{Name: "Alice", Email: "a@b.example"}
	tests := map[string]struct {
		page  pages.Page
		says  string
		links map[string]string
	}{
		"forbidden": {
			pages.Forbidden{Site: base, User: alice, SignOutURL: "/api/auth/signout"},
			"a@b.example",
			map[string]string{"Use another account": endpoints + "/signin", "Sign out": "/api/auth/signout", "Go to Example": "https://app.example.com/"},
		},
		"unauthorized in a frame": {
			pages.Unauthorized{Site: base, SignInURL: "/login"},
			"You need to be signed in to see this.",
			map[string]string{"Sign in": "/login"},
		},
		"unauthorized after a post": {
			pages.Unauthorized{Site: base, Posted: true},
			"what you sent was not saved",
			map[string]string{"Sign in": endpoints + "/signin"},
		},
		"unavailable": {
			pages.Unavailable{Site: base, RetryAfter: 30 * time.Second, RetryURL: "/x"},
			"You have not been signed out. Try again in 30 seconds.",
			map[string]string{"Try again": "/x"},
		},
		"unavailable after a post": {
			pages.Unavailable{Site: base, Posted: true},
			"What you sent was not saved.",
			map[string]string{"Try again": ""},
		},
		"confirm": {pages.Confirm{Site: base, Email: "a@b.example"}, "You are signing in as a@b.example.", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			page, _ := draw(t, test.page)
			if !strings.Contains(page.text(), test.says) {
				t.Errorf("no %q in %q", test.says, page.text())
			}
			for words, want := range test.links {
				if got := page.link(words); got != want {
					t.Errorf("%q leads to %q, want %q", words, got, want)
				}
			}
		})
	}
}
