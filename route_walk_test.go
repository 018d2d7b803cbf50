package signin

import (
	"slices"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/realm"
)

// A start goes through all routes: those that invoke themselves, each a hundred
// times, must not hold it up.
func TestNamedRoutesThatInvokeThemselvesAreWalkedOnce(t *testing.T) {
	own, gate := new(realm.Realm), new(Gate)
	again := caddyhttp.Route{}
	for range 100 {
		again.Handlers = append(again.Handlers, &caddyhttp.Invoke{Name: "a"}, &caddyhttp.Invoke{Name: "b"})
	}
	again.Handlers = append(again.Handlers, &Handler{realm: own}, gate)
	srv := &caddyhttp.Server{NamedRoutes: map[string]*caddyhttp.Route{"a": &again, "b": &again}}
	routes := caddyhttp.RouteList{{
		MatcherSets: caddyhttp.MatcherSets{{&caddyhttp.MatchHost{"one.example"}}},
		Handlers:    []caddyhttp.MiddlewareHandler{&caddyhttp.Invoke{Name: "a"}, gate},
	}}
	var found []*realm.Realm
	walk := &routeWalk{srv: srv, gate: func(g *Gate, before routeState, hosts []string) {
		if g != gate || !slices.Equal(hosts, []string{"one.example"}) {
			t.Errorf("a gate at %q", hosts)
		}
		found = append(found, before.realm)
	}}
	if left := walk.walk(routes, routeState{}, nil).realm; left != own {
		t.Errorf("they leave %v behind", left)
	}
	if len(found) == 0 || len(found) > 5 || slices.Contains(found, nil) {
		t.Errorf("gates behind %v, want some behind the one realm", found)
	}
}
