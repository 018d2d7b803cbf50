package realm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/response"
	"github.com/caddy-signin/caddy-signin/internal/session"
)

// Request is what a realm knows of one request. The session is looked up when
// somebody first asks, and once.
type Request struct {
	Realm       *Realm
	CookieLines []string // the Cookie lines as the client sent them
	Out         *response.Writer
	Action      string // of a request to an endpoint, what follows the base path

	request   *http.Request
	siteRealm *Realm // the one that a signin handler set, which gates without a name ask
	path      string // as its target was checked

	siteAsked bool
	site      *Site
	siteErr   error

	sessionAsked bool
	session      *session.Session
	sessionErr   error
	reading      deadline.Limit // of looking the session up and renewing it

	tokenAsked bool
	token      string // the access token, for who asked

	// admitted is set once a gate let the request pass for this session.
	admitted bool
	// done is set when the handlers are done: from then on placeholders answer
	// what is known and look nothing up, for the access log asks every time.
	done bool

	// watched is the request as long as the session has to hold for it.
	watched *session.Stream

	// Space that a request with a session needs, in one allocation.
	own    response.Writer
	found  session.Session
	stream session.Stream
	lines  [4]string
}

// Gate is what a gate asks of the requests that reach it.
type Gate struct {
	// Realm is the one to ask. Nil leaves it to the request.
	Realm *Realm
	// Named says that the gate names Realm. Otherwise the realm of a signin handler
	// in front of it comes first.
	Named bool
	// Rules are what a session must satisfy, every one.
	Rules []access.Rule
	// IdentityHeaders are those of all realms.
	IdentityHeaders *request.HeaderNames
	// Sampled is for lines that a client could repeat at will.
	Sampled *zap.Logger
}

// requestVar is the request variable that holds the current state.
const requestVar = "caddy_signin"

// String keeps {http.vars.caddy_signin} from printing a session.
func (*Request) String() string { return "" }

// RequestOf returns what the realm of a request knows of it, or nil where it has none.
func RequestOf(ctx context.Context) *Request {
	rs, _ := caddyhttp.GetVar(ctx, requestVar).(*Request)
	return rs
}

// Enter makes rl the realm of a request, and the one that gates behind ask unless they
// name another. It finds out whether the request is for an endpoint (Out.Endpoint,
// Action). A request whose target can be read in two ways is answered: ok is false
// then. Otherwise what the client must not send to an upstream is removed, the
// session's placeholders are published, and the writer to use from here on comes back
// with the state.
func (rl *Realm) Enter(w http.ResponseWriter, r *http.Request) (rs *Request, out http.ResponseWriter, ok bool) {
	before := RequestOf(r.Context())
	if reason := before.badTarget(r); reason != "" {
		refuseTarget(w, r, reason, rl.Sampled)
		return nil, w, false
	}
	rs, out = rl.attach(before, w, r)
	rs.siteRealm = rl
	if action, ok := ActionPath(r.URL.Path, rl.BasePath); ok {
		rs.Action, rs.Out.Endpoint = action, true
	}
	return rs, out, true
}

// Enter checks a request as [Realm.Enter] does. It makes it one of the gate's realm, if
// there is one, where no directive of ours has seen it yet: begun says so.
func (g *Gate) Enter(w http.ResponseWriter, r *http.Request) (rs *Request, begun bool, out http.ResponseWriter, ok bool) {
	before := RequestOf(r.Context())
	if reason := before.badTarget(r); reason != "" {
		refuseTarget(w, r, reason, g.Sampled)
		return nil, false, w, false
	}
	if before.isLive() {
		before.path = r.URL.Path
		return before, false, w, true
	}
	if rl := g.realmOf(before); rl != nil {
		rs, out = rl.attach(before, w, r)
		return rs, true, out, true
	}
	clean(r, g.IdentityHeaders)
	return nil, false, w, true
}

// Admit makes the gate's realm that of a request that has entered, and reports whether
// its session lets it pass. Then the upstream is told who the user is, and an
// error says only why the session could not be renewed. Otherwise an error means
// that the answer is not known. The state is nil where there is no realm to ask.
func (g *Gate) Admit(entered *Request, w http.ResponseWriter, r *http.Request) (rs *Request, out http.ResponseWriter, admitted bool, err error) {
	rl := g.realmOf(entered)
	if rl == nil {
		return nil, w, false, nil
	}
	rs, out = rl.attach(entered, w, r)
	live, err := rs.Session(r)
	if live == nil || len(g.Rules) > 0 && !live.Person().Meets(g.Rules) {
		return rs, out, false, err
	}
	if live.Due {
		if err = rs.renew(r, live); errors.Is(err, session.ErrSessionOver) {
			rs.session = nil // it ended after it was read
			return rs, out, false, nil
		}
	}
	rs.admitted, rs.Out.Guarded = true, true
	if rs.Out != &rs.own { // an earlier realm's gate may have told already, in any spelling
		request.StripHeaders(r.Header, rl.Headers.Own)
	}
	rl.Headers.Set(r, live, rs.lines[:])
	return rs, out, true, err
}

// realmOf is the realm to ask about a request, or nil.
func (g *Gate) realmOf(before *Request) *Realm {
	if !g.Named && before != nil && before.siteRealm != nil {
		return before.siteRealm
	}
	return g.Realm
}

// isLive reports whether a directive of ours is at work on the request: it has cleaned
// it, and wraps the writer.
func (rs *Request) isLive() bool { return rs != nil && !rs.done }

// badTarget says why the request's target is refused, which was checked before unless
// it has been rewritten since.
func (rs *Request) badTarget(r *http.Request) string {
	if rs.isLive() && rs.path == r.URL.Path {
		return ""
	}
	return request.BadTarget(r)
}

// attach makes rl the realm of this request, whose target was checked.
func (rl *Realm) attach(before *Request, w http.ResponseWriter, r *http.Request) (*Request, http.ResponseWriter) {
	if before.isLive() && before.Realm == rl {
		before.path = r.URL.Path
		return before, w
	}
	rs := &Request{Realm: rl, request: r, CookieLines: r.Header["Cookie"], path: r.URL.Path}
	if before != nil {
		rs.siteRealm, rs.CookieLines = before.siteRealm, before.CookieLines // which are taken out already
	} else if kept, ok := caddyhttp.GetVar(r.Context(), cookiesVar).(sentCookies); ok {
		rs.CookieLines = kept
	}
	if before.isLive() {
		// An earlier realm wraps the writer and has cleaned the request. It has a
		// say in the cookies if it is the site's, or let somebody pass.
		if before.siteRealm == nil && !before.admitted {
			stripCookies(r, rl.Strip)
		}
		rs.Out = before.Out
		caddyhttp.SetVar(r.Context(), requestVar, rs)
		return rs, w
	}
	// The first realm, or one in handle_errors, whose writer nobody wraps.
	request.Strip(r, rl.IdentityHeaders)
	stripCookies(r, rl.Strip)
	rs.own.ResponseWriter = w
	rs.Out = &rs.own
	caddyhttp.SetVar(r.Context(), requestVar, rs)
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(func(key string) (any, bool) { //nolint:contextcheck // the state keeps its request
			if !strings.HasPrefix(key, "http.auth.") {
				return nil, false
			}
			return RequestOf(r.Context()).placeholder(key)
		})
	}
	return rs, rs.Out
}

// ActionPath returns what follows the base path of the endpoints in a request's path,
// cleaned as Caddy's matchers clean it, so that nothing under it reaches an upstream
// by another spelling.
func ActionPath(requested, base string) (action string, ok bool) {
	if strings.Contains(requested, "//") || strings.Contains(requested, "/.") {
		requested = path.Clean(caddyhttp.CleanPath(requested, true))
	}
	rest, ok := strings.CutPrefix(requested, base)
	if !ok || (rest != "" && rest[0] != '/') {
		return "", false
	}
	return strings.Trim(rest, "/"), true
}

// stripCookies takes the gateway's cookies out of what goes upstream.
func stripCookies(r *http.Request, strip func(lines []string) []string) {
	lines, ok := r.Header["Cookie"]
	if !ok {
		return
	}
	if lines = strip(lines); lines == nil {
		delete(r.Header, "Cookie")
		return
	}
	r.Header["Cookie"] = lines
}

// Finish says that the handlers are done.
func (rs *Request) Finish() {
	rs.done = true
	rs.reading.Release()
}

// Site is the realm as the request's public origin sees it. An error, which is
// [request.ErrUnknownHost], means that it has none.
func (rs *Request) Site(r *http.Request) (*Site, error) {
	if !rs.siteAsked {
		rs.siteAsked = true
		if only := rs.Realm.URLSite; only != nil && rs.Realm.CookieDomain == "" {
			rs.site = only
		} else {
			rs.site, rs.siteErr = rs.Realm.site(r)
		}
	}
	return rs.site, rs.siteErr
}

// Session returns the visitor's session, or nil when there is none. An
// error means that the answer is not known.
func (rs *Request) Session(r *http.Request) (*session.Session, error) {
	if !rs.sessionAsked {
		rs.sessionAsked, rs.Out.Asked = true, true
		var s *Site
		if s, rs.sessionErr = rs.Site(r); rs.sessionErr == nil {
			ctx := rs.reading.Begin(r.Context(), deadline.StepLimit)
			rs.session, rs.sessionErr = s.Sessions.ReadSession(ctx, rs.CookieLines, &rs.found)
		}
	}
	return rs.session, rs.sessionErr
}

// Serve passes a request on that a gate with these rules has admitted. It ends when
// its session does, or when the rules would not let it pass again.
func (rs *Request) Serve(rules []access.Rule, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if rs.watched != nil { // by an outer gate
		rs.watched.GuardedBy(rules)
		return next.ServeHTTP(w, r)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	rs.watched = &rs.stream
	if rs.stream.Cancel != nil { // of an earlier gate, whose rules the sweeper may still be reading
		rs.watched = new(session.Stream)
	}
	*rs.watched = session.Stream{Sessions: &rs.site.Sessions, Session: rs.session, Outermost: [1][]access.Rule{rules}, Cancel: cancel}
	rs.watched.Guards = rs.watched.Outermost[:]
	rs.Realm.Sessions.Streams.Add(rs.watched) //nolint:contextcheck // the sweeper outlives the request
	defer rs.unwatch()
	return next.ServeHTTP(w, r.WithContext(ctx))
}

// unwatch ends what Serve began: a gate that the request meets later begins anew.
func (rs *Request) unwatch() {
	rs.watched.Done()
	rs.watched = nil
}

// Blame logs what is out of order, for the operator to mend. A visitor who leaves
// ends whatever was under way for them: that is nobody's fault, and anyone can
// do it at will.
func (rs *Request) Blame(message string, fields ...zap.Field) {
	fields = append(fields, zap.String("reference", request.Reference(rs.request)))
	if errors.Is(rs.request.Context().Err(), context.Canceled) {
		rs.Realm.Sampled.Info("a visitor left before there was an answer", fields...)
		return
	}
	rs.Realm.Logger.Error(message, fields...)
}

var _ fmt.Stringer = (*Request)(nil)
