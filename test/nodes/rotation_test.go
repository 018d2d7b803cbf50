package nodes

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// Secrets are rotated under load, several times over. A secret stays in second
// place for one rotation, in which everybody who is about comes by.
func TestRotationUnderLoad(t *testing.T) {
	op := providertest.New(t)
	secretOf := func(round int) string { return fmt.Sprintf("%q", fmt.Sprintf("%s %d", secret, round)) }
	with := func(secrets string) string {
		realm := strings.NewReplacer("SECRET", secrets, "STRATEGY", "jwt", "STORE", "").Replace(reloadRealm)
		return site(realm, 0)
	}
	n := start(t, echo(t), with(secretOf(0)), "ISSUER", op.URL, "CLIENT", op.ClientID, "CREDENTIAL", op.ClientSecret)
	form, flow, idle := n.browser(), n.browser(), n.browser().signIn(t, "alice")
	token := form.get(t, "/api/auth/csrf").body
	pending, err := flow.post(t.Context(), "/api/auth/signin/corp")
	if err != nil {
		t.Fatal(err)
	}
	l := n.steadyLoad(op)
	for round := range 5 {
		n.reload(with(secretOf(round+1) + " " + secretOf(round)))
		l.everybody()
		if !idle.passes(t, "alice") {
			t.Fatalf("rotation %d signed somebody out", round+1)
		}
		if round > 0 {
			continue
		}
		// What was begun before the first rotation is finished after it.
		if got := form.get(t, "/api/auth/csrf").body; got != token {
			t.Error("a form's token was replaced")
		}
		_, target, _ := strings.Cut(pending.body, `"url":"`)
		params, err := op.Authorize(strings.TrimSuffix(target, `"}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := flow.get(t, "/api/auth/callback/corp?"+params.Encode()); got.status != http.StatusFound || strings.Contains(got.location, "error") {
			t.Errorf("a sign-in under way ends with %d %s", got.status, got.location)
		}
	}
	l.end(5)
}
