package signin

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

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
	if rl.store, err = opener.Open(ctx, rl.poolKey()); err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	rl.sessions.store, rl.sessions.realmKey = rl.store, rl.poolKey()
	return rl.provisionSharing()
}

func (rl *Realm) provisionProviders(ctx caddy.Context) error {
	for i, raw := range rl.ProvidersRaw {
		if err := checkModuleName(raw, "provider", providers.Namespace); err != nil {
			return fmt.Errorf("the providers: number %d: %w", i+1, err)
		}
	}
	written := slices.Clone(rl.ProvidersRaw) // Caddy takes them out
	mods, err := ctx.LoadModule(rl, "ProvidersRaw")
	if err != nil {
		return fmt.Errorf("loading the providers: %w", err)
	}
	loaded, _ := mods.([]any)
	if len(loaded) == 0 {
		return errNoProvider
	}
	rl.byID, rl.written = make(map[string]providers.Provider, len(loaded)), make(map[string]string, len(loaded))
	for i, mod := range loaded {
		provider, ok := mod.(providers.Provider)
		if !ok {
			return fmt.Errorf("%T is not a provider", mod)
		}
		id := provider.Info().ID
		if !isProviderID(id) {
			return errBadProviderID(id)
		}
		if _, exists := rl.byID[id]; exists {
			return errTwoProviders(id)
		}
		rl.providers = append(rl.providers, provider)
		rl.byID[id], rl.written[id] = provider, digest(string(written[i]))
	}
	rl.tells = tellsOf(rl.providerIDs(), written)
	return nil
}

var errNoProvider = errors.New("no provider: add one to the signin block, such as credentials, google or oidc")

func errBadProviderID(id string) error {
	if id == foreignProvider {
		return fmt.Errorf("provider id %q stands for sessions that NextAuth itself issued: give the provider another id", id)
	}
	return fmt.Errorf("provider id %q must be of letters, digits, hyphens, dots and underscores: give the provider such an id; its name may be any text", id)
}

func errTwoProviders(id string) error {
	return fmt.Errorf("two providers have the id %q: give one of them an id line of its own", id)
}

func isProviderID(id string) bool {
	return id != "" && len(id) <= 64 && id != foreignProvider && strings.Trim(id, ".") != "" &&
		!strings.ContainsFunc(id, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._", r)
		})
}

func (rl *Realm) hasProvider(id string) bool { return rl.byID[id] != nil }
