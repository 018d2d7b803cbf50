package providers

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/nearest"
)

// UnmarshalProvider reads the provider whose keyword the dispenser is at, with
// its arguments and block, and returns it as the JSON of a guest module, its
// name under "provider". The keyword names a guest module of [Namespace], or is one
// of its [Keyworder.Keywords]. A guest module reads its own line: UnmarshalCaddyfile
// gets a dispenser before the keyword.
func UnmarshalProvider(d *caddyfile.Dispenser) (json.RawMessage, error) {
	keyword := d.Val()
	known := modules()
	module, ok := known[keyword]
	if !ok {
		if hint, ok := notYet[keyword]; ok {
			return nil, d.Errf("%s", hint)
		}
		return nil, d.Errf("unknown provider %q%s", keyword, providersHint(keyword, known))
	}
	provider, err := caddyfile.UnmarshalModule(d, Namespace+"."+module)
	if err != nil {
		return nil, err
	}
	return caddyconfig.JSONModuleObject(provider, "provider", module, nil), nil
}

// Known says that a keyword is a provider's, so that UnmarshalProvider reads it
// or says what to write instead.
func Known(keyword string) bool {
	_, later := notYet[keyword]
	return later || modules()[keyword] != ""
}

// Keywords returns the names of all providers that a Caddyfile can name, sorted:
// guest modules, presets and mail services.
func Keywords() []string { return slices.Sorted(maps.Keys(modules())) }

// notYet are NextAuth's ids for which nothing is there, and what to write.
var notYet = map[string]string{
	"passkey":  "passkeys are not supported yet: choose another provider",
	"webauthn": "WebAuthn is not supported yet: choose another provider",
}

// modules are the names of the guest modules, by their keywords.
func modules() map[string]string {
	names := make(map[string]string)
	for _, module := range caddy.GetModules(Namespace) {
		if more, ok := module.New().(Keyworder); ok {
			for _, keyword := range more.Keywords() {
				names[keyword] = module.ID.Name()
			}
		}
		names[module.ID.Name()] = module.ID.Name()
	}
	return names
}

// providersHint lists the near names, or those of the guest modules: there are too
// many others.
func providersHint(keyword string, known map[string]string) string {
	if near := nearest.Names(keyword, slices.Sorted(maps.Keys(known))); len(near) > 0 {
		return directive.DidYouMean(keyword, near)
	}
	kinds := slices.Compact(slices.Sorted(maps.Values(known)))
	return fmt.Sprintf(": write one of %s, or one of the %d names in docs/providers.md", strings.Join(kinds, ", "), len(known)-len(kinds))
}

// Tells says which parts of an [Account] a provider can give, by its configuration
// (JSON, with the guest module's name in the member provider). One that isn't known,
// can't be read or doesn't say may give all.
func Tells(written json.RawMessage) Parts {
	all := Parts{Email: true, Groups: true}
	var named struct{ Provider string }
	if json.Unmarshal(written, &named) != nil {
		return all
	}
	info, err := caddy.GetModule(Namespace + "." + named.Provider)
	if err != nil {
		return all
	}
	module, ok := info.New().(Teller)
	if !ok || json.Unmarshal(written, module) != nil {
		return all
	}
	return module.Tells()
}
