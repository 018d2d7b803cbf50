package pages_test

import (
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/pages"
)

var base = pages.Site{Name: "Example", BaseURL: "https://app.example.com/api/auth", HomeURL: "https://app.example.com/"}

func withLogo(logo string) pages.Site {
	site := base
	site.Logo = logo
	return site
}

var anyHash = regexp.MustCompile(`'sha256-[A-Za-z0-9+/=]+'`)

func TestContentSecurityPolicy(t *testing.T) {
	const (
		start  = "default-src 'none'; style-src HASH; img-src 'self'"
		script = "; script-src 'self'; form-action 'self' https:"
		quiet  = "; script-src 'none'; form-action 'none'"
		end    = "; frame-ancestors 'none'; base-uri 'none'"
	)
	provider := []pages.Provider{{ID: "x", Name: "X"}}
	tests := map[string]struct {
		page    pages.Page
		actions []string
		want    string
	}{
		"a page with forms may run its script and post": {
			pages.SignIn{Site: base, Providers: provider}, nil, start + script + end,
		},
		"a page without forms may do neither": {pages.Error{Site: base}, []string{"http://127.0.0.1:5556"}, start + quiet + end},
		"http origins of form actions are named once, without path": {
			pages.SignOut{Site: base, User: &pages.User{Name: "A"}},
			[]string{"http://127.0.0.1:5556/dex/auth?x=1", "http://localhost", "http://localhost/y"},
			start + script + " http://127.0.0.1:5556 http://localhost" + end,
		},
		"what is no http(s) origin is left out": {
			pages.SignIn{Site: base, Providers: provider},
			[]string{
				"", "*", "javascript:alert(1)", "http:", "http://", "http://a; script-src *", "http://a b", "http://*",
				"http://a,b", "http://a;b", "http://[::1]:80", "ftp://a", "http://a'b", "http://'unsafe-inline'",
			},
			start + script + end,
		},
		"userinfo of a form action is left out": {
			pages.SignIn{Site: base, Providers: provider},
			[]string{"http://good@evil.example"},
			start + script + " http://evil.example" + end,
		},
		"a logo elsewhere adds its origin": {
			pages.Error{Site: withLogo("https://cdn.example/logo.svg")}, nil, start + " https://cdn.example" + quiet + end,
		},
		"a logo by path is on the host of the endpoints": {
			pages.Error{Site: withLogo("/logo.svg")}, nil, start + " https://app.example.com" + quiet + end,
		},
		"a logo that is no image address adds nothing": {
			pages.Error{Site: withLogo("data:image/svg+xml,x")}, nil, start + quiet + end,
		},
		"the page for frames may be framed by its own site": {
			pages.Unauthorized{Site: base},
			nil,
			start + quiet + "; frame-ancestors 'self'; base-uri 'none'",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := anyHash.ReplaceAllString(pages.ContentSecurityPolicy(test.page, test.actions...), "HASH")
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestServeSendsTheHeadersThatGuardAPage(t *testing.T) {
	t.Parallel()
	page := pages.SignIn{Site: base, Providers: []pages.Provider{{ID: "x"}}}
	rec := httptest.NewRecorder()
	if err := pages.Serve(rec, page, "http://localhost:1"); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Content-Type":            "text/html; charset=utf-8",
		"Content-Security-Policy": pages.ContentSecurityPolicy(page, "http://localhost:1"),
		"X-Frame-Options":         "DENY",
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "no-referrer",
		"Cache-Control":           "private, no-store",
		"Retry-After":             "",
	}
	for key, val := range want {
		if got := rec.Header().Get(key); got != val {
			t.Errorf("%s: %q, want %q", key, got, val)
		}
	}
}

func TestStatus(t *testing.T) {
	code := func(code string) pages.Page { return pages.Error{Site: base, Code: code} }
	tests := map[string]struct {
		page       pages.Page
		status     int
		retryAfter string
		frame      string
	}{
		"a sign-in page":               {pages.SignIn{Site: base}, 200, "", "DENY"},
		"a sign-in page with an error": {pages.SignIn{Site: base, Error: "CredentialsSignin"}, 200, "", "DENY"},
		"a throttled sign-in page":     {pages.SignIn{Site: base, RetryAfter: 39500 * time.Millisecond}, 429, "40", "DENY"},
		"a sign-out page":              {pages.SignOut{Site: base}, 200, "", "DENY"},
		"check your email":             {pages.VerifyRequest{Site: base}, 200, "", "DENY"},
		"confirm":                      {pages.Confirm{Site: base}, 200, "", "DENY"},
		"forbidden":                    {pages.Forbidden{Site: base}, 403, "", "DENY"},
		"unauthorized":                 {pages.Unauthorized{Site: base}, 401, "", "SAMEORIGIN"},
		"unavailable":                  {pages.Unavailable{Site: base}, 503, "", "DENY"},
		"unavailable for a while":      {pages.Unavailable{Site: base, RetryAfter: 30 * time.Second}, 503, "30", "DENY"},
		"error configuration":          {code("configuration"), 500, "", "DENY"},
		"error Configuration":          {code("Configuration"), 500, "", "DENY"},
		"error ACCESSDENIED":           {code("ACCESSDENIED"), 403, "", "DENY"},
		"error Verification":           {code("Verification"), 403, "", "DENY"},
		"error LinkUsed":               {code(pages.CodeLinkUsed), 403, "", "DENY"},
		"error LinkExpired":            {code(pages.CodeLinkExpired), 403, "", "DENY"},
		"error LinkBrowser":            {code(pages.CodeLinkBrowser), 403, "", "DENY"},
		"error Default":                {code("Default"), 200, "", "DENY"},
		"an unknown error":             {code("<b>"), 200, "", "DENY"},
		"no error":                     {code(""), 200, "", "DENY"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			if err := pages.Serve(rec, test.page); err != nil {
				t.Fatal(err)
			}
			if rec.Code != test.status || pages.Status(test.page) != test.status {
				t.Errorf("status %d and %d, want %d", rec.Code, pages.Status(test.page), test.status)
			}
			if got := rec.Header().Get("Retry-After"); got != test.retryAfter {
				t.Errorf("Retry-After %q, want %q", got, test.retryAfter)
			}
			if got := rec.Header().Get("X-Frame-Options"); got != test.frame {
				t.Errorf("X-Frame-Options %q, want %q", got, test.frame)
			}
		})
	}
}
