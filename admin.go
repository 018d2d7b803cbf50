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
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/response"
	"github.com/caddy-signin/caddy-signin/internal/session"
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
	found, err := find(r.Context(), r.URL.Query().Get("realm"), "", func(e *session.Entry) bool { return e.SID == sid })
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return adminError(http.StatusNotFound, fmt.Errorf("no session %q: GET %s lists those that live", response.Cut(sid, 80), adminSessions))
	}
	return a.revoke(w, r, found)
}

func showSessions(w http.ResponseWriter, found []session.ListedEntry) error {
	list := make([]listedSession, len(found))
	for i, one := range found {
		list[i] = listedSession{
			ID: one.SID, Realm: one.Key, User: one.User, Provider: one.Provider,
			Started: one.Started.UTC(), Expires: one.Ends.UTC(), UserAgent: one.Agent,
		}
	}
	return adminJSON(w, list)
}

func (a *adminAPI) revoke(w http.ResponseWriter, r *http.Request, found []session.ListedEntry) error {
	revoked, err := session.EndEach(r.Context(), found, func(one session.ListedEntry) {
		a.logger.Info("revoked a session", zap.String("user", one.User), zap.String("realm", one.Key), zap.String("session", one.SID))
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
		if err := (session.List{Manager: rl.active.Sessions}).RevokeEarlierSignIns(ctx, user); err != nil {
			return adminError(http.StatusServiceUnavailable, fmt.Errorf("%s: %w", rl.active, err))
		}
	}
	return nil
}

func everyEntry(*session.Entry) bool { return true }

// find returns the live sessions of a realm, or of all, and of a user, or of
// all, that are wanted, the oldest first.
func find(ctx context.Context, realmKey, user string, wanted func(*session.Entry) bool) ([]session.ListedEntry, error) {
	realms, err := running.realms(realmKey)
	if err != nil {
		return nil, adminError(http.StatusNotFound, err)
	}
	seen := make(map[[2]string]bool) // realms without a name may share a store
	var found []session.ListedEntry
	for _, rl := range realms {
		err := session.List{Manager: rl.active.Sessions}.Each(ctx, listPrefix(cmp.Or(realmKey, rl.active.PoolKey()), user), func(key string, e session.Entry) error {
			id := [2]string{key, e.SID}
			if !rl.active.Owns(key) || seen[id] || (user != "" && e.User != user) || !wanted(&e) {
				return nil
			}
			one := session.ListedEntry{List: session.List{Manager: rl.active.Sessions, Key: key}, Entry: e}
			over, err := e.Strategy().Revoked(ctx, one.List, e)
			if err == nil && !over {
				seen[id] = true
				found = append(found, one)
			}
			return err
		})
		switch {
		case errors.Is(err, session.ErrNoList):
			return nil, adminError(http.StatusNotImplemented, fmt.Errorf("%s: %w", rl.active, err))
		case err != nil:
			return nil, adminError(http.StatusServiceUnavailable, fmt.Errorf("%s: %w", rl.active, err))
		}
	}
	slices.SortFunc(found, func(a, b session.ListedEntry) int {
		if order := a.Started.Compare(b.Started); order != 0 {
			return order
		}
		return strings.Compare(a.SID, b.SID)
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
		return key + session.Infix
	default:
		return session.List{Key: key}.UserPrefix(user)
	}
}

// Interface guards
var (
	_ caddy.Provisioner = (*adminAPI)(nil)
	_ caddy.AdminRouter = (*adminAPI)(nil)
)
