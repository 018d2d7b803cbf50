package flow

import (
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/realm"
)

// What a path holds ends neither the path nor the header that it goes into.
func TestAPageAtTheRealmsURLHasThePathThatWasAsked(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"signin":                "signin",
		"signin/a?b#c d":        "signin/a%3Fb%23c%20d",
		"signin/\r\nSet-Cookie": "signin/%0D%0ASet-Cookie",
		"signin/é":              "signin/%C3%A9",
		"signin/%2e":            "signin/%252e",
	} {
		w := httptest.NewRecorder()
		c := &Call{w: w, site: &realm.Site{Base: "https://app.example.com/api/auth"}, query: url.Values{}, callbackURL: "/x"}
		if err := c.goHome(path); err != nil {
			t.Error(err)
		}
		if got := w.Header().Get("Location"); got != "https://app.example.com/api/auth/"+want+"?callbackUrl=%2Fx" {
			t.Errorf("%q leads to %s", path, got)
		}
	}
}
