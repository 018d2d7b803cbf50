package test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// Requirement C2, whatever a provider makes of a code that comes twice: of
// callbacks at once one asks it for tokens.
func TestACodeIsRedeemedOnce(t *testing.T) {
	op := providertest.New(t)
	g := start(t, corpSite(op, ""))
	b := g.browser()
	callback := approve(t, op, b.begin("/"))
	var wait sync.WaitGroup
	for range 10 {
		one := g.copyOf(b)
		wait.Go(func() {
			if _, err := one.try(http.MethodGet, callback, ""); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if asked := op.Requests(providertest.TokenPath); len(asked) != 1 {
		t.Errorf("the provider was asked for tokens %d times", len(asked))
	}
}

// Requirement A4: where a sign-in under way leads is judged by what is allowed when
// it ends.
func TestAReturnAddressThatIsNoLongerAllowed(t *testing.T) {
	op := providertest.New(t)
	site := corpSite(op, "")
	g := start(t, strings.Replace(site, "signin {", "signin {\nredirect https://docs.example.com", 1))
	still, no := g.browser(), g.browser()
	stillAllowed := approve(t, op, still.begin("https://docs.example.com/page"))
	callback := approve(t, op, no.begin("https://docs.example.com/page"))
	wantLocation(t, still.get(stillAllowed), "https://docs.example.com/page")
	g.reload("", site)
	wantLocation(t, no.get(callback), g.origin)
}
