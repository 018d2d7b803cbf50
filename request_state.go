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

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/response"
	"github.com/caddy-signin/caddy-signin/internal/session"
)

// requestState is what a realm knows of one request. The session is looked up when
// somebody first asks, and once.
type requestState struct {
	realm       *activeRealm
	siteRealm   *activeRealm // the one that a signin handler set, which gates without a name ask
	request     *http.Request
	cookieLines []string // the Cookie lines as the client sent them
	path        string   // as its target was checked
	out         *response.Writer

	siteAsked bool
	site      *site
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

	// stream is the request as long as the session has to hold for it.
	stream session.Stream

	// Space that a request with a session needs, in one allocation.
	own   response.Writer
	found session.Session
	lines [4]string
}

// requestStateVar is the request variable that holds the current state.
const requestStateVar = "caddy_signin"

// String keeps {http.vars.caddy_signin} from printing a session.
func (*requestState) String() string { return "" }

// sentCookies are the Cookie lines as the client sent them, of a request that has
// no realm yet. cookiesVar is the request variable that holds them.
type sentCookies []string

const cookiesVar = "caddy_signin_cookies"

// String keeps {http.vars.caddy_signin_cookies} from printing a session.
func (sentCookies) String() string { return "" }

func requestStateOf(ctx context.Context) *requestState {
	rs, _ := caddyhttp.GetVar(ctx, requestStateVar).(*requestState)
	return rs
}

// attach makes rl the realm of this request, whose target was checked: it removes
// what the client must not send to an upstream, publishes the session's
// placeholders, and returns the state with the writer to use from here on.
func (rl *activeRealm) attach(w http.ResponseWriter, r *http.Request) (*requestState, http.ResponseWriter) {
	before := requestStateOf(r.Context())
	if before != nil && before.realm == rl && !before.done {
		before.path = r.URL.Path
		return before, w
	}
	rs := &requestState{realm: rl, request: r, cookieLines: r.Header["Cookie"], path: r.URL.Path}
	if before != nil {
		rs.siteRealm, rs.cookieLines = before.siteRealm, before.cookieLines // which are taken out already
	} else if kept, ok := caddyhttp.GetVar(r.Context(), cookiesVar).(sentCookies); ok {
		rs.cookieLines = kept
	}
	if before != nil && !before.done {
		// An earlier realm wraps the writer and has cleaned the request. It has a
		// say in the cookies if it is the site's, or let somebody pass.
		if before.siteRealm == nil && !before.admitted {
			stripCookies(r, rl.strip)
		}
		rs.out = before.out
		caddyhttp.SetVar(r.Context(), requestStateVar, rs)
		return rs, w
	}
	// The first realm, or one in handle_errors, whose writer nobody wraps.
	request.StripIdentity(r, rl.names)
	stripCookies(r, rl.strip)
	request.StripTunnel(r)
	rs.own.ResponseWriter = w
	rs.out = &rs.own
	caddyhttp.SetVar(r.Context(), requestStateVar, rs)
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(func(key string) (any, bool) { //nolint:contextcheck // the state keeps its request
			if !strings.HasPrefix(key, "http.auth.") {
				return nil, false
			}
			return requestStateOf(r.Context()).placeholder(key)
		})
	}
	return rs, rs.out
}

// finish says that the handlers are done.
func (rs *requestState) finish() {
	rs.done = true
	rs.reading.Release()
}

// setIdentity tells the upstream who the user is. Where an earlier realm's gate
// has told already, this one speaks for its own headers, in any spelling.
func (rs *requestState) setIdentity(r *http.Request, s *session.Session) {
	if rs.out != &rs.own {
		request.StripHeaders(r.Header, rs.realm.headers.Own)
	}
	rs.realm.headers.Set(r, s, rs.lines[:])
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

func (rs *requestState) getSite(r *http.Request) (*site, error) {
	if !rs.siteAsked {
		rs.siteAsked = true
		rs.site, rs.siteErr = rs.realm.site(r)
	}
	return rs.site, rs.siteErr
}

// getSession returns the visitor's session, or nil when there is none. An
// error means that the answer is not known.
func (rs *requestState) getSession(r *http.Request) (*session.Session, error) {
	if !rs.sessionAsked {
		rs.sessionAsked, rs.out.Asked = true, true
		var s *site
		if s, rs.sessionErr = rs.getSite(r); rs.sessionErr == nil {
			ctx := rs.reading.Begin(r.Context(), deadline.StepLimit)
			rs.session, rs.sessionErr = s.sessions.ReadSession(ctx, rs.cookieLines, &rs.found)
		}
	}
	return rs.session, rs.sessionErr
}

// renewing is the limit of looking the session up. Where that is over, as behind
// a handler that takes its time, it is a new one.
func (rs *requestState) renewing(ctx context.Context) (limited context.Context, done func()) {
	if rs.reading.Err() == nil {
		return &rs.reading, func() {}
	}
	return deadline.Step(ctx)
}

// Renew lets the visitor's session live on when it is old enough, or was sealed
// with an old secret, and puts the new cookie into a page view's answer.
func (rs *requestState) Renew(r *http.Request) error {
	live := rs.session
	if !live.Stale && !rs.site.sessions.Limits.NeedsRenewal(&live.Claims, time.Now()) {
		return nil
	}
	ctx, done := rs.renewing(r.Context())
	defer done()
	isPage := request.IsNavigation(r) || request.IsPassedOn(r)
	renewed, err := rs.realm.sessions.Strategy.Renew(ctx, &rs.site.sessions, live, isPage)
	if err != nil || !isPage {
		return err //nolint:wrapcheck // it says what was being done
	}
	received := rs.site.names.ReadSession(rs.cookieLines)
	cookies, err := rs.site.sessions.CookiesOf(renewed.Token, &live.Claims, &received)
	if err != nil {
		return err
	}
	rs.out.Renewal = rs.out.Renewal[:0]
	for _, cookie := range cookies {
		rs.out.Renewal = append(rs.out.Renewal, cookie.String())
	}
	return nil
}

// serve passes a request on that a gate with these rules guards. It ends when its
// session does, or when the rules would not let it pass again.
func (rs *requestState) serve(rules []access.Rule, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if rs.stream.Cancel != nil { // an outer gate watches it already
		rs.stream.GuardedBy(rules)
		return next.ServeHTTP(w, r) //nolint:wrapcheck // the next handler's own error
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	rs.stream = session.Stream{Sessions: &rs.site.sessions, Session: rs.session, Outermost: [1][]access.Rule{rules}, Cancel: cancel}
	rs.stream.Guards = rs.stream.Outermost[:]
	rs.realm.sessions.Streams.Add(&rs.stream) //nolint:contextcheck // the sweeper outlives the request
	defer rs.stream.Done()
	return next.ServeHTTP(w, r.WithContext(ctx)) //nolint:wrapcheck // the next handler's own error
}

// blame logs what is out of order, for the operator to mend. A visitor who leaves
// ends whatever was under way for them: that is nobody's fault, and anyone can
// do it at will.
func (rs *requestState) blame(message string, fields ...zap.Field) {
	fields = append(fields, zap.String("reference", request.Reference(rs.request)))
	if errors.Is(rs.request.Context().Err(), context.Canceled) {
		rs.realm.sampled.Info("a visitor left before there was an answer", fields...)
		return
	}
	rs.realm.logger.Error(message, fields...)
}

var (
	_ fmt.Stringer = (*requestState)(nil)
	_ fmt.Stringer = sentCookies(nil)
)
