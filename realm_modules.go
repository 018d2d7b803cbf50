package signin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/internal/flow"
	"github.com/caddy-signin/caddy-signin/internal/session"
	"github.com/caddy-signin/caddy-signin/internal/throttle"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// checkModuleName refuses a guest module whose name is missing or unknown. Caddy
// does too, but quotes all that a nameless one holds, secrets included.
func checkModuleName(raw json.RawMessage, key, namespace string) error {
	var options map[string]json.RawMessage
	var name string
	if err := json.Unmarshal(raw, &options); err == nil && options[key] != nil {
		if err := json.Unmarshal(options[key], &name); err != nil {
			name = ""
		}
	}
	known := moduleNames(namespace)
	switch {
	case name == "":
		return fmt.Errorf("it doesn't say what it is: write %q with one of %s", key, strings.Join(known, ", "))
	case !slices.Contains(known, name):
		return fmt.Errorf("%s %q is not known: write one of %s", key, name, strings.Join(known, ", "))
	}
	return nil
}

// moduleNames are the guest modules of a namespace, sorted.
func moduleNames(namespace string) []string {
	modules := caddy.GetModules(namespace)
	names := make([]string, len(modules))
	for i := range modules {
		names[i] = modules[i].ID.Name()
	}
	return names
}

func (rl *Realm) provisionStore(ctx caddy.Context) error {
	if rl.StoreRaw == nil {
		rl.StoreRaw = json.RawMessage(`{"store":"bolt"}`)
	}
	if err := checkModuleName(rl.StoreRaw, "store", sessionstore.Namespace); err != nil {
		return fmt.Errorf("the store: %w", err)
	}
	mod, err := ctx.LoadModule(rl, "StoreRaw")
	if err != nil {
		return fmt.Errorf("loading the store: %w", err)
	}
	opener, ok := mod.(sessionstore.Module)
	if !ok {
		return fmt.Errorf("store: %T is not a session store", mod)
	}
	active := rl.active
	if active.Store, err = opener.Open(active.PoolKey()); err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	active.Sessions.Store, active.Sessions.RealmKey = active.Store, active.PoolKey()
	active.Throttle = throttle.New(active.Store, active.PoolKey())
	return shareSessions(active)
}

// loadProviders loads the providers and returns their ids, in their order.
func (rl *Realm) loadProviders(ctx caddy.Context) (ids []string, err error) {
	for i, raw := range rl.ProvidersRaw {
		if err := checkModuleName(raw, "provider", providers.Namespace); err != nil {
			return nil, fmt.Errorf("the providers: number %d: %w", i+1, err)
		}
	}
	mods, err := ctx.LoadModule(rl, "ProvidersRaw")
	if err != nil {
		return nil, fmt.Errorf("loading the providers: %w", err)
	}
	loaded, _ := mods.([]any)
	rl.active.ByID = make(map[string]providers.Provider, len(loaded))
	for _, mod := range loaded {
		provider, ok := mod.(providers.Provider)
		if !ok {
			return nil, fmt.Errorf("%T is not a provider", mod)
		}
		id := provider.Info().ID
		rl.active.Providers, rl.active.ByID[id] = append(rl.active.Providers, provider), provider
		rl.active.GivesOutAddress = rl.active.GivesOutAddress || flow.GivesOutAddress(provider)
		ids = append(ids, id)
	}
	return ids, nil
}

// writtenIDs are the ids of providers that are not loaded.
func writtenIDs(written []json.RawMessage) ([]string, error) {
	ids := make([]string, len(written))
	for i, raw := range written {
		var named struct{ ID, Preset, Provider string }
		if err := json.Unmarshal(raw, &named); err != nil {
			return nil, fmt.Errorf("reading a provider: %w", err)
		}
		ids[i] = cmp.Or(named.ID, named.Preset, named.Provider)
	}
	return ids, nil
}

var errNoProvider = errors.New("no provider: add one to the signin block, such as credentials, google or oidc")

func badProviderID(id string) error {
	if id == session.ForeignProvider {
		return fmt.Errorf("provider id %q stands for sessions that NextAuth itself issued: give the provider another id", id)
	}
	return fmt.Errorf("provider id %q must be of letters, digits, hyphens, dots and underscores: give the provider such an id; its name may be any text", id)
}

func duplicateProvider(id string) error {
	return fmt.Errorf("two providers have the id %q: give one of them an id line of its own", id)
}

func isProviderID(id string) bool {
	return id != "" && len(id) <= 64 && id != session.ForeignProvider && strings.Trim(id, ".") != "" &&
		!strings.ContainsFunc(id, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._", r)
		})
}

// checkIDs refuses a realm without providers, and ids that can't be told apart or
// don't fit into a path.
func checkIDs(ids []string) error {
	if len(ids) == 0 {
		return errNoProvider
	}
	for i, id := range ids {
		if !isProviderID(id) {
			return badProviderID(id)
		}
		if slices.Contains(ids[:i], id) {
			return duplicateProvider(id)
		}
	}
	return nil
}
