package signin

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/providers/credentials"
)

const testSecret = "a secret of the unit tests, over 32 bytes"

// aliceJSON is the only user of newRealm's realms.
const aliceJSON = `{"username":"alice","password":"` + credentials.DemoPasswordHash + `","name":"Alice Example","email":"alice@example.com","groups":["admins","ops"]}`

// newRealm is a realm at work with the user alice and a fixed url.
func newRealm(t testing.TB, change func(*Realm)) *realm.Realm {
	t.Helper()
	return configuredRealm(t, change).active
}

// configuredRealm provisions a realm with the user alice and a fixed url.
func configuredRealm(t testing.TB, change func(*Realm)) *Realm {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	ctx, err := caddy.ProvisionContext(&caddy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	users := `{"provider":"credentials","users":[` + aliceJSON + `]}`
	realm := &Realm{URL: "http://localhost:8080", Secrets: []string{testSecret}, ProvidersRaw: []json.RawMessage{json.RawMessage(users)}}
	if change != nil {
		change(realm)
	}
	if err := realm.provision(ctx, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := realm.cleanup(); err != nil {
			t.Error(err)
		}
	})
	return realm
}

// browserHeaders are what a browser sends with a request of a script.
var browserHeaders = http.Header{
	"Accept": {"*/*"}, "Accept-Encoding": {"gzip, deflate, br"}, "Accept-Language": {"en"}, "Cache-Control": {"no-cache"},
	"Connection": {"keep-alive"}, "Dnt": {"1"}, "Pragma": {"no-cache"}, "Referer": {"http://localhost:8080/"},
	"Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Site": {"same-origin"}, "User-Agent": {"Mozilla/5.0"},
}

// gateOf is a gate of a realm without rules.
func gateOf(rl *realm.Realm) *Gate {
	return &Gate{asks: realm.Gate{Realm: rl, Sampled: rl.Sampled}, logger: rl.Logger}
}

// gateRun returns a function that sends one request through signin and
// require_signin. What Caddy does for every request is done before, once: the
// headers, the variables and the replacer's providers are put back in between.
func gateRun(t testing.TB, cookie string, rl *realm.Realm, match ...string) (run func() int) {
	t.Helper()
	handler, gate := &Handler{realm: rl}, gateOf(rl)
	if paths := caddyhttp.MatchPath(match); len(match) > 0 {
		gate.matchers = caddyhttp.MatcherSets{{&paths}}
	}
	headers := browserHeaders.Clone()
	if cookie != "" {
		headers["Cookie"] = []string{cookie}
	}
	r := httptest.NewRequest("GET", "http://localhost:8080/app", nil)
	passed := 0
	upstream := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { passed++; return nil })
	guarded := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return gate.ServeHTTP(w, r, upstream) })
	w := &nullWriter{header: make(http.Header)}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
	r.Header = make(http.Header, len(headers)+4)
	vars, _ := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	return func() int {
		clear(r.Header)
		maps.Copy(r.Header, headers)
		clear(w.header)
		delete(vars, "caddy_signin")
		if err := handler.ServeHTTP(w, r, guarded); err != nil {
			t.Fatal(err)
		}
		return passed
	}
}

type nullWriter struct{ header http.Header }

func (w *nullWriter) Header() http.Header       { return w.header }
func (*nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (*nullWriter) WriteHeader(int)             {}

// warmAllocs are the allocations of f once all pools have what it takes from
// them: the least of many runs, for the race detector has pools forget.
func warmAllocs(f func()) float64 {
	least := testing.AllocsPerRun(1, f)
	for range 200 {
		least = min(least, testing.AllocsPerRun(1, f))
	}
	return least
}

// The bound is the one that the gateway is built for: a session whose token has to be decrypted, with
// cookies stripped and four identity headers set.
func TestAGuardedRequestAllocatesLittle(t *testing.T) {
	realm := newRealm(t, nil)
	for name, match := range map[string][]string{"all": nil, "a path": spellings("/app"), "a prefix": spellings("/app/*")} {
		run := gateRun(t, sessionOf(t, realm), realm, match...)
		if got := warmAllocs(func() { run() }); got > 10 {
			t.Errorf("%s: %v allocations, want 10 at most", name, got)
		}
		if run() == 0 {
			t.Errorf("%s: the gate let nothing pass", name)
		}
	}
}

// Nor does what a gate lets pass unguarded.
func TestAnOpenRequestAllocatesLittle(t *testing.T) {
	run := gateRun(t, "", newRealm(t, nil), spellings("/members/*")...)
	if got := warmAllocs(func() { run() }); got > 4 {
		t.Errorf("%v allocations, want 4 at most", got)
	}
	if run() == 0 {
		t.Error("the gate let nothing pass")
	}
}

// Whoever floods a gate costs next to nothing.
func TestTurningAStrangerAwayAllocatesLittle(t *testing.T) {
	run := gateRun(t, "", newRealm(t, nil))
	if got := warmAllocs(func() { run() }); got > 4 {
		t.Errorf("%v allocations, want 4 at most", got)
	}
	if run() != 0 {
		t.Error("the gate let a stranger pass")
	}
}

func BenchmarkGateCold(b *testing.B) {
	realm := newRealm(b, nil)
	run := gateRun(b, sessionOf(b, realm), realm)
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

func BenchmarkGateAnonymous(b *testing.B) {
	run := gateRun(b, "", newRealm(b, nil))
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}
