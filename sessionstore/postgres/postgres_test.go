package postgres

import (
	"context"
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// load does what a configuration does that has the store: what it returns
// unloads it.
func load(t *testing.T, config string) (store sessionstore.Store, unload func(), err error) {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	mod, err := ctx.LoadModuleByID(sessionstore.Namespace+".postgres", json.RawMessage(config))
	if err == nil {
		store, err = mod.(sessionstore.Module).Open("realm")
	}
	return store, cancel, err
}

// A host that doesn't exist: whatever connects is found out.
const nowhere = "postgres://u@db.invalid/app"

func TestLoadingTheStoreConnectsToNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Setenv("DATABASE_URL", nowhere)
	_, unload, err := load(t, `{"dsn": "{env.DATABASE_URL}", "schema": "auth"}`)
	if err != nil {
		t.Fatal(err)
	}
	if after := runtime.NumGoroutine(); after > before+1 { // the context's own
		t.Errorf("%d goroutines after loading, %d before", after, before)
	}
	unload()
}

func TestAReloadKeepsTheConnections(t *testing.T) {
	old, unload, err := load(t, `{"dsn": "`+nowhere+`"}`)
	if err != nil {
		t.Fatal(err)
	}
	reloaded, unloadReloaded, err := load(t, `{"dsn": "`+nowhere+`", "insecure_authjs_sessions": true}`)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := load(t, `{"dsn": "`+nowhere+`", "schema": "auth"}`)
	if err != nil {
		t.Fatal(err)
	}
	handle := old.(*store).handle
	if reloaded.(*authjsStore).handle != handle || other.(*store).handle == handle {
		t.Error("handles are not shared by database and schema")
	}
	unload()
	if handle.ctx.Err() != nil {
		t.Error("the old configuration closed what the new one uses")
	}
	unloadReloaded()
	if handle.ctx.Err() == nil {
		t.Error("the last configuration closed nothing")
	}
	if _, err := old.Get(t.Context(), "k"); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("Get afterwards: %v", err)
	}
}

func TestOnlyTheInsecureOptionSharesSessions(t *testing.T) {
	plain, _, err := load(t, `{"dsn": "`+nowhere+`"}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := plain.(sessionstore.AuthjsSessions); ok {
		t.Error("sessions are shared by default")
	}
	insecure, _, err := load(t, `{"dsn": "`+nowhere+`", "insecure_authjs_sessions": true}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, store := range []sessionstore.Store{plain, insecure} {
		_, users := store.(sessionstore.Users)
		_, tokens := store.(sessionstore.VerificationTokens)
		_, lists := store.(sessionstore.Lister)
		if !users || !tokens || !lists {
			t.Errorf("%T lacks a capability", store)
		}
	}
	if _, ok := insecure.(sessionstore.AuthjsSessions); !ok {
		t.Error("sessions are not shared")
	}
}

func TestJSONMistakes(t *testing.T) {
	for config, want := range map[string]string{
		`{}`:                            "no database",
		`{"dsn": "{env.NOT_SET_HERE}"}`: "NOT_SET_HERE",
		`{"dsn": "postgres://u:s3cret@h/d?sslmode=x"}`:              "look at sslmode",
		`{"dsn": "` + nowhere + `", "schema": "pg_x"}`:              "pg_",
		`{"dsn": "` + nowhere + `", "unknown": 1}`:                  "unknown",
		`{"dsn": "postgres://u:s3cret@h:port/d", "schema": "auth"}`: "dsn",
	} {
		_, _, err := load(t, config)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}

func TestCaddyfile(t *testing.T) {
	for text, want := range map[string]string{
		"postgres {env.URL}":                     `{"dsn":"{env.URL}"}`,
		"postgres " + nowhere:                    `{"dsn":"` + nowhere + `"}`,
		`postgres "host=h user=u"`:               `{"dsn":"host=h user=u"}`,
		"postgres {env.URL} {\n\tschema auth\n}": `{"dsn":"{env.URL}","schema":"auth"}`,
		"postgres {env.URL} {\n\tschema a\n\tinsecure_authjs_sessions\n}": `{"dsn":"{env.URL}","schema":"a","insecure_authjs_sessions":true}`,

		"postgres":               "no database",
		"postgres host=h user=u": "quote a dsn that has spaces",
		"postgres postgres://u:s3cret@h/d?sslmode=x":                                      "look at sslmode",
		"postgres {env.URL} {\n\tschema\n}":                                               "schema needs exactly one value",
		"postgres {env.URL} {\n\tschema a b\n}":                                           "schema needs exactly one value",
		"postgres {env.URL} {\n\tschema \"\"\n}":                                          `schema "" must be a name`,
		"postgres {env.URL} {\n\tschema pg_x\n}":                                          "pg_",
		"postgres {env.URL} {\n\tschema a\n\tschema b\n}":                                 "written twice",
		"postgres {env.URL} {\n\tinsecure_authjs_sessions on\n}":                          "insecure_authjs_sessions takes no value",
		"postgres {env.URL} {\n\tinsecure_authjs_sessions\n\tinsecure_authjs_sessions\n}": "written twice",
		"postgres {env.URL} {\n\tshema a\n}":                                              `unknown option "shema": did you mean schema?`,
		"postgres {env.URL} {\n\tpassword s3cret\n}":                                      `"password" is not known`,
	} {
		p := new(Postgres)
		err := p.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text))
		got := string(caddyconfig.JSON(p, nil))
		if err != nil {
			got = err.Error()
		}
		if (err == nil && got != want) || !strings.Contains(got, want) || strings.Contains(got, "s3cret") {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
