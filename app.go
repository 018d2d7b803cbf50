package signin

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/identity"
	"github.com/caddy-signin/caddy-signin/internal/nearest"
	"github.com/caddy-signin/caddy-signin/internal/panics"
	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/session"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

func init() { caddy.RegisterModule(App{}) }

// defaultRealm is the global realm that a bare signin refers to.
const defaultRealm = "default"

// App holds the realms that several sites share. A site refers to one by its
// name, or to the realm "default" by naming none.
type App struct {
	// The realms by name. Default: none; sites then have realms of their own.
	Realms map[string]*Realm `json:"realms,omitempty"`

	// The identity headers of every realm, here and in place: a request loses
	// them all, for what one realm doesn't set an upstream may believe of another.
	names *request.HeaderNames

	// The realms of signin handlers, and the names of realms of which a gate has rules.
	inPlace    []*Realm
	ruledNames map[string]bool
	logger     *zap.Logger
	ctx        caddy.Context
	starting   bool // not started yet, and not given up; running guards it
}

// CaddyModule returns the Caddy module information.
func (App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "signin",
		New: func() caddy.Module { return new(App) },
	}
}

// Provision makes the realms ready.
func (a *App) Provision(ctx caddy.Context) error {
	a.ctx, a.logger = ctx, ctx.Logger()
	a.starting = true
	a.ruledNames, a.names = make(map[string]bool), identity.DefaultIdentity()
	for _, name := range slices.Sorted(maps.Keys(a.Realms)) {
		if a.Realms[name] == nil {
			return fmt.Errorf("realm %q is null: give it providers", name)
		}
		if err := checkRealmName(name); err != nil {
			return err
		}
		if err := a.Realms[name].provision(ctx, name); err != nil {
			return err
		}
		a.register(a.Realms[name])
	}
	return nil
}

// checkRealmName refuses names of global realms that could be taken for the key of a
// realm without a name, which is an address, or for more than one part of a key in a
// store.
func checkRealmName(name string) error {
	if name == "" || strings.ContainsAny(name, "|:/{}") {
		return fmt.Errorf("a realm can't be called %q: write a name such as staff, without | : / { and }", name)
	}
	return nil
}

// register makes a realm that is provisioned one of the configuration, whose
// requests lose the identity headers of all its realms. No request comes before
// all realms are there.
func (a *App) register(realm *Realm) {
	a.names.Add(realm.active.Headers.Names...)
	realm.active.IdentityHeaders = a.names
	realm.active.Sessions.Successors = func(key string) []*session.Manager { return running.successors(a, realm, key) }
	warnSharedLogins(realm.active)
	warnOfBlindDeny(realm.active, realm.tells)
}

// Start refuses realms of which a client could choose the address (so does
// [Handler.Provision], where it can tell), and warns about gates that nobody can
// pass or that may leave too much open, about realms that mix or that anyone in
// the world could enter, and about stores that another process has. By now every
// handler of the configuration has been provisioned.
func (a *App) Start() error {
	a.warnOfGates(a.ctx)
	realms, err := realmsOf(a.ctx, nil)
	if err != nil {
		return err
	}
	a.warnOfMixedRealms(realms)
	for _, one := range realms {
		if store, ok := one.realm.active.Store.(sessionstore.Claimer); ok {
			go claim(store, one.realm.active.Logger) // the disk may take its time
		}
		if one.open {
			warnIfOpen(one.realm.active, one.name)
		}
	}
	running.add(a)
	return nil
}

// claim has a store say that another process has its data, if one has. Stores may be
// anybody's modules.
func claim(store sessionstore.Claimer, logger *zap.Logger) {
	err := panics.Catch(func() error {
		store.Claim()
		return nil
	})
	if err != nil {
		logger.Error("the store could not be claimed", zap.Error(err), panics.Stack(err))
	}
}

// Stop implements caddy.App.
func (a *App) Stop() error {
	running.remove(a)
	return nil
}

// Cleanup gives back what the realms share with other configurations.
func (a *App) Cleanup() error {
	running.remove(a) // of a configuration that failed, nothing was started or stopped
	failed := make([]error, 0, len(a.Realms))
	for _, realm := range a.Realms {
		failed = append(failed, realm.cleanup())
	}
	return errors.Join(failed...)
}

// all are the realms of the configuration.
func (a *App) all() []*Realm {
	return slices.AppendSeq(slices.Clone(a.inPlace), maps.Values(a.Realms))
}

// configured is the realm of the configuration that an active one was made from.
func (a *App) configured(active *realm.Realm) *Realm {
	for _, realm := range a.all() {
		if realm.active == active {
			return realm
		}
	}
	return nil
}

// noteRules records that some gate of the realm has rules; an empty name is
// the realm that its site sets.
func (a *App) noteRules(realm string) { a.ruledNames[realm] = true }

// isRuled says that some gate of the realm has rules.
func (a *App) isRuled(realm string) bool {
	return a.ruledNames[realm] || realm == defaultRealm && a.ruledNames[""]
}

var errNoDefaultRealm = errors.New(`no global realm "default": write the providers into a block of this signin, or add a signin block to the global options`)

// realm returns a global realm; the empty name is the default one.
func (a *App) realm(name string) (*Realm, error) {
	if name == "" {
		name = defaultRealm
	}
	if realm, ok := a.Realms[name]; ok {
		return realm, nil
	}
	if name == defaultRealm {
		return nil, errNoDefaultRealm
	}
	known := slices.Sorted(maps.Keys(a.Realms))
	if len(known) == 0 {
		return nil, fmt.Errorf("no realm %q: add `signin %s { … }` to the global options", name, name)
	}
	if near := nearest.Names(name, known); len(near) > 0 {
		known = near
	}
	return nil, fmt.Errorf("no realm %q in the global options: did you mean %s?", name, strings.Join(known, " or "))
}

func appOf(ctx caddy.Context) (*App, error) {
	mod, err := ctx.App("signin")
	if err != nil {
		return nil, fmt.Errorf("the signin app: %w", err)
	}
	app, ok := mod.(*App)
	if !ok {
		return nil, fmt.Errorf("the signin app is a %T", mod)
	}
	return app, nil
}

var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
