package signin

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-signin/caddy-signin/internal/redirect"
	"github.com/caddy-signin/caddy-signin/pages"
)

// Gate lets a request pass only with a session that satisfies its rules, and
// then tells the upstream who the user is. Without a session a browser's page
// view is sent to the sign-in page and anything else gets 401; with one that
// the rules don't admit it gets 403. When the answer can't be known the gate
// stays shut, with 503.
type Gate struct {
	// The name of the global realm to ask. Default: the realm that a signin
	// handler set earlier in the same request, else the global realm "default".
	Realm string `json:"realm,omitempty"`

	// What the session must satisfy: every rule. Default: any session passes.
	Rules []Rule `json:"rules,omitempty"`

	// Let everyone pass, and set the identity headers where a session
	// satisfies the rules. Default: false.
	Optional bool `json:"optional,omitempty"`

	rules    []Rule // resolved
	realm    *Realm // named, or the global default; nil leaves it to the request
	explicit bool
	logger   *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (Gate) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.require_signin",
		New: func() caddy.Module { return new(Gate) },
	}
}

// Provision finds the realm and checks the rules.
func (g *Gate) Provision(ctx caddy.Context) error {
	g.logger = ctx.Logger()
	for i := range g.Rules {
		rule, err := g.Rules[i].resolved()
		if err != nil {
			return fmt.Errorf("require_signin: %w", err)
		}
		g.rules = append(g.rules, rule)
	}
	app, err := appOf(ctx)
	if err != nil {
		return err
	}
	if len(g.Rules) > 0 {
		app.noteRules(g.Realm)
	}
	g.explicit = g.Realm != ""
	if g.realm, err = app.realm(g.Realm); err != nil && g.explicit {
		return fmt.Errorf("require_signin: %w", err)
	}
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	v, out, passes, err := g.check(w, r)
	if v != nil {
		defer v.finish()
	}
	switch {
	case !passes:
		return err
	case !v.gated:
		return next.ServeHTTP(out, r) //nolint:wrapcheck // the next handler's own error
	}
	if err = v.serve(out, r, next); err != nil {
		v.out.fail()
	}
	return err
}

// check decides whether the request passes, and answers it where it doesn't. The
// visit is gated where it passes as somebody.
func (g *Gate) check(w http.ResponseWriter, r *http.Request) (v *visit, out http.ResponseWriter, passes bool, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			passes, err = false, nil
			answerPanic(w, r, v, g.logger, cause)
		}
	}()
	realm := g.realmOf(r)
	if realm == nil {
		g.logger.Error("require_signin has no realm to ask: add a signin block to this site, or a global one")
		answerText(w, http.StatusInternalServerError, "Internal Server Error\n")
		return nil, w, false, nil
	}
	v, out = realm.attach(w, r)
	session, err := v.getSession(r)
	switch {
	case err != nil:
		return v, out, false, g.unknown(out, r, v, err)
	case session != nil && g.admits(session):
	case g.Optional:
		return v, out, true, nil
	case session == nil:
		return v, out, false, g.challenge(out, r, v)
	default:
		return v, out, false, g.forbid(out, r, v, session)
	}
	v.gated, v.out.guarded = true, true
	realm.headers.set(r, session, v.lines[:])
	if err := v.renew(r); err != nil && !errors.Is(err, errSessionOver) {
		g.logger.Warn("a session can't be renewed and will end when its time is up", zap.Error(err))
	}
	return v, out, true, nil
}

// realmOf is the realm to ask, or nil.
func (g *Gate) realmOf(r *http.Request) *Realm {
	if !g.explicit {
		if v := currentVisit(r.Context()); v != nil && v.base != nil {
			return v.base
		}
	}
	return g.realm
}

func (g *Gate) admits(s *session) bool {
	for _, rule := range g.rules {
		if !rule.matches(s.person()) {
			return false
		}
	}
	return true
}

// unknown refuses a request whose session can't be known.
func (g *Gate) unknown(w http.ResponseWriter, r *http.Request, v *visit, err error) error {
	if errors.Is(err, errUnknownHost) {
		v.realm.refuseHost(w, err)
		return nil
	}
	v.blame("a gate stays shut because the session can't be looked up", zap.Error(err))
	return unavailable(w, r, v, pages.Unavailable{Posted: isFormPost(r)})
}

// challenge asks for a sign-in in the form that the client can use.
func (g *Gate) challenge(w http.ResponseWriter, r *http.Request, v *visit) error {
	s := v.site
	protect(w.Header())
	switch {
	case isNavigation(r):
		sendRedirect(w, http.StatusFound, s.signInFor(r))
		return nil
	case isFormPost(r):
		return s.servePage(w, pages.Unauthorized{Site: s.pageSite(r), SignInURL: s.base + "/signin", Posted: true})
	case isFramed(r):
		return s.servePage(w, pages.Unauthorized{Site: s.pageSite(r), SignInURL: s.signInFor(r)})
	default:
		return sendJSON(w, http.StatusUnauthorized, s.unauthorized)
	}
}

// signInFor is the sign-in page's address, from which r's visitor comes back.
func (s *site) signInFor(r *http.Request) string {
	return redirect.AddQuery(s.base+"/signin", "callbackUrl", s.returnAddress(r))
}

// forbid refuses a signed-in person whom a rule doesn't admit.
func (g *Gate) forbid(w http.ResponseWriter, r *http.Request, v *visit, session *session) error {
	if c := g.logger.Check(zapcore.InfoLevel, "a rule of require_signin does not admit this user"); c != nil {
		c.Write(zap.String("user", session.userID), zap.String("provider", session.claims.Provider),
			zap.Bool("email_verified", session.email != ""), zap.Strings("groups", session.claims.Groups),
			zap.Any("rules", g.Rules), zap.String("path", r.URL.Path), zap.String("reference", reference(r)))
	}
	s := v.site
	protect(w.Header())
	if isNavigation(r) || isFormPost(r) || isFramed(r) {
		return s.servePage(w, pages.Forbidden{
			Site: s.pageSite(r), User: session.pageUser(),
			SignInURL:  s.signInFor(r),
			SignOutURL: s.base + "/signout",
		})
	}
	return writeJSON(w, http.StatusForbidden, map[string]string{"error": "Forbidden"})
}

// isNavigation reports whether the browser shows the answer as a page of its
// own, so that a redirect to the sign-in page makes sense (Fetch Metadata
// Request Headers, W3C; without them the Accept header has to tell).
func isNavigation(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if mode, ok := r.Header["Sec-Fetch-Mode"]; ok {
		return mode[0] == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	}
	return acceptsHTML(r) && isPlainRequest(r)
}

// isPlainRequest reports that no header says a script or a protocol switch.
func isPlainRequest(r *http.Request) bool {
	for _, name := range []string{"Upgrade", "X-Requested-With", "Hx-Request"} {
		if _, set := r.Header[name]; set {
			return false
		}
	}
	return true
}

func acceptsHTML(r *http.Request) bool {
	for _, line := range r.Header["Accept"] {
		if strings.Contains(strings.ToLower(line), "text/html") {
			return true
		}
	}
	return false
}

// isFramed reports a page view that is, or may be, inside a frame, which can't be
// sent to a sign-in page that refuses to be framed.
func isFramed(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "iframe", "frame", "embed", "object":
		return true
	}
	return isPassedOn(r)
}

// isPassedOn reports a page view that a service worker fetches. It doesn't say
// whether it is for a frame.
func isPassedOn(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "empty" && acceptsHTML(r)
}

// isFormPost reports a form that a person sent, whose content a redirect would lose.
func isFormPost(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	if mode, ok := r.Header["Sec-Fetch-Mode"]; ok {
		return mode[0] == "navigate"
	}
	return r.Method == http.MethodPost && acceptsHTML(r) && isPlainRequest(r)
}

var (
	_ caddy.Provisioner           = (*Gate)(nil)
	_ caddyhttp.MiddlewareHandler = (*Gate)(nil)
)
