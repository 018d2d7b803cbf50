package pages_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/pages"
	"github.com/caddy-signin/caddy-signin/pages/pagestest"
)

// rules hold for every page in every state.
var rules = map[string]func(t *testing.T, page document){
	"has one heading, one main part, a language and a title": func(t *testing.T, page document) {
		if n := len(page.all("h1")); n != 1 {
			t.Errorf("%d h1", n)
		}
		if n := len(page.all("main")); n != 1 {
			t.Errorf("%d main", n)
		}
		root := page.all("html")[0]
		if root.get("lang") != "en" || root.get("dir") != "ltr" {
			t.Errorf("lang %q dir %q", root.get("lang"), root.get("dir"))
		}
		if title := page.all("title")[0].text(); !strings.Contains(title, page.all("h1")[0].text()) {
			t.Errorf("title %q does not name the heading", title)
		}
	},
	"names the site in its title": func(t *testing.T, page document) {
		title := page.all("title")[0].text()
		if !strings.Contains(title, "Example") && !strings.Contains(title, "The Society") {
			t.Errorf("title %q", title)
		}
	},
	"ties a label to every field, and asks for all of them": func(t *testing.T, page document) {
		for in := range page.elements("input") {
			if in.get("type") == "hidden" {
				continue
			}
			labels := page.where("for", in.get("id"))
			if len(labels) != 1 || labels[0].text() == "" {
				t.Errorf("field %s has %d labels", in.get("name"), len(labels))
			}
			if !in.has("required") || !in.has("autocomplete") {
				t.Errorf("field %s lacks required or autocomplete", in.get("name"))
			}
		}
	},
	"uses an id once, and refers to those there are": func(t *testing.T, page document) {
		for e := range page.elements() {
			if id := e.get("id"); id != "" && len(page.where("id", id)) != 1 {
				t.Errorf("id %s is used twice", id)
			}
			for _, key := range []string{"for", "aria-describedby"} {
				if id := e.get(key); id != "" && len(page.where("id", id)) != 1 {
					t.Errorf("%s refers to %s, which is not there", key, id)
				}
			}
		}
	},
	"has no inline script, handler or style attribute": func(t *testing.T, page document) {
		for e := range page.elements() {
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" {
					t.Errorf("<%s %s>", e.Data, a.Key)
				}
			}
		}
		for script := range page.elements("script") {
			if script.text() != "" || !strings.HasPrefix(script.get("src"), "/api/auth/pages.js?v=") {
				t.Errorf("script %q %q", script.get("src"), script.text())
			}
		}
		if n := len(page.all("style")); n != 1 {
			t.Errorf("%d style elements", n)
		}
	},
	"leads only to http(s) addresses and paths": func(t *testing.T, page document) {
		checkAddresses(t, page)
	},
	"posts its forms with one submit button each": func(t *testing.T, page document) {
		for form := range page.elements("form") {
			if form.get("method") != "post" || len(form.where("type", "submit")) != 1 {
				t.Errorf("form %s", form.get("action"))
			}
		}
	},
	"has one primary action per form, and one outside": func(t *testing.T, page document) {
		outside := 0
		for form := range page.elements("form") {
			if n := len(primaries(form)); n > 1 {
				t.Errorf("form %s has %d primary buttons", form.get("action"), n)
			}
			outside -= len(primaries(form))
		}
		if outside += len(primaries(page)); outside > 1 {
			t.Errorf("%d primary links", outside)
		}
	},
	"focuses one field at most": func(t *testing.T, page document) {
		if n := len(page.where("autofocus", "")); n > 1 {
			t.Errorf("%d fields want the focus", n)
		}
	},
}

func primaries(part document) []document {
	return slices.DeleteFunc(part.all("a", "button"), func(e document) bool { return !e.hasClass("primary") })
}

func checkAddresses(t testing.TB, page document) {
	t.Helper()
	for e := range page.elements() {
		for _, key := range []string{"href", "action", "src", "formaction"} {
			addr, ok := e.attr(key)
			path := strings.HasPrefix(addr, "/") && !strings.HasPrefix(addr, "//") && !strings.HasPrefix(addr, `/\`)
			absolute := strings.HasPrefix(addr, "https://") || strings.HasPrefix(addr, "http://")
			if ok && addr != "" && !path && !absolute {
				t.Errorf("<%s %s=%q>", e.Data, key, addr)
			}
		}
	}
}

func TestEveryStateOfEveryPage(t *testing.T) {
	for _, state := range pagestest.States() {
		page, body := draw(t, state.Page)
		for rule, check := range rules {
			t.Run(state.Name+" "+rule, func(t *testing.T) { check(t, page) })
		}
		t.Run(state.Name+" is smaller than 15 KB", func(t *testing.T) {
			if len(body) >= 15*1024 {
				t.Errorf("%d bytes", len(body))
			}
		})
	}
}

func TestTheStatesHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, state := range pagestest.States() {
		if seen[state.Name] {
			t.Errorf("%s stands there twice", state.Name)
		}
		seen[state.Name] = true
	}
}

func TestThePolicyAllowsTheStyleThatIsSent(t *testing.T) {
	t.Parallel()
	for _, state := range pagestest.States() {
		rec := httptest.NewRecorder()
		if err := pages.Serve(rec, state.Page); err != nil {
			t.Fatal(err)
		}
		style := parse(t, rec.Body.Bytes()).all("style")[0].FirstChild.Data
		sum := sha256.Sum256([]byte(style))
		source := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"
		if policy := rec.Header().Get("Content-Security-Policy"); !strings.Contains(policy, source) {
			t.Errorf("%s: no %s in %s", state.Name, source, policy)
		}
	}
}

func TestOnlyThePageForFramesLeavesThem(t *testing.T) {
	t.Parallel()
	for _, state := range pagestest.States() {
		_, framed := state.Page.(pages.Unauthorized)
		page, _ := draw(t, state.Page)
		if top := len(page.where("target", "_top")) == 1; top != framed {
			t.Errorf("%s: target=_top %v", state.Name, top)
		}
		if n := len(page.all("form")); framed && n > 0 {
			t.Errorf("%s can be framed and has %d forms", state.Name, n)
		}
	}
}
