// Package catalog finds the kinds of providers that are built in, by the words by which a
// Caddyfile names them, and asks them what they can tell of people. It knows none of
// them: it looks in Caddy's own registry of modules.
package catalog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/nearest"
	"github.com/caddy-signin/caddy-signin/providers"
)

// Unmarshal reads the provider whose keyword the dispenser is at, with
// its arguments and block, and returns it as the JSON of a guest module, its
// name under "provider". The keyword names a guest module of [providers.Namespace], or is one
// of its [providers.Keyworder.Keywords]. A guest module reads its own line: UnmarshalCaddyfile
// gets a dispenser before the keyword.
func Unmarshal(d *caddyfile.Dispenser) (json.RawMessage, error) {
	keyword := d.Val()
	module := moduleOf(keyword)
	if module == "" {
		if hint, ok := notYet[keyword]; ok {
			return nil, d.Errf("%s", hint)
		}
		return nil, d.Errf("unknown provider %q%s", keyword, providersHint(keyword))
	}
	provider, err := caddyfile.UnmarshalModule(d, providers.Namespace+"."+module)
	if err != nil {
		return nil, err
	}
	return caddyconfig.JSONModuleObject(provider, "provider", module, nil), nil
}

// Known says that a keyword is a provider's, so that [Unmarshal] reads it
// or says what to write instead.
func Known(keyword string) bool {
	_, later := notYet[keyword]
	return later || moduleOf(keyword) != ""
}

// Keywords returns the names of all providers that a Caddyfile can name, sorted:
// guest modules, presets and mail services.
func Keywords() []string {
	var names []string
	for _, module := range caddy.GetModules(providers.Namespace) {
		names = append(names, module.ID.Name())
		if more, ok := module.New().(providers.Keyworder); ok {
			names = append(names, more.Keywords()...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// notYet are NextAuth's ids for which nothing is there, and what to write.
var notYet = map[string]string{
	"passkey":  "passkeys are not supported yet: choose another provider",
	"webauthn": "WebAuthn is not supported yet: choose another provider",
}

// moduleOf is the name of the guest module that a keyword stands for, empty for none.
func moduleOf(keyword string) string {
	all := caddy.GetModules(providers.Namespace)
	for _, module := range all {
		if module.ID.Name() == keyword {
			return keyword
		}
	}
	for _, module := range all {
		if more, ok := module.New().(providers.Keyworder); ok && more.IsKeyword(keyword) {
			return module.ID.Name()
		}
	}
	return ""
}

// providersHint lists the near names, or those of the guest modules: there are too
// many others.
func providersHint(keyword string) string {
	known := Keywords()
	if near := nearest.Names(keyword, known); len(near) > 0 {
		return directive.DidYouMean(keyword, near)
	}
	var kinds []string
	for _, module := range caddy.GetModules(providers.Namespace) {
		kinds = append(kinds, module.ID.Name())
	}
	return fmt.Sprintf(": write one of %s, or one of the %d names in docs/providers.md", strings.Join(kinds, ", "), len(known)-len(kinds))
}

// Tells says which parts of an [providers.Account] a provider can give, by its configuration
// (JSON, with the guest module's name in the member provider). One that isn't known,
// can't be read or doesn't say may give all.
func Tells(written json.RawMessage) providers.Parts {
	all := providers.Parts{Email: true, Groups: true}
	var named struct{ Provider string }
	if json.Unmarshal(written, &named) != nil {
		return all
	}
	info, err := caddy.GetModule(providers.Namespace + "." + named.Provider)
	if err != nil {
		return all
	}
	module, ok := info.New().(providers.Teller)
	if !ok || json.Unmarshal(written, module) != nil {
		return all
	}
	return module.Tells()
}
