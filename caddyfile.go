package signin

import (
	"encoding/json"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/directive"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("signin", parseGlobal)
	httpcaddyfile.RegisterDirective("signin", parseSignIn)
	httpcaddyfile.RegisterDirective("require_signin", parseRequireSignIn)
	// Before everything that rewrites: a gate must see the path that was asked
	// for, and no SPA fallback may swallow the endpoints. The second
	// registration lands nearer to method, so signin runs first.
	httpcaddyfile.RegisterDirectiveOrder("signin", httpcaddyfile.Before, "method")
	httpcaddyfile.RegisterDirectiveOrder("require_signin", httpcaddyfile.Before, "method")
}

// parseGlobal parses the global option, which may stand once for each name:
//
//	signin [<name>] {
//		<realm options>
//	}
func parseGlobal(d *caddyfile.Dispenser, existing any) (any, error) {
	app := App{Realms: make(map[string]*Realm)}
	if before, ok := existing.(httpcaddyfile.App); ok {
		if err := json.Unmarshal(before.Value, &app); err != nil {
			return nil, d.WrapErr(err)
		}
	}
	d.Next()
	name := defaultRealm
	if d.NextArg() {
		name = d.Val()
	}
	if d.NextArg() {
		return nil, d.Errf("unexpected %q: the form is signin [<name>] { … }", d.Val())
	}
	if err := checkRealmName(name); err != nil {
		return nil, d.WrapErr(err)
	}
	if _, exists := app.Realms[name]; exists {
		return nil, d.Errf("the global realm %q is configured twice: give one of them another name, or merge the blocks", name)
	}
	realm, err := parseRealmBlock(d)
	if err != nil {
		return nil, err
	}
	if realm == nil {
		return nil, d.Errf("the global option signin needs a block with providers: signin %s { … }", strings.TrimPrefix(name, defaultRealm))
	}
	app.Realms[name] = realm
	return httpcaddyfile.App{Name: "signin", Value: caddyconfig.JSON(app, nil)}, nil
}

// parseSignIn parses the directive. With a block the realm is written in
// place; with a name it is that global realm; bare it is the global realm
// "default".
//
//	signin [<name>]
//	signin {
//		<realm options>
//	}
func parseSignIn(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next()
	handler := new(Handler)
	if h.NextArg() {
		handler.Realm = h.Val()
		if strings.ContainsAny(handler.Realm[:min(1, len(handler.Realm))], "/@*") {
			return nil, h.Errf("signin takes no matcher (%s): it serves its base_path on the whole site; guard paths with require_signin %s", handler.Realm, handler.Realm)
		}
	}
	if h.NextArg() {
		return nil, h.Errf("unexpected %q: the form is signin [<name>], or signin with a block", h.Val())
	}
	realm, err := parseRealmBlock(h.Dispenser)
	if err != nil {
		return nil, err
	}
	if realm != nil && handler.Realm != "" {
		return nil, h.Errf("signin %s refers to a global realm, so it can't have a block: move the block to the global options, or drop the name", handler.Realm)
	}
	if realm == nil {
		if err := checkGlobalRealm(h, handler.Realm); err != nil {
			return nil, err
		}
	}
	handler.Config = realm
	return newRoute(h, handler), nil
}

// parseRequireSignIn parses the directive:
//
//	require_signin [<matcher>] [<realm>] {
//		email    <address|*@domain>...
//		group    <name>...
//		provider <id>...
//		optional
//	}
//
// Lines add up; of the values on a line one is enough. A path, in the directive
// itself or in a named matcher, guards other spellings of it too: /x/* also /x and
// /x;…, /x also /x/ and /x;…, and /x/y also /x;…/y. Below /x it guards nothing.
//
// The matcher becomes the gate's own, not its route's: all requests of the block
// go through the gate, which removes what clients must not send to an upstream
// from those that it doesn't guard, too.
func parseRequireSignIn(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next()
	hasArgument := h.CountRemainingArgs() > 0
	matcher, hasMatcher, err := h.MatcherToken()
	if err != nil {
		return nil, err
	}
	gate := new(Gate)
	if hasMatcher {
		gate.MatcherSetsRaw = widen(matcher)
	} else if hasArgument { // which MatcherToken has read
		h.Prev()
	}
	if h.NextArg() {
		gate.Realm = h.Val()
	}
	if strings.ContainsAny(gate.Realm, "/*@") {
		return nil, h.Errf("unexpected %q: require_signin takes one matcher; for several paths write @members path /a/* /b/* and require_signin @members", gate.Realm)
	}
	if h.NextArg() {
		return nil, h.Errf("unexpected %q: the form is require_signin [<matcher>] [<realm>], with rules such as `group admins` in its block", h.Val())
	}
	if gate.Realm != "" {
		if err := checkGlobalRealm(h, gate.Realm); err != nil {
			return nil, err
		}
	}
	options := directive.Options{"optional": directive.Flag(&gate.Optional)}
	for kind := range ruleFields {
		options[kind] = ruleOf(kind, &gate.Rules)
	}
	if err := directive.Read(h.Dispenser, options, options.Names()...); err != nil { // lines add up
		return nil, err
	}
	return newRoute(h, gate), nil
}

// newRoute makes a directive's route, which is for all requests. In a named route
// it has a matcher nevertheless: where no directive of one has, Caddy keeps the
// first alone (v2.11.9), so that the gate behind a signin would be lost.
func newRoute(h httpcaddyfile.Helper, handler caddyhttp.MiddlewareHandler) []httpcaddyfile.ConfigValue {
	var matcher caddy.ModuleMap
	if h.Option("named_routes") == nil { // set when all of them are parsed
		matcher = caddy.ModuleMap{"path": caddyconfig.JSON(caddyhttp.MatchPath{"*"}, nil)}
	}
	return h.NewRoute(matcher, handler)
}

// checkGlobalRealm refuses a name that the global options don't hold. They are
// parsed first.
func checkGlobalRealm(h httpcaddyfile.Helper, name string) error {
	var app App
	if global, ok := h.Option("signin").(httpcaddyfile.App); ok {
		if err := json.Unmarshal(global.Value, &app); err != nil {
			return h.WrapErr(err)
		}
	}
	if _, err := app.realm(name); err != nil {
		return h.WrapErr(err)
	}
	return nil
}

// ruleFields are the kinds of rules, in gates and in allow and deny.
var ruleFields = map[string]func(*access.Rule) *[]string{
	"email":    func(rule *access.Rule) *[]string { return &rule.Email },
	"group":    func(rule *access.Rule) *[]string { return &rule.Group },
	"provider": func(rule *access.Rule) *[]string { return &rule.Provider },
}

// ruleOf reads a rule of one kind, and checks it, so that a mistake is told with its
// line.
func ruleOf(kind string, rules *[]access.Rule) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		values := d.RemainingArgs()
		if len(values) == 0 {
			return d.Errf("%s needs values, of which one is enough: %s <value>...", kind, kind)
		}
		var rule access.Rule
		*ruleFields[kind](&rule) = values
		if err := rule.Check(); err != nil {
			return d.WrapErr(err)
		}
		*rules = append(*rules, rule)
		return nil
	}
}
