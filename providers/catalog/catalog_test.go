package catalog_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/catalog"
	_ "github.com/caddy-signin/caddy-signin/providers/credentials"
	_ "github.com/caddy-signin/caddy-signin/providers/email"
	_ "github.com/caddy-signin/caddy-signin/providers/oauth"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

func TestSeveralProvidersKeepTheirOrder(t *testing.T) {
	t.Parallel()
	got, err := providertest.Parse("google a b\noidc corp https://corp.example a b {\nname C\n}\ngithub a b {\n}\ncredentials {\nfile users.htpasswd\n}")
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, raw := range got {
		var p struct{ Provider, Preset, ID string }
		if err := json.Unmarshal(raw, &p); err != nil {
			t.Fatal(err)
		}
		order = append(order, p.Provider+p.Preset+p.ID)
	}
	if want := []string{"oidcgoogle", "oidccorp", "oauth2github", "credentials"}; !reflect.DeepEqual(order, want) {
		t.Errorf("got %q, want %q", order, want)
	}
}

func TestProvidersThatAreUnknown(t *testing.T) {
	t.Parallel()
	for keyword, want := range map[string]string{
		"gogle":    `unknown provider "gogle": did you mean google?, at Caddyfile:2`,
		"zzzzzzzz": `unknown provider "zzzzzzzz": write one of credentials, email, oauth2, oidc, or one of the `,
		"passkey":  "passkeys are not supported yet",
		"webauthn": "WebAuthn is not supported yet",
	} {
		if got, err := providertest.Parse(keyword + " a b"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, %v", keyword, got, err)
		}
	}
}

func TestKeywords(t *testing.T) {
	t.Parallel()
	for _, keyword := range []string{"credentials", "email", "github", "google", "nodemailer", "oauth2", "oidc", "passkey", "resend"} {
		if !catalog.Known(keyword) {
			t.Errorf("%s isn't known: %q", keyword, catalog.Keywords())
		}
	}
	if catalog.Known("gogle") || catalog.Known("") {
		t.Error("a misspelt keyword is known")
	}
}

// The ids are the first column of what the presets are tested by.
func TestEveryIDOfNextAuthIsKnown(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../oauth/testdata/vendors.tsv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")[1:]
	if len(lines) < 105 {
		t.Fatalf("%d ids", len(lines))
	}
	notYet := map[string]bool{"passkey": true, "webauthn": true}
	for _, line := range lines {
		id, _, _ := strings.Cut(line, "\t")
		_, err := providertest.Parse(id + " {\n}")
		refused := err != nil && strings.Contains(err.Error(), "not supported yet")
		if !catalog.Known(id) || refused != notYet[id] {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestWhatProvidersTell(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]providers.Parts{
		`{"provider":"email"}`:                      {Email: true, Mend: "mailed links tell an address alone"},
		`{"provider":"oidc","preset":"google"}`:     {Email: true, Mend: "google"},
		`{"provider":"credentials","file":"users"}`: {Email: true, Mend: "users of a file have no groups"},
		`{"provider":"nobody"}`:                     {Email: true, Groups: true},
		`{"provider":7}`:                            {Email: true, Groups: true},
		`{"provider":"oidc","preset":7}`:            {Email: true, Groups: true},
	} {
		got := catalog.Tells([]byte(written))
		if got.Email != want.Email || got.Groups != want.Groups || !strings.Contains(strings.ToLower(got.Mend), want.Mend) {
			t.Errorf("%s: %+v", written, got)
		}
	}
}

// What is read is stable, is valid configuration for the module it names, and
// nothing makes it panic.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{
		"google a b", "github {\nclient_id a\n}", "oidc corp https://x.example a b {\nprofile {\nid a|b\n}\n}",
		"oauth2 x {\ntransport {\ndial_timeout 1s\n}\n}", "google a b {", "oidc \"\" {\n{\n}\n", "google a b {\nparams a=b\n} x",
		"google a b {\ntransport {\ntls_trust_pool\n}\n}", "oidc {env.A} {env.B}", "google {\nparams\n}}",
		"resend {env.K} {\nfrom a@example.com\n}", "mailgun k {\nregion eu\ndomain mg.example.com\nfrom \"E <a@example.com>\"\n}",
		"loops k {\ntransactional_id x\n}", "nodemailer {\nfrom a@example.com\nsmtp localhost {\ntls off\n}\n}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		// Caddy's own parser of transport is not under test here.
		if strings.Contains(text, "transport") {
			return
		}
		got, err := providertest.Parse(text)
		if err != nil {
			return
		}
		again, err := providertest.Parse(text)
		if err != nil || len(again) != len(got) {
			t.Fatalf("the second time: %v", err)
		}
		for i, raw := range got {
			var named struct{ Provider string }
			if err := json.Unmarshal(raw, &named); err != nil || !bytes.Equal(raw, again[i]) {
				t.Errorf("%s, then %s: %v", raw, again[i], err)
			}
			if _, err := caddy.GetModule(providers.Namespace + "." + named.Provider); err != nil {
				t.Error(err)
			}
		}
	})
}
