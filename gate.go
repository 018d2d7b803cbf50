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

	// Let everyone pass, and set the identity headers where a session
	// satisfies the rules. Default: false.
	Optional bool `json:"optional,omitempty"`

	// Which requests it guards: those that one of the matcher sets matches. The
	// others pass, without what clients must not send to an upstream. Unlike the
	// matchers of its route, these let the gate see every request. Default: all
	// that reach it.
	MatcherSetsRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	rules    []access.Rule // resolved
	matchers caddyhttp.MatcherSets
	realm    *realm.Realm // named, or the global default; nil leaves it to the request
	explicit bool
	names    *request.HeaderNames // of identity headers, of all realms
	logger   *zap.Logger
	sampled  *zap.Logger // for lines that a client could repeat at will
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
	g.sampled = sampled.Logger(g.logger)
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
		g.rules = append(g.rules, rule)
	}
	app, err := appOf(ctx)
	if err != nil {
		return err
	}
	g.names = app.names
	if len(g.Rules) > 0 {
		app.noteRules(g.Realm)
	}
	g.explicit = g.Realm != ""
	realm, err := app.realm(g.Realm)
	switch {
	case err == nil:
		g.realm = realm.active
	case g.explicit:
		return fmt.Errorf("require_signin: %w", err)
	}
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	rs, out, result, err := g.check(w, r)
	if rs != nil {
		defer rs.Finish()
	}
	switch result {
	case gateRefused:
		return err
	case gateOpen:
		return next.ServeHTTP(out, r)
	}
	if err = rs.Serve(g.rules, out, r, next); err != nil {
		rs.Out.Fail()
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

// check decides about the request, and answers it where it refuses it. The state
// is nil where the request has no realm.
func (g *Gate) check(w http.ResponseWriter, r *http.Request) (rs *realm.Request, out http.ResponseWriter, result gateResult, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			result, err = gateRefused, nil
			realm.AnswerPanic(w, r, rs, g.logger, cause)
		}
	}()
	before := realm.RequestOf(r.Context())
	if realm.RefuseTarget(w, r, before, g.sampled) {
		return nil, w, gateRefused, nil
	}
	realm := g.realmOf(before)
	if out = w; before == nil || before.Done { // no directive of ours has seen the request yet
		rs, out = g.sanitize(w, r, realm)
	}
	guarded, err := g.matchers.AnyMatchWithError(r)
	switch {
	case err != nil:
		g.refuseUndecided(out, r, err)
		return rs, out, gateRefused, nil
	case !guarded && request.HasLowerCase(r.Method):
		g.sampled.Info("refused a method with lower-case letters, which the matchers of a gate take for another one than some upstreams do")
		response.Text(out, http.StatusBadRequest, "This method is not understood.\n")
		return rs, out, gateRefused, nil
	case !guarded:
		return rs, out, gateOpen, nil
	case realm == nil:
		g.logger.Error("require_signin has no realm to ask: add a signin block to this site, or a global one")
		response.Text(out, http.StatusInternalServerError, "Internal Server Error\n")
		return rs, out, gateRefused, nil
	}
	rs, out = realm.Attach(out, r)
	result, err = g.admit(out, r, rs)
	return rs, out, result, err
}

// admit decides for a guarded request.
func (g *Gate) admit(w http.ResponseWriter, r *http.Request, rs *realm.Request) (gateResult, error) {
	live, err := rs.GetSession(r)
	if live != nil && live.Person().Meets(g.rules) {
		err := rs.Renew(r)
		if !errors.Is(err, session.ErrSessionOver) {
			if err != nil {
				g.logger.Warn("a session can't be renewed and will end when its time is up", zap.Error(err))
			}
			rs.Admitted, rs.Out.Guarded = true, true
			rs.SetIdentity(r, live)
			return gateAdmitted, nil
		}
		live, rs.Session = nil, nil // it ended after it was read
	}
	switch {
	case err != nil:
		return gateRefused, g.unknown(w, r, rs, err)
	case g.Optional:
		return gateOpen, nil
	case live == nil:
		return gateRefused, g.challenge(w, r, rs)
	default:
		return gateRefused, g.forbid(w, r, rs, live)
	}
}

// sanitize removes what clients must not send to an upstream, and makes the realm, if
// one is known, that of the request.
func (g *Gate) sanitize(w http.ResponseWriter, r *http.Request, rl *realm.Realm) (*realm.Request, http.ResponseWriter) {
	if rl == nil {
		realm.Clean(r, g.names)
		return nil, w
	}
	return rl.Attach(w, r)
}

// refuseUndecided refuses a request of which a matcher couldn't say whether it is
// guarded. It is an answer and no error: see answerText.
func (g *Gate) refuseUndecided(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	// Such as 425 while the client's address is not certain yet.
	if told, ok := errors.AsType[caddyhttp.HandlerError](err); ok && told.StatusCode >= http.StatusBadRequest {
		status = told.StatusCode
	}
	g.sampled.Error("a gate stays shut because a matcher can't say whether it guards the request",
		zap.Error(err), zap.Int("status", status), zap.String("reference", request.Reference(r)))
	response.Text(w, status, http.StatusText(status)+"\n")
}

// realmOf is the realm to ask, or nil.
func (g *Gate) realmOf(before *realm.Request) *realm.Realm {
	if !g.explicit && before != nil && before.SiteRealm != nil {
		return before.SiteRealm
	}
	return g.realm
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
func (g *Gate) challenge(w http.ResponseWriter, r *http.Request, rs *realm.Request) error {
	s := rs.Site
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
		return rs.Realm.SendJSON(w, http.StatusUnauthorized, s.Unauthorized)
	}
}

// forbid refuses a signed-in person whom a rule doesn't admit.
func (g *Gate) forbid(w http.ResponseWriter, r *http.Request, rs *realm.Request, session *session.Session) error {
	if c := g.logger.Check(zapcore.InfoLevel, "a rule of require_signin does not admit this user"); c != nil {
		c.Write(zap.String("user", session.UserID), zap.String("provider", session.Claims.Provider),
			zap.Bool("email_verified", session.Email != ""), zap.Strings("groups", session.Claims.Groups),
			zap.Any("rules", g.Rules), zap.String("path", r.URL.Path), zap.String("reference", request.Reference(r)))
	}
	s := rs.Site
	response.Protect(w.Header())
	if request.IsNavigation(r) || request.IsFormPost(r) || request.IsFramed(r) {
		return s.ServePage(w, pages.Forbidden{
			Site: s.PageSite(r), User: realm.PageUser(session),
			SignInURL:  s.SignInFor(r),
			SignOutURL: s.Base + "/signout",
		})
	}
	return rs.Realm.WriteJSON(w, http.StatusForbidden, map[string]string{"error": "Forbidden"})
}

var (
	_ caddy.Provisioner           = (*Gate)(nil)
	_ caddyhttp.MiddlewareHandler = (*Gate)(nil)
)
