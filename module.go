// Package signin puts signIn() and signOut() in front of anything: it serves
// the NextAuth.js client protocol inside Caddy, guards routes by session, and
// tells the back end who the user is.
//
// The directive signin makes a site part of a [Realm] and serves its endpoints
// ([Handler]); the directive require_signin guards routes ([Gate]). Realms that
// several sites share stand in the global options ([App]). Importing this
// package registers all of it with Caddy.
package signin

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/flow"
	"github.com/caddy-signin/caddy-signin/internal/realm"
)

func init() { caddy.RegisterModule(Handler{}) }

// Handler serves a realm's endpoints under its base path. On every other
// request it removes the identity headers, of every realm, and the gateway's
// cookies that the client sent, and offers the session to gates, matchers and placeholders
// ({http.auth.user.id} and so on), which look it up when they first need it.
type Handler struct {
	// The name of a global realm. Default: the global realm "default", unless
	// config is set.
	Realm string `json:"realm,omitempty"`

	// A realm of this site alone. Default: none.
	Config *Realm `json:"config,omitempty"`

	realm     *realm.Realm
	endpoints *flow.Endpoints
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.signin",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision makes the realm ready, or finds it among the global ones.
func (h *Handler) Provision(ctx caddy.Context) error {
	app, err := appOf(ctx)
	if err != nil {
		return err
	}
	if h.Config == nil {
		realm, err := app.realm(h.Realm)
		if err != nil {
			return fmt.Errorf("signin: %w", err)
		}
		return h.serves(ctx, realm)
	}
	if h.Realm != "" {
		return errors.New("signin: realm and config exclude each other: a realm is either referred to by name or written in place")
	}
	app.inPlace = append(app.inPlace, h.Config)
	if err := h.Config.provision(ctx, ""); err != nil {
		return fmt.Errorf("signin: %w", err)
	}
	app.register(h.Config)
	return h.serves(ctx, h.Config)
}

// serves makes a realm that is provisioned the one that the handler serves.
func (h *Handler) serves(ctx caddy.Context, realm *Realm) error {
	h.realm, h.endpoints = realm.active, realm.endpoints
	return checkPlace(ctx, realm.active)
}

// Cleanup gives back what a realm of this site shares with other configurations.
func (h *Handler) Cleanup() error { return h.Config.cleanup() }

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	rs, out, err := h.enter(w, r)
	if rs != nil {
		defer rs.Finish()
	}
	if out == nil {
		return err
	}
	return next.ServeHTTP(out, r)
}

// enter makes the request one of the realm's, or answers it. The writer to go on
// with is nil where it is answered.
func (h *Handler) enter(w http.ResponseWriter, r *http.Request) (rs *realm.Request, out http.ResponseWriter, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			out, err = nil, nil
			realm.AnswerPanic(w, r, h.realm.Logger, cause)
		}
	}()
	rs, out, ok := h.realm.Enter(w, r)
	if !ok {
		return nil, nil, nil
	}
	if rs.Out.Endpoint {
		return rs, nil, h.endpoints.Serve(rs, out, r, rs.Action)
	}
	return rs, out, nil
}

var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
