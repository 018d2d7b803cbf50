package flow

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/response"
	"github.com/caddy-signin/caddy-signin/internal/throttle"
	"github.com/caddy-signin/caddy-signin/providers"
)

// checkCredentials signs in by a form. A failed attempt keeps the session that
// the browser has.
func checkCredentials(c *Call, checker providers.Checker) error {
	if c.r.Method != http.MethodPost {
		return c.noProvider(func() error {
			return c.badRequest("Error: Callback for provider type credentials not supported")
		})
	}
	if !c.verified {
		return c.missingCSRF("signin")
	}
	ctx := c.r.Context()
	try := c.realm.Throttle.Attempt(c.site.Key, c.provider, c.body["username"], request.ClientIP(c.r))
	wait, err := try.Begin(ctx)
	if err != nil {
		return c.unavailable(err)
	}
	if wait > 0 {
		return throttled(c, wait)
	}
	account, err := checker.Check(ctx, c.body)
	if err == nil && account.Demo && !(c.site.Loopback && request.IsDirectLoopback(c.r)) {
		c.realm.Logger.Error("refused a password that is published in the documentation: it works on this machine's loopback address only; set one of your own with `caddy hash-password`",
			zap.String("provider", c.provider), zap.String("user", account.Login))
		err = providers.ErrWrongCredentials
	}
	switch {
	case errors.Is(err, providers.ErrWrongCredentials):
		return wrongCredentials(c, err)
	case err != nil:
		return notChecked(c, &try, fmt.Errorf("provider %s: %w", c.provider, err))
	}
	if err := try.Succeed(ctx); err != nil {
		return c.unavailable(err)
	}
	claims := c.site.Sessions.NewClaims(c.keys, c.provider, account)
	logIncomplete(c, &claims, &account)
	if why := c.site.Sessions.Evaluate(c.site.Sessions.NewSession(claims), &account); why != access.Admitted {
		return denyAccess(c, http.StatusForbidden, &claims, why, &account)
	}
	return startSession(c, claims)
}

// wrongCredentials answers with the reason that the back end gave, if it is one
// that people may read.
func wrongCredentials(c *Call, err error) error {
	code := authjs.CodeCredentialsSignin
	if refusal, ok := errors.AsType[*providers.RefusalError](err); ok && providers.IsRefusalCode(refusal.Code) {
		code = authjs.ErrorCode(refusal.Code)
	}
	c.realm.Logger.Info("sign-in with a wrong user name or password",
		zap.String("provider", c.provider), zap.String("user", response.Cut(c.body["username"], 80)),
		zap.String("client_ip", request.ClientIP(c.r)), zap.String("code", string(code)), zap.String("reference", request.Reference(c.r)))
	if code == authjs.CodeAccessDenied {
		return c.fail(http.StatusForbidden, code)
	}
	return c.fail(http.StatusUnauthorized, code, "provider", c.provider)
}

// notChecked answers while the back end can't be asked. Nobody learned anything
// about a password, so the attempt doesn't count, unless the client went away:
// then it may come back and have the same work done again and again.
func notChecked(c *Call, try *throttle.Attempt, cause error) error {
	if ctx := c.r.Context(); ctx.Err() == nil {
		if err := try.Refund(ctx); err != nil {
			cause = errors.Join(cause, err)
		}
	}
	return c.unavailable(cause)
}

// throttled answers 429 (RFC 6585 section 4) and checks nothing.
func throttled(c *Call, wait time.Duration) error {
	c.realm.Sampled.Warn("sign-in attempts are being slowed down",
		zap.String("provider", c.provider), zap.String("client_ip", request.ClientIP(c.r)))
	c.w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	if c.wantsJSON() || c.endpoints.Pages.SignIn != "" {
		return c.fail(http.StatusTooManyRequests, authjs.CodeCredentialsSignin, "provider", c.provider)
	}
	page := signInPage(c, string(authjs.CodeCredentialsSignin))
	page.ErrorProvider, page.Username, page.RetryAfter = c.provider, response.Cut(c.body["username"], maxFlashValue), wait
	c.sendCookies()
	return c.site.ServePage(c.w, page)
}
