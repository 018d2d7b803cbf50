package realm

import (
	"context"
	"net/http"

	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/session"
)

// renew lets a session that is due live on, once in a request, and puts the new
// cookie into a page view's answer. It returns [session.ErrSessionOver] where the
// session ended meanwhile.
func (rs *Request) renew(r *http.Request, live *session.Session) error {
	live.Due = false
	ctx, done := rs.Renewing(r.Context())
	defer done()
	isPage := request.IsNavigation(r) || request.IsPassedOn(r)
	renewed, err := rs.Realm.Sessions.Strategy.Renew(ctx, &rs.site.Sessions, live, isPage)
	if err != nil || !isPage {
		return err
	}
	received := rs.site.CookieNames.ReadSession(rs.CookieLines)
	cookies, err := rs.site.Sessions.CookiesOf(renewed.Token, &live.Claims, &received)
	if err != nil {
		return err
	}
	rs.Out.Renew(cookies)
	return nil
}

// Renewing is the limit of looking the session up. Where that is over, as behind
// a handler that takes its time, it is a new one.
func (rs *Request) Renewing(ctx context.Context) (limited context.Context, done func()) {
	if rs.reading.Err() == nil {
		return &rs.reading, func() {}
	}
	return deadline.Step(ctx)
}
