package signin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/nearest"
)

func init() { caddy.RegisterModule(adminAPI{}) }

// adminAPI serves what an operator does with live sessions, on Caddy's admin
// endpoint:
//
//	GET    /signin/sessions[?realm=<key>][&user=<id>]    list
//	DELETE /signin/sessions/<session>[?realm=<key>]      revoke one
//	DELETE /signin/sessions?user=<id>[&realm=<key>]      revoke all of a user
//
// A realm's key is its name, else its url, else its public address; without it
// all realms are meant. Answers and errors are JSON.
type adminAPI struct{ logger *zap.Logger }

const adminSessions = "/signin/sessions"

// CaddyModule returns the Caddy module information.
func (adminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.signin",
		New: func() caddy.Module { return new(adminAPI) },
	}
}

// Provision implements caddy.Provisioner. The realms are not there yet.
func (a *adminAPI) Provision(ctx caddy.Context) error {
	a.logger = ctx.Logger(a)
	return nil
}

// Routes implements caddy.AdminRouter.
func (a *adminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: adminSessions, Handler: caddy.AdminHandlerFunc(a.serveSessions)},
		{Pattern: adminSessions + "/", Handler: caddy.AdminHandlerFunc(a.serveSession)},
	}
}

// listedSession is a session as the admin API shows it.
type listedSession struct {
	ID        string    `json:"id"`
	Realm     string    `json:"realm"`
	User      string    `json:"user"`
	Provider  string    `json:"provider"`
	Started   time.Time `json:"started"`
	Expires   time.Time `json:"expires"` // at the latest
	UserAgent string    `json:"user_agent,omitempty"`
}

func (a *adminAPI) serveSessions(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	user := query.Get("user")
	switch r.Method {
	case http.MethodGet:
		found, err := find(r.Context(), query.Get("realm"), user, everyEntry)
		if err != nil {
			return err
		}
		return showSessions(w, found)
	case http.MethodDelete:
		if user == "" {
			return adminError(http.StatusBadRequest, errors.New("name the user whose sessions to revoke, such as ?user=github:583231, or the session, as /signin/sessions/<session>"))
		}
		if err := revokeEarlierSignIns(r.Context(), query.Get("realm"), user); err != nil {
			return err
		}
		found, err := find(r.Context(), query.Get("realm"), user, everyEntry)
		if err != nil {
			return err
		}
		return a.revoke(w, r, found)
	default:
		return methodNotAllowed(w, "GET, DELETE")
	}
}

func (a *adminAPI) serveSession(w http.ResponseWriter, r *http.Request) error {
	sid := strings.TrimPrefix(r.URL.Path, adminSessions+"/")
	if r.Method != http.MethodDelete {
		return methodNotAllowed(w, "DELETE")
	}
	found, err := find(r.Context(), r.URL.Query().Get("realm"), "", func(e *entry) bool { return e.sid == sid })
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return adminError(http.StatusNotFound, fmt.Errorf("no session %q: GET %s lists those that live", cut(sid, 80), adminSessions))
	}
	return a.revoke(w, r, found)
}

func showSessions(w http.ResponseWriter, found []listedEntry) error {
	list := make([]listedSession, len(found))
	for i, one := range found {
		list[i] = listedSession{
			ID: one.sid, Realm: one.key, User: one.user, Provider: one.provider,
			Started: one.started.UTC(), Expires: one.ends.UTC(), UserAgent: one.agent,
		}
	}
	return adminJSON(w, list)
}

func (a *adminAPI) revoke(w http.ResponseWriter, r *http.Request, found []listedEntry) error {
	revoked, err := endEach(r.Context(), found, func(one listedEntry) {
		a.logger.Info("revoked a session", zap.String("user", one.user), zap.String("realm", one.key), zap.String("session", one.sid))
	})
	if err != nil {
		return adminError(http.StatusServiceUnavailable, fmt.Errorf("revoked %d of %d sessions: %w", revoked, len(found), err))
	}
	return adminJSON(w, struct {
		Revoked int `json:"revoked"`
	}{revoked})
}

func adminJSON(w http.ResponseWriter, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return adminError(http.StatusInternalServerError, err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n')) // the client is gone: nobody to tell
	return nil
}

func adminError(status int, err error) error { return caddy.APIError{HTTPStatus: status, Err: err} }

func methodNotAllowed(w http.ResponseWriter, allowed string) error {
	w.Header().Set("Allow", allowed)
	return adminError(http.StatusMethodNotAllowed, fmt.Errorf("only %s here", allowed))
}

// revokeEarlierSignIns has sign-ins of a user that are under way come to nothing, in a
// realm or in all.
func revokeEarlierSignIns(ctx context.Context, realmKey, user string) error {
	realms, err := running.realms(realmKey)
	if err != nil {
		return adminError(http.StatusNotFound, err)
	}
	for _, rl := range realms {
		if err := (sessionList{sessionManager: rl.active.sessions}).revokeEarlierSignIns(ctx, user); err != nil {
			return adminError(http.StatusServiceUnavailable, fmt.Errorf("%s: %w", rl.active, err))
		}
	}
	return nil
}

func everyEntry(*entry) bool { return true }

// find returns the live sessions of a realm, or of all, and of a user, or of
// all, that are wanted, the oldest first.
func find(ctx context.Context, realmKey, user string, wanted func(*entry) bool) ([]listedEntry, error) {
	realms, err := running.realms(realmKey)
	if err != nil {
		return nil, adminError(http.StatusNotFound, err)
	}
	seen := make(map[[2]string]bool) // realms without a name may share a store
	var found []listedEntry
	for _, rl := range realms {
		err := sessionList{sessionManager: rl.active.sessions}.each(ctx, listPrefix(cmp.Or(realmKey, rl.active.poolKey()), user), func(key string, e entry) error {
			id := [2]string{key, e.sid}
			if !rl.active.owns(key) || seen[id] || (user != "" && e.user != user) || !wanted(&e) {
				return nil
			}
			one := listedEntry{sessionList{rl.active.sessions, key}, e}
			over, err := e.strategy().revoked(ctx, one.sessionList, e)
			if err == nil && !over {
				seen[id] = true
				found = append(found, one)
			}
			return err //nolint:wrapcheck // it says what was being asked
		})
		switch {
		case errors.Is(err, errNoList):
			return nil, adminError(http.StatusNotImplemented, fmt.Errorf("%s: %w", rl.active, err))
		case err != nil:
			return nil, adminError(http.StatusServiceUnavailable, fmt.Errorf("%s: %w", rl.active, err))
		}
	}
	slices.SortFunc(found, func(a, b listedEntry) int {
		if order := a.started.Compare(b.started); order != 0 {
			return order
		}
		return strings.Compare(a.sid, b.sid)
	})
	return found, nil
}

// listPrefix begins the keys of a realm's entries, or of one user's. Without a
// realm's key nothing more is known of it.
func listPrefix(key, user string) string {
	switch {
	case key == "":
		return ""
	case user == "":
		return key + sessionInfix
	default:
		return sessionList{key: key}.userPrefix(user)
	}
}

// running are the apps of the configurations that run: the last is the newest.
// Two run for a moment at every reload.
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
// have the key of one that may be an older configuration's: of the realm itself
// where it runs, and where nothing does.
func (r *runningApps) successors(of *Realm, key string) []*sessionManager {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.apps) == 0 || of.app != nil && of.app.starting {
		return []*sessionManager{of.active.sessions}
	}
	all := r.apps[len(r.apps)-1].all()
	if slices.Contains(all, of) {
		return []*sessionManager{of.active.sessions}
	}
	var found []*sessionManager
	for _, realm := range all {
		if realm.active.owns(key) {
			found = append(found, realm.active.sessions)
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
		if realm.active.owns(key) {
			named = append(named, realm)
		}
		if own := realm.active.poolKey(); own != "" {
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
	return nil, fmt.Errorf("no realm %q is running: name %s", cut(key, 80), strings.Join(append(known, "the address of a site whose realm has no name, such as https://app.example.com"), ", or "))
}

// Interface guards
var (
	_ caddy.Provisioner = (*adminAPI)(nil)
	_ caddy.AdminRouter = (*adminAPI)(nil)
)
