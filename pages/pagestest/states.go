// Package pagestest holds every state that a page can be in, for tests and
// for looking at them.
package pagestest

import (
	"time"

	"github.com/caddy-signin/caddy-signin/pages"
)

// State is one page in one state.
type State struct {
	// Name is fit for a file name.
	Name string
	Page pages.Page
}

const (
	csrf     = "ace24a1f0b3c5d7e9f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5ef616"
	callback = "https://app.example.com/reports/2026?tab=open&page=2"
)

var (
	site = pages.Site{
		Name:      "Example",
		BaseURL:   "https://app.example.com/api/auth",
		HomeURL:   "https://app.example.com/",
		Reference: "7f3a9c21",
	}
	alice = &pages.User{Name: "Alice Example", Email: "alice@example.com"}
	long  = &pages.User{
		Name:  "Maximiliane-Alexandra von und zu Hohenlohe-Waldenburg-Schillingsfürst",
		Email: "maximiliane.alexandra.hohenlohe.waldenburg@mail.example.com",
	}

	github   = pages.Provider{ID: "github", Name: "GitHub", Type: pages.TypeOAuth, Preset: "github"}
	google   = pages.Provider{ID: "google", Name: "Google", Type: pages.TypeOAuth, Preset: "google"}
	entra    = pages.Provider{ID: "azure-ad", Name: "Microsoft", Type: pages.TypeOAuth, Preset: "azure-ad"}
	corp     = pages.Provider{ID: "corp", Name: "Example Corp", Type: pages.TypeOAuth}
	email    = pages.Provider{ID: "email", Name: "Email", Type: pages.TypeEmail}
	password = pages.Provider{ID: "credentials", Name: "Password", Type: pages.TypeCredentials, Fields: loginFields}

	loginFields = []pages.Field{
		{Name: "username", Label: "Username", Type: "text"},
		{Name: "password", Label: "Password", Type: "password"},
	}
)

// States returns all of them.
func States() []State {
	return append(append(signIns(), signInMessages()...), others()...)
}

func signIn(change func(*pages.SignIn), providers ...pages.Provider) pages.SignIn {
	page := pages.SignIn{Site: site, CSRFToken: csrf, CallbackURL: callback, Providers: providers}
	if change != nil {
		change(&page)
	}
	return page
}

func signIns() []State {
	staff := pages.Provider{ID: "staff", Name: "Staff directory", Type: pages.TypeCredentials, Fields: loginFields}
	return []State{
		{"signin-one-provider", signIn(nil, github)},
		{"signin-three-providers", signIn(nil, google, entra, corp)},
		{"signin-twelve-providers", signIn(nil, twelve()...)},
		{"signin-password", signIn(nil, password)},
		{"signin-email", signIn(nil, email)},
		{"signin-all", signIn(nil, google, github, corp, email, password)},
		{"signin-two-password-forms", signIn(nil, password, staff)},
		{"signin-nothing", signIn(nil)},
		{"signin-signed-in", signIn(func(s *pages.SignIn) { s.User = alice }, google, github)},
		{"signin-logo", signIn(func(s *pages.SignIn) { s.Logo = "/logo.svg" }, google, password)},
		{"signin-long-names", signIn(func(s *pages.SignIn) {
			s.Name = "The Society for the Advancement of Unreasonably Long Organisation Names"
			s.User = long
		}, pages.Provider{
			ID:   "ministry",
			Name: "Bundesministerium für Rindfleischetikettierungsüberwachungsaufgabenübertragung",
			Type: pages.TypeOAuth,
		}, email)},
	}
}

func twelve() []pages.Provider {
	list := []pages.Provider{google, github, entra, corp}
	for _, name := range []string{"GitLab", "Keycloak", "Okta", "Auth0", "LinkedIn", "Slack", "Zitadel", "42 School"} {
		list = append(list, pages.Provider{ID: name, Name: name, Type: pages.TypeOAuth, Preset: name})
	}
	return list
}

func signInMessages() []State {
	failed := func(code, provider string) func(*pages.SignIn) {
		return func(s *pages.SignIn) { s.Error, s.ErrorProvider = code, provider }
	}
	return []State{
		{"signin-error-password", signIn(func(s *pages.SignIn) {
			s.Error, s.Username = "CredentialsSignin", "alice"
		}, google, email, password)},
		{"signin-error-email", signIn(func(s *pages.SignIn) {
			s.Error, s.Email = "EmailSignin", "alice@example"
		}, google, email, password)},
		{"signin-error-provider", signIn(failed("OAuthSignin", "github"), google, github, password)},
		{"signin-error-callback", signIn(failed("OAuthCallback", ""), google, github, password)},
		{"signin-error-not-linked", signIn(failed("OAuthAccountNotLinked", ""), google, github)},
		{"signin-error-unknown", signIn(failed("no such code", ""), google, github)},
		{"signin-form-expired", signIn(failed(pages.CodeFormExpired, ""), google, password)},
		{"signin-session-required", signIn(failed("SessionRequired", ""), google, password)},
		{"signin-throttled", signIn(func(s *pages.SignIn) {
			s.RetryAfter, s.Username = 40*time.Second, "alice"
		}, google, password)},
		{"signin-throttled-long", signIn(func(s *pages.SignIn) { s.RetryAfter = 14 * time.Minute }, email, password)},
	}
}

func others() []State {
	failed := func(code string) pages.Error { return pages.Error{Site: site, Code: code} }
	signOut := pages.SignOut{Site: site, CSRFToken: csrf, CallbackURL: callback, CancelURL: "/reports", User: alice}
	nobody, expired, longNames := signOut, signOut, signOut
	nobody.User, expired.Error, longNames.User = nil, pages.CodeFormExpired, long
	return []State{
		{"signout", signOut},
		{"signout-nobody", nobody},
		{"signout-form-expired", expired},
		{"signout-long-names", longNames},
		{"error-default", failed("no such code")},
		{"error-configuration", failed("Configuration")},
		{"error-access-denied", failed("AccessDenied")},
		{"error-verification", failed("Verification")},
		{"error-link-used", failed(pages.CodeLinkUsed)},
		{"error-link-expired", failed(pages.CodeLinkExpired)},
		{"error-link-browser", failed(pages.CodeLinkBrowser)},
		{"verify-request", pages.VerifyRequest{
			Site: site, Email: alice.Email, ExpiresIn: 30 * time.Minute,
			Resend: &pages.Resend{ProviderID: "email", CSRFToken: csrf, CallbackURL: callback, Wait: 30 * time.Second},
		}},
		{"verify-request-bare", pages.VerifyRequest{Site: site}},
		{"verify-request-long-names", pages.VerifyRequest{Site: site, Email: long.Email, ExpiresIn: 24 * time.Hour}},
		{"confirm", pages.Confirm{
			Site: site, ProviderID: "email", Email: alice.Email, Token: csrf, CallbackURL: callback, CSRFToken: csrf,
		}},
		{"forbidden", pages.Forbidden{Site: site, User: alice, SignOutURL: "/api/auth/signout"}},
		{"forbidden-long-names", pages.Forbidden{Site: site, User: long}},
		{"unauthorized-frame", pages.Unauthorized{Site: site}},
		{"unauthorized-posted", pages.Unauthorized{Site: site, Posted: true}},
		{"unavailable", pages.Unavailable{Site: site, RetryAfter: 30 * time.Second, RetryURL: "/reports"}},
		{"unavailable-posted", pages.Unavailable{Site: site, Posted: true}},
	}
}
