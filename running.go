package signin

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/caddy-signin/caddy-signin/internal/nearest"
	"github.com/caddy-signin/caddy-signin/internal/response"
	"github.com/caddy-signin/caddy-signin/internal/session"
)

// running are the apps of the configurations that run: the last is the newest.
// Two run for a moment at every reload. caddy.ActiveContext doesn't do: it stays the old
// configuration's until every app of the new one has started, and the http app serves before.
var running runningApps

type runningApps struct {
	mu   sync.Mutex
	apps []*App
}

func (r *runningApps) add(app *App) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.apps, app.starting = append(r.apps, app), false
}

func (r *runningApps) remove(app *App) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.apps, app.starting = slices.DeleteFunc(r.apps, func(other *App) bool { return other == app }), false
}

// successors are the sessions of those realms of the newest configuration that
// have the key of one of app's, which may be an older configuration's: of the realm
// itself where it runs, and where nothing does.
func (r *runningApps) successors(app *App, of *Realm, key string) []*session.Manager {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.apps) == 0 || app.starting {
		return []*session.Manager{of.active.Sessions}
	}
	all := r.apps[len(r.apps)-1].all()
	if slices.Contains(all, of) {
		return []*session.Manager{of.active.Sessions}
	}
	var found []*session.Manager
	for _, realm := range all {
		if realm.active.Owns(key) {
			found = append(found, realm.active.Sessions)
		}
	}
	return found
}

// realms are those that have a key; an empty one stands for all.
func (r *runningApps) realms(key string) ([]*Realm, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.apps) == 0 {
		return nil, errors.New("the running configuration has no signin")
	}
	all := r.apps[len(r.apps)-1].all()
	var named []*Realm
	var known []string
	for _, realm := range all {
		if realm.active.Owns(key) {
			named = append(named, realm)
		}
		if own := realm.active.PoolKey(); own != "" {
			known = append(known, own)
		}
	}
	switch {
	case key == "":
		return all, nil
	case len(named) > 0:
		return named, nil
	}
	slices.Sort(known)
	if near := nearest.Names(key, known); len(near) > 0 {
		known = near
	}
	return nil, fmt.Errorf("no realm %q is running: name %s", response.Cut(key, 80), strings.Join(append(known, "the address of a site whose realm has no name, such as https://app.example.com"), ", or "))
}
