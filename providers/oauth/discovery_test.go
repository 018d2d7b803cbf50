package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

func TestDiscoveryRefuses(t *testing.T) {
	set := func(name string, value any) providertest.Behaviour {
		return editDiscovery(func(d map[string]any) { d[name] = value })
	}
	for name, tc := range map[string]struct {
		behaviour providertest.Behaviour
		want      string
	}{
		"another issuer":               {set("issuer", "https://other.example"), "names another issuer"},
		"the issuer with a slash more": {editDiscovery(func(d map[string]any) { d["issuer"] = d["issuer"].(string) + "/" }), "set issuer to exactly that"},
		"no authorization endpoint":    {set("authorization_endpoint", nil), "has no authorization_endpoint"},
		"no token endpoint":            {set("token_endpoint", ""), "has no token_endpoint"},
		"no key set":                   {set("jwks_uri", ""), "has no jwks_uri"},
		"a token endpoint over http":   {set("token_endpoint", "http://op.example/token"), "token_endpoint is not an https URL"},
		"a key set in a file":          {set("jwks_uri", "file:///etc/passwd"), "jwks_uri is not an https URL"},
		"a userinfo endpoint over ftp": {set("userinfo_endpoint", "ftp://op.example/"), "userinfo_endpoint is not an https URL"},
		"a member of the wrong type":   {set("token_endpoint", 7), "not the JSON object"},
		"status 404":                   {providertest.Behaviour{Handle: map[string]http.HandlerFunc{providertest.DiscoveryPath: http.NotFound}}, "status 404"},
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			s.Set(tc.behaviour)
			_, err := loadOIDC(t, corp(s)).Begin(t.Context(), newFlow(), nil)
			providertest.MustFail(t, err, "discovery of issuer")
			providertest.MustFail(t, err, tc.want)
		})
	}
}

func TestConfiguredEndpointsWinOverDiscoveredOnes(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	s.Set(editDiscovery(func(d map[string]any) {
		d["token_endpoint"], d["userinfo_endpoint"] = s.URL+"/elsewhere", s.URL+"/elsewhere"
	}))
	_, err := signIn(t, loadOIDC(t, corp(s).With(config{
		"token_endpoint": s.URL + providertest.TokenPath, "userinfo_endpoint": s.URL + providertest.UserinfoPath,
	})), s)
	if err != nil {
		t.Error(err)
	}
}

// What a provider's outage may and may not do.
func TestAProviderThatIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := providertest.NewHandler("https://op.example")
		s.Set(providertest.Behaviour{Handle: map[string]http.HandlerFunc{
			providertest.DiscoveryPath: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		}})
		p := loadOIDC(t, corp(s)) // starts
		p.client.http = outgoing.Client(inProcess{s})
		for range 30 {
			_, err := p.Begin(t.Context(), newFlow(), nil)
			providertest.MustFail(t, err, "status 502")
			time.Sleep(time.Second)
		}
		s.Set(providertest.Behaviour{}) // is back, without a reload
		time.Sleep(time.Second)
		if _, err := p.Begin(t.Context(), newFlow(), nil); err != nil {
			t.Errorf("a second after it came back: %v", err)
		}
	})
}

// startOIDC loads a provider as Caddy does, and returns what unloads it.
func startOIDC(t *testing.T, c config) (*OIDC, context.CancelFunc) {
	t.Helper()
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	p, err := ctx.LoadModuleByID(providers.Namespace+"."+kindOIDC, raw)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*OIDC), cancel
}

// What was learnt of an issuer survives a reload, as Caddy does it: the new
// configuration comes before the old one goes.
func TestAReloadDoesNotAskAgain(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	p, stop := startOIDC(t, corp(s))
	for range 10 {
		if _, err := signIn(t, p, s); err != nil {
			t.Fatal(err)
		}
		next, stopNext := startOIDC(t, corp(s).With(config{"client_secret": s.ClientSecret, "name": "Renamed"}))
		stop()
		p, stop = next, stopNext
	}
	for _, path := range []string{providertest.DiscoveryPath, providertest.JWKSPath} {
		if n := len(s.Requests(path)); n != 1 {
			t.Errorf("%s was asked %d times", path, n)
		}
	}
	other, stopOther := startOIDC(t, corp(s).With(config{"transport": config{"dial_timeout": "1s"}}))
	if other.issuer == p.issuer {
		t.Error("what was learnt over one transport is used for another")
	}
	stopOther()
	stop()
	if later, stop := startOIDC(t, corp(s)); later.issuer == p.issuer {
		t.Error("the issuer is still held after the last configuration went")
	} else {
		stop()
	}
}

// A configuration that fails gives back nothing that it never took.
func TestCleanupOfAHalfBuiltProvider(t *testing.T) {
	t.Parallel()
	if err := new(OIDC).Cleanup(); err != nil {
		t.Error(err)
	}
	s := providertest.New(t)
	good, stop := startOIDC(t, corp(s))
	if _, err := providertest.Load(t, kindOIDC, corp(s).With(config{"scopes": []string{"email"}})); err == nil {
		t.Fatal("it loaded")
	}
	second, stopSecond := startOIDC(t, corp(s))
	if second.issuer != good.issuer {
		t.Error("the issuer was given back by who never took it")
	}
	stop()
	stopSecond()
	if later := loadOIDC(t, corp(s)); later.issuer == good.issuer {
		t.Error("who failed still holds the issuer")
	}
}

func TestInfoOfOIDC(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	s.Set(editDiscovery(func(d map[string]any) { d["authorization_endpoint"] = "http://localhost:9/authorize" }))
	p := loadOIDC(t, corp(s))
	if got := p.Info(); got.ID != "corp" || got.Name != "corp" || got.Type != providers.TypeOAuth || got.Preset != "" || got.Public ||
		len(got.FormActions) != 1 || got.FormActions[0] != s.URL {
		t.Errorf("before discovery: %+v", got)
	}
	if _, err := p.Begin(t.Context(), newFlow(), nil); err != nil {
		t.Fatal(err)
	}
	if got := p.Info().FormActions; len(got) != 2 || got[1] != "http://localhost:9" {
		t.Errorf("after discovery, form actions are %q", got)
	}
}
