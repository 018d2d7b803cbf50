package flow

import (
	"bytes"
	"errors"
	"net/http"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/response"
	"github.com/caddy-signin/caddy-signin/internal/session"
	"github.com/caddy-signin/caddy-signin/pages"
)

// noCache sets the headers with which NextAuth answers csrf and session.
func noCache(header http.Header) {
	header.Set("Cache-Control", "private, no-cache, no-store")
	header.Set("Pragma", "no-cache")
	header.Set("Expires", "0")
}

// CSRF tells the CSRF token that goes with the browser's cookie.
func CSRF(c *Call) error {
	c.sendCookies()
	noCache(c.w.Header())
	return c.realm.WriteJSON(c.w, http.StatusOK, struct {
		CSRFToken string `json:"csrfToken"`
	}{c.csrfToken})
}

// Providers lists the providers in configuration order, which a Go map
// would lose.
func Providers(c *Call) error {
	type entry struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		Type        string `json:"type"`
		SigninURL   string `json:"signinUrl"`
		CallbackURL string `json:"callbackUrl"`
	}
	var body bytes.Buffer
	body.WriteByte('{')
	for i, provider := range c.realm.Providers {
		info := provider.Info()
		if i > 0 {
			body.WriteByte(',')
		}
		kind := string(info.Type)
		if info.OIDC {
			kind = c.endpoints.Dialect.oidcType
		}
		line, err := response.EncodeJSON(entry{
			ID: info.ID, Name: info.Name, Type: kind,
			SigninURL: c.site.Base + "/signin/" + info.ID, CallbackURL: c.site.Base + "/callback/" + info.ID,
		})
		if err != nil {
			return err
		}
		body.Write(authjs.AppendString(nil, info.ID))
		body.WriteByte(':')
		body.Write(line)
	}
	body.WriteByte('}')
	return c.realm.SendJSON(c.w, http.StatusOK, body.Bytes())
}

// Session tells who is signed in, and renews the session.
func Session(c *Call) error {
	noCache(c.w.Header())
	return answerSession(c)
}

// UpdateSession answers like GET. Its data changes nothing: who a person is
// only a provider can say.
func UpdateSession(c *Call) error {
	if !c.verified {
		c.dropPreparedCookies()
		c.sendCookies()
		return c.realm.SendJSON(c.w, http.StatusBadRequest, c.endpoints.Dialect.nobody)
	}
	return answerSession(c)
}

// answerSession renews the session and shows it. A cookie that gives no
// session is deleted.
func answerSession(c *Call) error {
	live, err := c.rs.Session(c.r)
	var renewed session.Issued
	if err == nil && live != nil {
		ctx, done := c.rs.Renewing(c.r.Context())
		defer done()
		renewed, err = c.realm.Sessions.Strategy.Renew(ctx, &c.site.Sessions, live, true)
		if errors.Is(err, session.ErrSessionOver) {
			live, err = nil, nil
		}
	}
	if err != nil {
		return c.unavailable(err)
	}
	received := c.site.CookieNames.ReadSession(c.rs.CookieLines)
	if live == nil {
		c.setCookies = append(c.setCookies, c.site.Sessions.ClearSession(&received)...)
		c.sendCookies()
		return c.realm.SendJSON(c.w, http.StatusOK, c.endpoints.Dialect.nobody)
	}
	cookies, err := c.site.Sessions.CookiesOf(renewed.Token, &live.Claims, &received)
	if err != nil {
		return c.unavailable(err)
	}
	c.setCookies = append(c.setCookies, cookies...)
	c.sendCookies()
	return c.realm.SendJSON(c.w, http.StatusOK, authjs.AppendSession(nil, c.endpoints.sessionUser(live), renewed.Expires))
}

// sessionUser is the user of the session JSON.
func (e *Endpoints) sessionUser(s *session.Session) authjs.User {
	user := authjs.User{Name: s.Claims.Name, Email: s.Claims.Email, Image: s.Claims.Picture}
	for _, field := range e.Expose {
		var value any
		switch field {
		case "id":
			value = s.UserID
		case "username":
			value = s.Username
		case "provider":
			value = s.Claims.Provider
		case "groups":
			value = append([]string{}, s.Claims.Groups...)
		}
		user.Exposed = append(user.Exposed, authjs.Member{Name: field, Value: value})
	}
	return user
}

// SignOutPage asks whether to sign out. It never signs out by itself: that takes a POST
// with the CSRF token.
func SignOutPage(c *Call) error {
	if page := c.endpoints.Pages.SignOut; page != "" {
		c.sendCookies()
		response.Redirect(c.w, http.StatusFound, page)
		return nil
	}
	page := pages.SignOut{Site: c.site.PageSite(c.r), CSRFToken: c.csrfToken, CallbackURL: c.callbackURL}
	live, err := c.rs.Session(c.r)
	if err != nil {
		return c.unavailable(err)
	}
	if live != nil {
		page.User = realm.PageUser(live)
	}
	if c.query.Get("csrf") == "true" {
		page.Error = string(authjs.CodeMissingCSRF)
	}
	c.sendCookies()
	return c.site.ServePage(c.w, page)
}

// SignOut ends the session, and any other that the browser brings, for every copy
// of its cookie.
func SignOut(c *Call) error {
	if !c.verified {
		return c.missingCSRF("signout")
	}
	sessions, err := c.site.Sessions.ReadSessions(c.r.Context(), c.rs.CookieLines)
	if err != nil {
		return c.unavailable(err)
	}
	for _, live := range sessions {
		if err := endSession(c, live, c.body["everywhere"] == "true"); err != nil {
			return c.unavailable(err)
		}
	}
	received := c.site.CookieNames.ReadSession(c.rs.CookieLines)
	c.setCookies = append(c.setCookies, c.site.Sessions.ClearSession(&received)...)
	return c.redirect(http.StatusOK, c.callbackURL)
}

func endSession(c *Call, live *session.Session, everywhere bool) error {
	ended, err := c.site.Sessions.SignOut(c.r.Context(), live, everywhere)
	if err != nil {
		return err
	}
	c.realm.Logger.Info("signed out", zap.String("user", live.UserID), zap.Bool("everywhere", everywhere), zap.Int("sessions", ended))
	return nil
}

// startSession ends a sign-in: it replaces whatever session the browser had by a new
// one, and sends the browser where it wanted to go.
func startSession(c *Call, claims authjs.Claims) error {
	received := c.site.CookieNames.ReadSession(c.rs.CookieLines)
	before, err := c.site.Sessions.ReadSessions(c.r.Context(), c.rs.CookieLines)
	if err != nil {
		return c.unavailable(err)
	}
	claims.AuthTime = c.began // what ended all sessions since then ends this one too
	cookies, err := c.site.Sessions.SignIn(c.r.Context(), claims, &received, agentOf(c.r.UserAgent()))
	if errors.Is(err, authjs.ErrTooLarge) {
		largest, advice := session.Oversize(claims)
		c.realm.Logger.Error("sign-in refused: leave something out of the session", zap.String("provider", claims.Provider),
			zap.String("largest", largest), zap.String("advice", advice), zap.String("reference", request.Reference(c.r)), zap.Error(err))
		return c.fail(http.StatusOK, authjs.CodeConfiguration)
	}
	if errors.Is(err, session.ErrRevokedMeanwhile) { // nothing is out of order, and a second try succeeds
		c.realm.Logger.Info("a sign-in came to nothing", zap.String("user", session.UserID(&claims)), zap.String("reference", request.Reference(c.r)), zap.Error(err))
		return c.retryLater()
	}
	if err != nil {
		return c.unavailable(err)
	}
	for _, live := range before {
		if err := c.site.Sessions.End(c.r.Context(), c.site.Sessions.EntryOf(live)); err != nil {
			return c.unavailable(err)
		}
	}
	c.setCookies = append(c.setCookies, cookies...)
	c.realm.Logger.Info("signed in", zap.String("user", session.UserID(&claims)), zap.String("provider", claims.Provider))
	return c.redirect(http.StatusOK, c.callbackURL)
}

// Log takes what the browser client reports. It is only ever shown to the
// operator who asks for debug logs, and never interpreted.
func Log(c *Call) error {
	body, err := readBody(c.w, c.r, maxLogBody)
	if err != nil {
		return c.refuse(err)
	}
	if report, _, err := parseFields(c.r, body); err == nil && report["code"] != "" {
		c.realm.Sampled.Debug("the browser client reports an error",
			zap.String("code", response.Cut(report["code"], 80)), zap.String("message", response.Cut(report["message"], 200)))
	}
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// maxAgent is how much of a User-Agent the list keeps of a session, in bytes.
const maxAgent = 120

// agentOf is what the list of sessions keeps of a User-Agent.
func agentOf(header string) string { return response.Printable(response.Cut(header, maxAgent)) }
