package realm

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
	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/response"
	"github.com/caddy-signin/caddy-signin/internal/session"
)

// Request is what a realm knows of one request. The session is looked up when
// somebody first asks, and once.
type Request struct {
	Realm       *Realm
	SiteRealm   *Realm // the one that a signin handler set, which gates without a name ask
	request     *http.Request
	CookieLines []string // the Cookie lines as the client sent them
	path        string   // as its target was checked
	Out         *response.Writer

	siteAsked bool
	Site      *Site
	siteErr   error

	sessionAsked bool
	Session      *session.Session
	sessionErr   error
	Reading      deadline.Limit // of looking the session up and renewing it

	tokenAsked bool
	token      string // the access token, for who asked

	// Admitted is set once a gate let the request pass for this session.
	Admitted bool
	// Done is set when the handlers are done: from then on placeholders answer
	// what is known and look nothing up, for the access log asks every time.
	Done bool

	// Stream is the request as long as the session has to hold for it.
	Stream session.Stream

	// Space that a request with a session needs, in one allocation.
	own   response.Writer
	found session.Session
	lines [4]string
}

// RequestVar is the request variable that holds the current state.
const RequestVar = "caddy_signin"

// String keeps {http.vars.caddy_signin} from printing a session.
func (*Request) String() string { return "" }

// sentCookies are the Cookie lines as the client sent them, of a request that has
// no realm yet. cookiesVar is the request variable that holds them.
type sentCookies []string

const CookiesVar = "caddy_signin_cookies"

// String keeps {http.vars.caddy_signin_cookies} from printing a session.
func (sentCookies) String() string { return "" }

// Clean removes from a request that has no realm what clients must not send to an
// upstream. The cookies are kept for a signin handler behind.
func Clean(r *http.Request, names *request.HeaderNames) {
	request.StripIdentity(r, names)
	request.StripTunnel(r)
	if lines, ok := r.Header["Cookie"]; ok {
		if caddyhttp.GetVar(r.Context(), CookiesVar) == nil {
			caddyhttp.SetVar(r.Context(), CookiesVar, sentCookies(lines))
		}
		stripCookies(r, authjs.Strip)
	}
}

// RequestOf returns what the realm of a request knows of it, or nil where it has none.
func RequestOf(ctx context.Context) *Request {
	rs, _ := caddyhttp.GetVar(ctx, RequestVar).(*Request)
	return rs
}

// Attach makes rl the realm of this request, whose target was checked: it removes
// what the client must not send to an upstream, publishes the session's
// placeholders, and returns the state with the writer to use from here on.
func (rl *Realm) Attach(w http.ResponseWriter, r *http.Request) (*Request, http.ResponseWriter) {
	before := RequestOf(r.Context())
	if before != nil && before.Realm == rl && !before.Done {
		before.path = r.URL.Path
		return before, w
	}
	rs := &Request{Realm: rl, request: r, CookieLines: r.Header["Cookie"], path: r.URL.Path}
	if before != nil {
		rs.SiteRealm, rs.CookieLines = before.SiteRealm, before.CookieLines // which are taken out already
	} else if kept, ok := caddyhttp.GetVar(r.Context(), CookiesVar).(sentCookies); ok {
		rs.CookieLines = kept
	}
	if before != nil && !before.Done {
		// An earlier realm wraps the writer and has cleaned the request. It has a
		// say in the cookies if it is the site's, or let somebody pass.
		if before.SiteRealm == nil && !before.Admitted {
			stripCookies(r, rl.Strip)
		}
		rs.Out = before.Out
		caddyhttp.SetVar(r.Context(), RequestVar, rs)
		return rs, w
	}
	// The first realm, or one in handle_errors, whose writer nobody wraps.
	request.StripIdentity(r, rl.Names)
	stripCookies(r, rl.Strip)
	request.StripTunnel(r)
	rs.own.ResponseWriter = w
	rs.Out = &rs.own
	caddyhttp.SetVar(r.Context(), RequestVar, rs)
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

// Finish says that the handlers are done.
func (rs *Request) Finish() {
	rs.Done = true
	rs.Reading.Release()
}

// SetIdentity tells the upstream who the user is. Where an earlier realm's gate
// has told already, this one speaks for its own headers, in any spelling.
func (rs *Request) SetIdentity(r *http.Request, s *session.Session) {
	if rs.Out != &rs.own {
		request.StripHeaders(r.Header, rs.Realm.Headers.Own)
	}
	rs.Realm.Headers.Set(r, s, rs.lines[:])
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

func (rs *Request) GetSite(r *http.Request) (*Site, error) {
	if !rs.siteAsked {
		rs.siteAsked = true
		rs.Site, rs.siteErr = rs.Realm.site(r)
	}
	return rs.Site, rs.siteErr
}

// GetSession returns the visitor's session, or nil when there is none. An
// error means that the answer is not known.
func (rs *Request) GetSession(r *http.Request) (*session.Session, error) {
	if !rs.sessionAsked {
		rs.sessionAsked, rs.Out.Asked = true, true
		var s *Site
		if s, rs.sessionErr = rs.GetSite(r); rs.sessionErr == nil {
			ctx := rs.Reading.Begin(r.Context(), deadline.StepLimit)
			rs.Session, rs.sessionErr = s.Sessions.ReadSession(ctx, rs.CookieLines, &rs.found)
		}
	}
	return rs.Session, rs.sessionErr
}

// renewing is the limit of looking the session up. Where that is over, as behind
// a handler that takes its time, it is a new one.
func (rs *Request) renewing(ctx context.Context) (limited context.Context, done func()) {
	if rs.Reading.Err() == nil {
		return &rs.Reading, func() {}
	}
	return deadline.Step(ctx)
}

// Renew lets the visitor's session live on when it is old enough, or was sealed
// with an old secret, and puts the new cookie into a page view's answer.
func (rs *Request) Renew(r *http.Request) error {
	live := rs.Session
	if !live.Stale && !rs.Site.Sessions.Limits.NeedsRenewal(&live.Claims, time.Now()) {
		return nil
	}
	ctx, done := rs.renewing(r.Context())
	defer done()
	isPage := request.IsNavigation(r) || request.IsPassedOn(r)
	renewed, err := rs.Realm.Sessions.Strategy.Renew(ctx, &rs.Site.Sessions, live, isPage)
	if err != nil || !isPage {
		return err
	}
	received := rs.Site.Names.ReadSession(rs.CookieLines)
	cookies, err := rs.Site.Sessions.CookiesOf(renewed.Token, &live.Claims, &received)
	if err != nil {
		return err
	}
	rs.Out.Renewal = rs.Out.Renewal[:0]
	for _, cookie := range cookies {
		rs.Out.Renewal = append(rs.Out.Renewal, cookie.String())
	}
	return nil
}

// Serve passes a request on that a gate with these rules guards. It ends when its
// session does, or when the rules would not let it pass again.
func (rs *Request) Serve(rules []access.Rule, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if rs.Stream.Cancel != nil { // an outer gate watches it already
		rs.Stream.GuardedBy(rules)
		return next.ServeHTTP(w, r)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	rs.Stream = session.Stream{Sessions: &rs.Site.Sessions, Session: rs.Session, Outermost: [1][]access.Rule{rules}, Cancel: cancel}
	rs.Stream.Guards = rs.Stream.Outermost[:]
	rs.Realm.Sessions.Streams.Add(&rs.Stream) //nolint:contextcheck // the sweeper outlives the request
	defer rs.Stream.Done()
	return next.ServeHTTP(w, r.WithContext(ctx))
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

var (
	_ fmt.Stringer = (*Request)(nil)
	_ fmt.Stringer = sentCookies(nil)
)
