package pages_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/pages"
)

const endpoints = "https://app.example.com/api/auth"

var (
	github   = pages.Provider{ID: "github", Name: "GitHub", Type: pages.TypeOAuth, Preset: "github"}
	google   = pages.Provider{ID: "google", Name: "Google", Type: pages.TypeOAuth}
	email    = pages.Provider{ID: "email", Name: "Email", Type: pages.TypeEmail}
	password = pages.Provider{
		ID: "credentials", Name: "Password", Type: pages.TypeCredentials,
		Fields: []pages.Field{{Name: "username", Label: "User name"}, {Name: "password", Label: "Password", Type: "password"}},
	}
)

func signIn(change func(*pages.SignIn), providers ...pages.Provider) pages.SignIn {
	page := pages.SignIn{Site: base, CSRFToken: "c5rf", CallbackURL: "https://app.example.com/a?b=1&c='\"<", Providers: providers}
	if change != nil {
		change(&page)
	}
	return page
}

func TestFormsSendWhatTheProtocolWants(t *testing.T) {
	const callback = "https://app.example.com/a?b=1&c='\"<"
	protocol := [][2]string{{"csrfToken", "c5rf"}, {"callbackUrl", callback}}
	link := pages.Confirm{Site: base, ProviderID: "email", Email: "a@b.example", Token: "t0", CallbackURL: callback}
	linkWithCSRF := link
	linkWithCSRF.CSRFToken = "c5rf"
	tests := map[string]struct {
		page   pages.Page
		action string
		want   [][2]string
	}{
		"oauth":       {signIn(nil, github), endpoints + "/signin/github", protocol},
		"email":       {signIn(nil, email), endpoints + "/signin/email", append(protocol[:2:2], [2]string{"email", ""})},
		"credentials": {signIn(nil, password), endpoints + "/callback/credentials", append(protocol[:2:2], [2]string{"username", ""}, [2]string{"password", ""})},
		"an id is one segment of the path": {
			signIn(nil, pages.Provider{ID: "a/b?c"}), endpoints + "/signin/a%2Fb%3Fc", protocol,
		},
		"sign-out": {
			pages.SignOut{Site: base, CSRFToken: "c5rf", CallbackURL: callback, User: &pages.User{Name: "A"}},
			endpoints + "/signout", protocol,
		},
		"resending a link": {
			pages.VerifyRequest{Site: base, Email: "a@b.example", Resend: &pages.Resend{ProviderID: "email", CSRFToken: "c5rf", CallbackURL: callback}},
			endpoints + "/signin/email", append(protocol[:2:2], [2]string{"email", "a@b.example"}),
		},
		"confirming a link": {
			link, endpoints + "/callback/email", [][2]string{{"callbackUrl", callback}, {"token", "t0"}, {"email", "a@b.example"}},
		},
		"confirming a link with a csrf token": {
			linkWithCSRF, endpoints + "/callback/email",
			[][2]string{{"callbackUrl", callback}, {"token", "t0"}, {"email", "a@b.example"}, {"csrfToken", "c5rf"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			page, _ := draw(t, test.page)
			form := page.form(t, test.action)
			if got := form.inputs(); form.get("method") != "post" || !slices.Equal(got, test.want) {
				t.Errorf("%s %q, want %q", form.get("method"), got, test.want)
			}
		})
	}
}

func TestFieldsTellTheBrowserWhatTheyAre(t *testing.T) {
	t.Parallel()
	odd := pages.Provider{ID: "odd", Type: pages.TypeCredentials, Fields: []pages.Field{
		{Name: "login"},
		{Name: "mail", Type: "email"},
		{Name: "pin", Type: "password", Autocomplete: "one-time-code"},
		{Name: "page", Type: "image", Autocomplete: "off"},
	}}
	page, _ := draw(t, signIn(nil, email, password, odd))
	tests := []struct{ name, kind, autocomplete, inputmode string }{
		{"email", "email", "email", "email"},
		{"username", "text", "username", ""},
		{"password", "password", "current-password", ""},
		{"login", "text", "username", ""},
		{"mail", "email", "email", "email"},
		{"pin", "password", "one-time-code", ""},
		{"page", "text", "off", ""},
	}
	for _, test := range tests {
		in := page.input(t, test.name)
		if in.get("type") != test.kind || in.get("autocomplete") != test.autocomplete || in.get("inputmode") != test.inputmode {
			t.Errorf("%s: %+v, want %+v", test.name, in.Attr, test)
		}
	}
}

func TestAMessageStandsAtTheFormItBelongsTo(t *testing.T) {
	staff := password
	staff.ID, staff.Name = "staff", "Staff"
	credentials := endpoints + "/callback/credentials"
	failed := func(code, provider string) func(*pages.SignIn) {
		return func(s *pages.SignIn) { s.Error, s.ErrorProvider, s.Username = code, provider, "alice" }
	}
	throttled := func(s *pages.SignIn) { s.RetryAfter = time.Minute }
	tests := map[string]struct {
		page   pages.SignIn
		action string // empty: above all forms
	}{
		"the only password form":           {signIn(failed("CredentialsSignin", ""), github, email, password), credentials},
		"the only email form":              {signIn(failed("EmailSignin", ""), github, email, password), endpoints + "/signin/email"},
		"one of two, when named":           {signIn(failed("CredentialsSignin", "staff"), password, staff), endpoints + "/callback/staff"},
		"one of two, when not named":       {signIn(failed("CredentialsSignin", ""), password, staff), ""},
		"a button, when named":             {signIn(failed("OAuthSignin", "github"), google, github), endpoints + "/signin/github"},
		"a button, when not named":         {signIn(failed("OAuthSignin", ""), github), ""},
		"a provider that is not there":     {signIn(failed("OAuthSignin", "gone"), github), ""},
		"a provider without a type":        {signIn(failed("OAuthCallback", ""), pages.Provider{ID: "x"}), ""},
		"the only form that was throttled": {signIn(throttled, github, password), credentials},
		"one of two that was throttled":    {signIn(throttled, email, password), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			page, _ := draw(t, test.page)
			alerts := page.where("role", "alert")
			if len(alerts) != 1 {
				t.Fatalf("%d alerts", len(alerts))
			}
			parent := document{alerts[0].Parent}
			if parent.get("action") != test.action {
				t.Errorf("it stands in <%s action=%q>", parent.Data, parent.get("action"))
			}
			for _, in := range page.where("aria-describedby", "alert") {
				if field := (document{in.Parent.Parent}); field.get("action") != test.action {
					t.Errorf("it describes %s of %s", in.get("name"), field.get("action"))
				}
			}
		})
	}
}

func TestAfterAWrongPasswordTheNameIsKeptAndThePasswordHasTheFocus(t *testing.T) {
	t.Parallel()
	page, _ := draw(t, signIn(func(s *pages.SignIn) { s.Error, s.Username = "CredentialsSignin", "alice" }, github, email, password))
	if name := page.input(t, "username"); name.get("value") != "alice" || name.has("autofocus") {
		t.Errorf("user name: %v", name.Attr)
	}
	in := page.input(t, "password")
	if !in.has("autofocus") || in.get("aria-invalid") != "true" || in.get("aria-describedby") != "alert" || in.has("value") {
		t.Errorf("password: %v", in.Attr)
	}
	if mail := page.input(t, "email"); mail.has("aria-invalid") || mail.has("aria-describedby") {
		t.Errorf("email: %v", mail.Attr)
	}
}

func TestWhatWasTypedIsKeptWhereItWasTyped(t *testing.T) {
	t.Parallel()
	backwards := pages.Provider{ID: "backwards", Type: pages.TypeCredentials, Fields: []pages.Field{
		{Name: "secret", Type: "password"}, {Name: "login"},
	}}
	page, body := draw(t, signIn(func(s *pages.SignIn) {
		s.Error, s.ErrorProvider, s.Username, s.Email = "CredentialsSignin", "backwards", "alice", "a@b.example"
	}, email, password, backwards))
	for name, want := range map[string]string{"login": "alice", "secret": "", "username": "", "email": "a@b.example"} {
		if got := page.input(t, name).get("value"); got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	if n := strings.Count(string(body), "alice"); n != 1 {
		t.Errorf("the user name stands there %d times", n)
	}
}

func TestEqualWaysLookEqual(t *testing.T) {
	t.Parallel()
	page, _ := draw(t, signIn(nil, github, google, email, password))
	for form := range page.elements("form") {
		asks := len(form.all("label")) > 0
		if button := form.where("type", "submit")[0]; button.hasClass("primary") != asks || button.hasClass("provider") == asks {
			t.Errorf("%s has the class %q", form.get("action"), button.get("class"))
		}
	}
}

func TestFocus(t *testing.T) {
	tests := map[string]struct {
		page pages.SignIn
		want string
	}{
		"a lone password form":        {signIn(nil, password), "username"},
		"a lone email form":           {signIn(nil, email), "email"},
		"several ways to sign in":     {signIn(nil, github, password), ""},
		"signed in already":           {signIn(func(s *pages.SignIn) { s.User = &pages.User{Name: "A"} }, password), ""},
		"a name kept":                 {signIn(func(s *pages.SignIn) { s.Username = "alice" }, github, password), "password"},
		"an address that was refused": {signIn(func(s *pages.SignIn) { s.Error, s.Email = "EmailSignin", "a@b" }, github, email), "email"},
		"a failed button":             {signIn(func(s *pages.SignIn) { s.Error, s.ErrorProvider = "OAuthSignin", "github" }, github, password), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			page, _ := draw(t, test.page)
			got := ""
			for _, in := range page.where("autofocus", "") {
				got += in.get("name")
			}
			if got != test.want {
				t.Errorf("focus on %q, want %q", got, test.want)
			}
		})
	}
}

func TestButtonsComeFirst(t *testing.T) {
	t.Parallel()
	page, _ := draw(t, signIn(nil, password, google, github, email))
	var order []string
	for form := range page.elements("form") {
		order = append(order, form.get("action")[len(endpoints):])
	}
	want := []string{"/signin/google", "/signin/github", "/callback/credentials", "/signin/email"}
	if !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
	for action, want := range map[string]string{"/signin/github": "Last used", "/signin/email": ""} {
		if got := page.form(t, endpoints+action).get("data-last-used"); got != want {
			t.Errorf("%s has for the script the words %q, want %q", action, got, want)
		}
	}
}

func TestButtonsSayWhichFormTheyAreOnlyWhereThereAreTwo(t *testing.T) {
	t.Parallel()
	staff, second := password, email
	staff.ID, staff.Name, second.ID, second.Name = "staff", "Staff", "short", "Short mail"
	button := func(page document, action string) string {
		return page.form(t, endpoints+action).where("type", "submit")[0].text()
	}
	one, _ := draw(t, signIn(nil, email, password))
	two, _ := draw(t, signIn(nil, email, second, password, staff))
	got := []string{
		button(one, "/signin/email"), button(one, "/callback/credentials"),
		button(two, "/signin/short"), button(two, "/callback/staff"),
	}
	want := []string{"Email me a sign-in link", "Sign in", "Sign in with Short mail", "Sign in with Staff"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := one.all("h2"); len(got) > 0 {
		t.Errorf("forms that nothing is like are headed %q", got[0].text())
	}
	if got := two.form(t, endpoints+"/callback/staff").all("h2"); len(got) != 1 || got[0].text() != "Staff" {
		t.Errorf("the form of two is headed %v, want Staff", got)
	}
}

func TestSomeoneSignedInMayGoOn(t *testing.T) {
	tests := map[string]struct {
		user  pages.User
		to    string
		words string
		want  string
	}{
		"by name":                   {pages.User{Name: "Alice", Email: "a@b.example"}, "/x?y=1", "Continue as Alice", "/x?y=1"},
		"by address":                {pages.User{Email: "a@b.example"}, "https://app.example.com/x", "Continue as a@b.example", "https://app.example.com/x"},
		"by nothing":                {pages.User{}, "", "Continue", "https://app.example.com/"},
		"but not to a script":       {pages.User{Name: "Alice"}, "javascript:alert(1)", "Continue as Alice", "https://app.example.com/"},
		"but not to another scheme": {pages.User{Name: "Alice"}, "//evil.example", "Continue as Alice", "https://app.example.com/"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			page, _ := draw(t, signIn(func(s *pages.SignIn) { s.User, s.CallbackURL = &test.user, test.to }, github))
			if got := page.link(test.words); got != test.want {
				t.Errorf("%q leads to %q, want %q", test.words, got, test.want)
			}
			page.form(t, endpoints+"/signin/github") // another account is still possible
		})
	}
}

func TestAThrottledVisitorIsToldHowLong(t *testing.T) {
	t.Parallel()
	page, _ := draw(t, signIn(func(s *pages.SignIn) { s.RetryAfter, s.Error = 40*time.Second, "CredentialsSignin" }, password))
	alert := page.where("role", "alert")[0]
	if got, want := alert.text(), "Too many attempts. Try again in 40 seconds."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if n := len(alert.where("data-countdown", "40")); n != 1 || alert.get("data-done") == "" {
		t.Errorf("%d countdowns, then %q", n, alert.get("data-done"))
	}
	if page.input(t, "password").has("aria-invalid") {
		t.Error("the password is called wrong")
	}
}

func TestTheSiteIsNamedByItsHostWhenItHasNoName(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://app.example.com:8443/api/auth": "Sign in to app.example.com:8443",
		"":                                      "Sign in to this site",
	} {
		page, _ := draw(t, pages.SignIn{Site: pages.Site{BaseURL: base}})
		if got := page.all("h1")[0].text(); got != want {
			t.Errorf("%q: %q, want %q", base, got, want)
		}
	}
}

func TestWithoutProvidersThePageSaysSo(t *testing.T) {
	t.Parallel()
	page, _ := draw(t, signIn(nil))
	if !strings.Contains(page.text(), "No way to sign in") {
		t.Error(page.text())
	}
}
