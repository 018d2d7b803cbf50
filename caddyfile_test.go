package signin

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// adaptSite adapts a site with a realm, and a gate, that hold these lines.
func adaptSite(realm, gate string) (string, error) {
	text := "example.com {\n\tsignin {\n\t\tgoogle id secret\n" + realm + "\n\t}\n\trequire_signin {\n" + gate + "\n\t}\n}\n"
	raw, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	return string(raw), err
}

func TestMisspeltNamesInABlock(t *testing.T) {
	t.Parallel()
	for realm, want := range map[string]string{
		"bas_path /a":                      `unknown option "bas_path": did you mean base_path`,
		"gogle id secret":                  `unknown option "gogle": did you mean google`,
		"session {\nmax_agee 1d\n}":        `unknown option "max_agee": did you mean max_age`,
		"session {\nzzzzzz\n}":             `unknown option "zzzzzz": write one of absolute_max_age, expose,`,
		"pages {\nsigin /x\n}":             `unknown option "sigin": did you mean signin`,
		"store memry":                      `unknown store "memry": did you mean memory?`,
		"store zzzzzz":                     `unknown store "zzzzzz": write one of bolt, memory`,
		"store memory {\nmax_sise 1MiB\n}": `memory: unknown option "max_sise": did you mean max_size?`,
	} {
		if _, err := adaptSite(realm, ""); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Caddyfile:") {
			t.Errorf("%s: %v, want %s", realm, err, want)
		}
	}
	if _, err := adaptSite("", "emial a@example.com"); err == nil || !strings.Contains(err.Error(), `unknown option "emial": did you mean email?, at Caddyfile:`) {
		t.Error(err)
	}
}

// A word that belongs elsewhere is told where, and no provider is proposed for it.
func TestWordsThatBelongElsewhere(t *testing.T) {
	t.Parallel()
	for realm, want := range map[string]string{
		"respond ok":     "respond is a directive of the site: it stands outside of the signin block",
		"log":            "log is a directive of the site",
		"name Example":   "name stands inside a provider's block",
		"alice $2a$10$x": "alice looks like a user: users stand inside credentials",
		"alice x":        `unknown option "alice": write one of`,
		"user x":         `unknown option "user": did you mean username?`,
		"max_age 1d":     "max_age stands inside session",
		"gogle id s":     `unknown option "gogle": did you mean google?`,
	} {
		if _, err := adaptSite(realm, ""); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Caddyfile:4") {
			t.Errorf("%s: %v, want %s", realm, err, want)
		}
	}
}

func TestOptionsWrittenTwice(t *testing.T) {
	t.Parallel()
	for _, realm := range []string{
		"username id\nusername id",
		"session {\n}\nsession {\n}",
		"session {\nexpose id\nexpose username\n}",
		"session {\nmax_age 1d\nmax_age 1d\n}",
		"pages {\nerror /e\nerror /e\n}",
		"identity_headers {\nX-User a\nX-User b\n}",
	} {
		if _, err := adaptSite(realm, ""); err == nil || !strings.Contains(err.Error(), " is written twice, at Caddyfile:") {
			t.Errorf("%s: %v", realm, err)
		}
	}
	for _, realm := range []string{"allow group a\nallow group b", "deny provider google\ndeny provider google", "redirect https://a.example\nredirect https://b.example"} {
		if _, err := adaptSite(realm, ""); err != nil {
			t.Errorf("%s: %v", realm, err)
		}
	}
	if raw, err := adaptSite("", "group a\ngroup b\noptional\noptional"); err != nil ||
		!strings.Contains(raw, `"optional":true,"rules":[{"group":["a"]},{"group":["b"]}]`) {
		t.Errorf("a gate's lines don't add up: %s, %v", raw, err)
	}
}

// An empty page is the built-in one, and a word that is empty is told as another
// wrong one is.
func TestEmptyValuesOfARealm(t *testing.T) {
	t.Parallel()
	if _, err := adaptSite("pages {\nsignin \"\"\n}", ""); err != nil {
		t.Errorf("an empty page: %v", err)
	}
	for realm, want := range map[string]string{
		`url ""`:           `"" must be a scheme and host`,
		`base_path ""`:     `base_path "" must be a clean path`,
		`cookie_domain ""`: `cookie_domain "" must be a domain name`,
		`dialect ""`:       `dialect "" is not known: write next-auth or authjs`,
	} {
		if _, err := adaptSite(realm, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", realm, err, want)
		}
	}
}
