package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// visit is one request as one realm sees it. The session is looked up when
// somebody first asks, and once.
type visit struct {
	realm   *activeRealm
	base    *activeRealm // the one that a signin handler set, which gates without a name ask
	request *http.Request
	cookies []string // the Cookie lines as the client sent them
	path    string   // as its target was checked
	out     *response

	siteAsked bool
	site      *site
	siteErr   error

	sessionAsked bool
	session      *session
	sessionErr   error
	reading      sessionstore.Limit // of looking the session up and renewing it

	tokenAsked bool
	token      string // the access token, for who asked

	// gated is set once a gate let the request pass for this session.
	gated bool
	// over is set when the handlers are done: from then on placeholders answer
	// what is known and look nothing up, for the access log asks every time.
	over bool

	// stream is the request as long as the session has to hold for it.
	stream stream

	// Space that a request with a session needs, in one allocation.
	own   response
	found session
	lines [4]string
}

// visitVar is the request variable that holds the current visit.
const visitVar = "caddy_signin"

// String keeps {http.vars.caddy_signin} from printing a session.
func (*visit) String() string { return "" }

// sentCookies are the Cookie lines as the client sent them, of a request that has
// no realm yet. cookiesVar is the request variable that holds them.
type sentCookies []string

const cookiesVar = "caddy_signin_cookies"

// String keeps {http.vars.caddy_signin_cookies} from printing a session.
func (sentCookies) String() string { return "" }

func currentVisit(ctx context.Context) *visit {
	v, _ := caddyhttp.GetVar(ctx, visitVar).(*visit)
	return v
}

// attach makes rl the realm of this request, whose target was checked: it removes
// what the client must not send to an upstream, publishes the session's
// placeholders, and returns the visit with the writer to use from here on.
func (rl *activeRealm) attach(w http.ResponseWriter, r *http.Request) (*visit, http.ResponseWriter) {
	before := currentVisit(r.Context())
	if before != nil && before.realm == rl && !before.over {
		before.path = r.URL.Path
		return before, w
	}
	v := &visit{realm: rl, request: r, cookies: r.Header["Cookie"], path: r.URL.Path}
	if before != nil {
		v.base, v.cookies = before.base, before.cookies // which are taken out already
	} else if kept, ok := caddyhttp.GetVar(r.Context(), cookiesVar).(sentCookies); ok {
		v.cookies = kept
	}
	if before != nil && !before.over {
		// An earlier realm wraps the writer and has cleaned the request. It has a
		// say in the cookies if it is the site's, or let somebody pass.
		if before.base == nil && !before.gated {
			stripCookies(r, rl.strip)
		}
		v.out = before.out
		caddyhttp.SetVar(r.Context(), visitVar, v)
		return v, w
	}
	// The first realm, or one in handle_errors, whose writer nobody wraps.
	stripIdentity(r, rl.names)
	stripCookies(r, rl.strip)
	stripTunnel(r)
	v.own.ResponseWriter = w
	v.out = &v.own
	caddyhttp.SetVar(r.Context(), visitVar, v)
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(func(key string) (any, bool) { //nolint:contextcheck // the visit keeps its request
			if !strings.HasPrefix(key, "http.auth.") {
				return nil, false
			}
			return currentVisit(r.Context()).placeholder(key)
		})
	}
	return v, v.out
}

// finish says that the handlers are done.
func (v *visit) finish() {
	v.over = true
	v.reading.Release()
}

// setIdentity tells the upstream who the user is. Where an earlier realm's gate
// has told already, this one speaks for its own headers, in any spelling.
func (v *visit) setIdentity(r *http.Request, s *session) {
	if v.out != &v.own {
		stripHeaders(r.Header, v.realm.headers.own)
	}
	v.realm.headers.set(r, s, v.lines[:])
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

func (v *visit) getSite(r *http.Request) (*site, error) {
	if !v.siteAsked {
		v.siteAsked = true
		v.site, v.siteErr = v.realm.site(r)
	}
	return v.site, v.siteErr
}

// getSession returns the visitor's session, or nil when there is none. An
// error means that the answer is not known.
func (v *visit) getSession(r *http.Request) (*session, error) {
	if !v.sessionAsked {
		v.sessionAsked, v.out.asked = true, true
		var s *site
		if s, v.sessionErr = v.getSite(r); v.sessionErr == nil {
			ctx := v.reading.Begin(r.Context(), storePatience)
			v.session, v.sessionErr = s.sessions.readSession(ctx, v.cookies, &v.found)
		}
	}
	return v.session, v.sessionErr
}

// renewing is the limit of looking the session up. Where that is over, as behind
// a handler that takes its time, it is a new one.
func (v *visit) renewing(ctx context.Context) (limited context.Context, done func()) {
	if v.reading.Err() == nil {
		return &v.reading, func() {}
	}
	return patiently(ctx)
}

// renew lets the visitor's session live on when it is old enough, or was sealed
// with an old secret, and puts the new cookie into a page view's answer.
func (v *visit) renew(r *http.Request) error {
	live := v.session
	if !live.stale && !v.site.sessions.isOld(&live.claims, time.Now()) {
		return nil
	}
	ctx, done := v.renewing(r.Context())
	defer done()
	isPage := isNavigation(r) || isPassedOn(r)
	renewed, err := v.realm.sessions.strategy.renew(ctx, &v.site.sessions, live, isPage)
	if err != nil || !isPage {
		return err //nolint:wrapcheck // it says what was being done
	}
	received := v.site.names.ReadSession(v.cookies)
	cookies, err := v.site.sessions.cookiesOf(renewed.token, &live.claims, &received)
	if err != nil {
		return err
	}
	v.out.renewal = v.out.renewal[:0]
	for _, cookie := range cookies {
		v.out.renewal = append(v.out.renewal, cookie.String())
	}
	return nil
}

// serve passes a request on that a gate with these rules guards. It ends when its
// session does, or when the rules would not let it pass again.
func (v *visit) serve(rules []Rule, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if v.stream.cancel != nil { // an outer gate watches it already
		v.stream.guardedBy(rules)
		return next.ServeHTTP(w, r) //nolint:wrapcheck // the next handler's own error
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	v.stream = stream{sessions: &v.site.sessions, session: v.session, outermost: [1][]Rule{rules}, cancel: cancel}
	v.stream.guards = v.stream.outermost[:]
	v.realm.sessions.streams.add(&v.stream) //nolint:contextcheck // the sweeper outlives the request
	defer v.stream.done()
	return next.ServeHTTP(w, r.WithContext(ctx)) //nolint:wrapcheck // the next handler's own error
}

// blame logs what is out of order, for the operator to mend. A visitor who leaves
// ends whatever was under way for them: that is nobody's fault, and anyone can
// do it at will.
func (v *visit) blame(message string, fields ...zap.Field) {
	fields = append(fields, zap.String("reference", reference(v.request)))
	if errors.Is(v.request.Context().Err(), context.Canceled) {
		v.realm.sampled.Info("a visitor left before there was an answer", fields...)
		return
	}
	v.realm.logger.Error(message, fields...)
}

var (
	_ fmt.Stringer = (*visit)(nil)
	_ fmt.Stringer = sentCookies(nil)
)
