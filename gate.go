package signin

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/response"
	"github.com/caddy-signin/caddy-signin/internal/sampled"
	"github.com/caddy-signin/caddy-signin/internal/session"
	"github.com/caddy-signin/caddy-signin/pages"
)

func init() { caddy.RegisterModule(Gate{}) }

// Gate lets a request pass only with a session that satisfies its rules, and
// then tells the upstream who the user is. Without a session a browser's page
// view is sent to the sign-in page and anything else gets 401; with one that
// the rules don't admit it gets 403. When the answer can't be known the gate
// stays shut, with 503.
//
// It checks the target of every request that reaches it, guarded or not, and
// removes the identity headers and the gateway's cookies that the client sent,
// as the handler signin does.
type Gate struct {
	// The name of the global realm to ask. Default: the realm that a signin
	// handler set earlier in the same request, else the global realm "default".
	Realm string `json:"realm,omitempty"`

	// What the session must satisfy: every rule. Default: any session passes.
	Rules []access.Rule `json:"rules,omitempty"`

	// Let people pass whatever session they have, or none, and set the identity
	// headers where one satisfies the rules. While that can't be known, as when
	// the store is down, nobody passes. Default: false.
	Optional bool `json:"optional,omitempty"`

	// Which requests it guards: those that one of the matcher sets matches. The
	// others pass, without what clients must not send to an upstream. Unlike the
	// matchers of its route, these let the gate see every request. Default: all
	// that reach it.
	MatcherSetsRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	asks     realm.Gate
	matchers caddyhttp.MatcherSets
	logger   *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (Gate) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.require_signin",
		New: func() caddy.Module { return new(Gate) },
	}
}

// Provision finds the realm, loads the matchers and checks the rules.
func (g *Gate) Provision(ctx caddy.Context) error {
	g.logger = ctx.Logger()
	g.asks.Sampled = sampled.Logger(g.logger)
	loaded, err := ctx.LoadModule(g, "MatcherSetsRaw")
	if err != nil {
		return fmt.Errorf("require_signin: loading what it matches: %w", err)
	}
	if err := g.matchers.FromInterface(loaded); err != nil {
		return fmt.Errorf("require_signin: what it matches: %w", err)
	}
	for i := range g.Rules {
		rule, err := resolveRule(g.Rules[i])
		if err != nil {
			return fmt.Errorf("require_signin: %w", err)
		}
		g.asks.Rules = append(g.asks.Rules, rule)
	}
	app, err := appOf(ctx)
	if err != nil {
		return err
	}
	g.asks.IdentityHeaders = app.names
	if len(g.Rules) > 0 {
		app.noteRules(g.Realm)
	}
	g.asks.Named = g.Realm != ""
	realm, err := app.realm(g.Realm)
	switch {
	case err == nil:
		g.asks.Realm = realm.active
	case g.asks.Named:
		return fmt.Errorf("require_signin: %w", err)
	}
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	d, err := g.check(w, r)
	if d.begun {
		defer d.rs.Finish()
	}
	switch d.result {
	case gateRefused:
		return err
	case gateOpen:
		return next.ServeHTTP(d.out, r)
	}
	if err = d.rs.Serve(g.asks.Rules, d.out, r, next); err != nil {
		d.rs.Out.Fail()
	}
	return err
}

// gateResult is what one gate decides about a request; another gate around it may
// have decided otherwise.
type gateResult uint8

const (
	gateRefused  gateResult = iota // and answered
	gateOpen                       // it passes whoever sent it
	gateAdmitted                   // it passes for its session, as long as that holds
)

// gateDecision is a result, and with what the request goes on.
type gateDecision struct {
	result gateResult
	rs     *realm.Request // nil where the request has no realm
	begun  bool           // rs begins with this gate, which then is the one to finish it
	out    http.ResponseWriter
}

// check decides about the request, and answers it where it refuses it.
func (g *Gate) check(w http.ResponseWriter, r *http.Request) (d gateDecision, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			d.result, err = gateRefused, nil
			realm.AnswerPanic(w, r, g.logger, cause)
		}
	}()
	var ok bool
	if d.rs, d.begun, d.out, ok = g.asks.Enter(w, r); !ok {
		return d, nil
	}
	guarded, err := g.matchers.AnyMatchWithError(r)
	switch {
	case err != nil:
		g.refuseUndecided(d.out, r, err)
		return d, nil
	case !guarded && request.HasLowerCase(r.Method):
		g.asks.Sampled.Info("refused a method with lower-case letters, which the matchers of a gate take for another one than some upstreams do")
		response.Text(d.out, http.StatusBadRequest, "This method is not understood.\n")
		return d, nil
	case !guarded:
		d.result = gateOpen
		return d, nil
	}
	rs, out, admitted, err := g.asks.Admit(d.rs, d.out, r)
	d.begun = d.begun || rs != nil && rs != d.rs // of the gate's own realm
	d.rs, d.out = rs, out
	if !admitted {
		d.result, err = g.refuse(out, r, rs, err)
		return d, err
	}
	if err != nil {
		g.asks.Sampled.Warn("a session can't be renewed and will end when its time is up", zap.Error(err))
	}
	d.result = gateAdmitted
	return d, nil
}

// refuse answers a guarded request that no session lets pass, unless the gate is
// optional. An error says why that isn't known.
func (g *Gate) refuse(w http.ResponseWriter, r *http.Request, rs *realm.Request, err error) (gateResult, error) {
	switch {
	case rs == nil:
		g.asks.Sampled.Error("require_signin has no realm to ask: add a signin block to this site, or a global one")
		response.Text(w, http.StatusInternalServerError, "Internal Server Error\n")
		return gateRefused, nil
	case err != nil:
		return gateRefused, g.unknown(w, r, rs, err)
	case g.Optional:
		return gateOpen, nil
	}
	site, _ := rs.Site(r)
	if live, _ := rs.Session(r); live != nil {
		return gateRefused, g.forbid(w, r, site, live)
	}
	return gateRefused, g.challenge(w, r, site)
}

// refuseUndecided refuses a request of which a matcher couldn't say whether it is
// guarded. It is an answer and no error, for which handle_errors would lead past the gate.
func (g *Gate) refuseUndecided(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	// Such as 425 while the client's address is not certain yet.
	if told, ok := errors.AsType[caddyhttp.HandlerError](err); ok && told.StatusCode >= http.StatusBadRequest {
		status = told.StatusCode
	}
	g.asks.Sampled.Error("a gate stays shut because a matcher can't say whether it guards the request",
		zap.Error(err), zap.Int("status", status), zap.String("reference", request.Reference(r)))
	response.Text(w, status, http.StatusText(status)+"\n")
}

// unknown refuses a request whose session can't be known.
func (g *Gate) unknown(w http.ResponseWriter, r *http.Request, rs *realm.Request, err error) error {
	if errors.Is(err, request.ErrUnknownHost) {
		rs.Realm.RefuseHost(w, err)
		return nil
	}
	rs.Blame("a gate stays shut because the session can't be looked up", zap.Error(err))
	return realm.Unavailable(w, r, rs, pages.Unavailable{Posted: request.IsFormPost(r)})
}

// challenge asks for a sign-in in the form that the client can use.
func (g *Gate) challenge(w http.ResponseWriter, r *http.Request, s *realm.Site) error {
	response.Protect(w.Header())
	switch {
	case request.IsNavigation(r):
		response.Redirect(w, http.StatusFound, s.SignInFor(r))
		return nil
	case request.IsFormPost(r):
		return s.ServePage(w, pages.Unauthorized{Site: s.PageSite(r), SignInURL: s.Base + "/signin", Posted: true})
	case request.IsFramed(r):
		return s.ServePage(w, pages.Unauthorized{Site: s.PageSite(r), SignInURL: s.SignInFor(r)})
	default:
		return s.Realm.SendJSON(w, http.StatusUnauthorized, s.Unauthorized)
	}
}

// forbid refuses a signed-in person whom a rule doesn't admit.
func (g *Gate) forbid(w http.ResponseWriter, r *http.Request, s *realm.Site, live *session.Session) error {
	if c := g.logger.Check(zapcore.InfoLevel, "a rule of require_signin does not admit this user"); c != nil {
		c.Write(zap.String("user", live.UserID), zap.String("provider", live.Claims.Provider),
			zap.Bool("email_verified", live.Email != ""), zap.Strings("groups", live.Claims.Groups),
			zap.Any("rules", g.Rules), zap.String("path", r.URL.Path), zap.String("reference", request.Reference(r)))
	}
	response.Protect(w.Header())
	if request.IsNavigation(r) || request.IsFormPost(r) || request.IsFramed(r) {
		return s.ServePage(w, pages.Forbidden{
			Site: s.PageSite(r), User: realm.PageUser(live),
			SignInURL:  s.SignInFor(r),
			SignOutURL: s.Base + "/signout",
		})
	}
	return s.Realm.WriteJSON(w, http.StatusForbidden, map[string]string{"error": "Forbidden"})
}

var (
	_ caddy.Provisioner           = (*Gate)(nil)
	_ caddyhttp.MiddlewareHandler = (*Gate)(nil)
)
