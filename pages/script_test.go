package pages_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/caddy-signin/caddy-signin/pages"
)

func getScript(target string, header http.Header) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodGet, target, nil)
	req.Header = header
	pages.ServeScript(rec, req)
	return rec
}

func TestTheScriptThatAPageAsksForMayBeKept(t *testing.T) {
	page, _ := draw(t, signIn(nil, password))
	src := page.all("script")[0].get("src")
	for name, test := range map[string]struct{ target, cache string }{
		"the version asked for": {src, "public, max-age=31536000, immutable"},
		"another version":       {"/api/auth/pages.js?v=0", "public, no-cache"},
		"no version":            {"/api/auth/pages.js", "public, no-cache"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := getScript(test.target, http.Header{})
			if got := rec.Header().Get("Cache-Control"); got != test.cache {
				t.Errorf("Cache-Control %q, want %q", got, test.cache)
			}
			if got := rec.Header().Get("Content-Type"); got != "text/javascript; charset=utf-8" {
				t.Errorf("Content-Type %q", got)
			}
			if rec.Header().Get("X-Content-Type-Options") != "nosniff" || !bytes.Equal(rec.Body.Bytes(), pages.Script()) {
				t.Error("not the script")
			}
		})
	}
}

func TestTheScriptIsNotSentAgainToABrowserThatHasIt(t *testing.T) {
	t.Parallel()
	tag := getScript("/api/auth/pages.js", http.Header{}).Header().Get("ETag")
	rec := getScript("/api/auth/pages.js", http.Header{"If-None-Match": {tag}})
	if tag == "" || rec.Code != http.StatusNotModified {
		t.Errorf("tag %q, status %d", tag, rec.Code)
	}
}

func TestTheScriptWritesNothingButText(t *testing.T) {
	t.Parallel()
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function\(|\.style\b|https?:`)
	if found := markup.Find(pages.Script()); found != nil {
		t.Errorf("it uses %s", found)
	}
}

func TestPagesWithoutAFormHaveNoScript(t *testing.T) {
	t.Parallel()
	page, _ := draw(t, pages.Error{Site: base})
	if n := len(page.all("script")); n != 0 {
		t.Errorf("%d scripts", n)
	}
}

func TestTheScriptComesFromTheHostThatServesThePage(t *testing.T) {
	t.Parallel()
	path := regexp.MustCompile(`^(.*)\?v=[0-9a-f]{16}$`)
	for base, want := range map[string]string{
		"https://app.example.com/api/auth":  "/api/auth/pages.js",
		"https://app.example.com/api/auth/": "/api/auth/pages.js",
		"https://app.example.com":           "/pages.js",
		"https://app.example.com//x":        "/x/pages.js",
		"":                                  "/pages.js",
	} {
		page, _ := draw(t, pages.SignIn{Site: pages.Site{BaseURL: base}, Providers: []pages.Provider{github}})
		src := path.FindStringSubmatch(page.all("script")[0].get("src"))
		if src == nil || src[1] != want {
			t.Errorf("%s: %q, want %s", base, src, want)
		}
	}
}
