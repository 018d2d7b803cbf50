package flow

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

const (
	// pendingLife is how long a sign-in may take at the provider; it is checked
	// inside the sealed value too.
	pendingLife = 15 * time.Minute
	// maxPending is how many sign-ins of one browser may be under way.
	maxPending = 5
)

// pendingFlow is a sign-in under way, sealed in a cookie of its own, so that
// parallel tabs don't disturb each other.
type pendingFlow struct {
	Provider    string `json:"provider"`
	State       string `json:"state"`
	Nonce       string `json:"nonce"`
	Verifier    string `json:"verifier"`
	RedirectURI string `json:"redirect_uri"`
	CallbackURL string `json:"callback_url"`
	Started     int64  `json:"started"` // Unix milliseconds
	// Session is the sid of the session that began it, where accounts are linked.
	Session string `json:"session,omitempty"`
}

func (p *pendingFlow) flow() providers.Flow {
	return providers.Flow{
		State: p.State, Nonce: p.Nonce, Verifier: p.Verifier, RedirectURI: p.RedirectURI, Began: time.UnixMilli(p.Started),
	}
}

func (p *pendingFlow) ends() time.Time { return time.UnixMilli(p.Started).Add(pendingLife) }

// redirectToProvider sends the browser to the provider's authorization endpoint.
func redirectToProvider(c *Call, redirector providers.Redirector) error {
	pending := pendingFlow{
		Provider:    c.provider,
		State:       keys.RandomText(),
		Nonce:       keys.RandomText(),
		Verifier:    keys.RandomText(),
		RedirectURI: redirectURI(c),
		CallbackURL: c.callbackURL,
		Started:     time.Now().UnixMilli(),
	}
	target, err := redirector.Begin(c.r.Context(), pending.flow(), c.query)
	if err != nil {
		c.rs.Blame("a sign-in can't start", zap.String("provider", c.provider), zap.Error(err))
		return c.fail(http.StatusOK, authjs.CodeOAuthSignin)
	}
	if pending.Session, err = linkingSession(c); err != nil {
		return c.unavailable(err)
	}
	if err := storePending(c, pending); err != nil {
		return c.unavailable(err)
	}
	return c.redirect(http.StatusOK, target)
}

// redirectURI is where the provider's answer comes back to.
func redirectURI(c *Call) string { return c.site.Base + "/callback/" + c.provider }

// storePending adds the flow's cookie and drops the oldest ones over the limit,
// and those that don't open any more.
func storePending(c *Call, pending pendingFlow) error {
	payload, err := json.Marshal(pending)
	if err != nil {
		return fmt.Errorf("keeping a sign-in: %w", err)
	}
	type kept struct {
		cookie  authjs.Cookie
		started int64
	}
	var others []kept
	for _, cookie := range c.site.CookieNames.AppendPending(nil, c.rs.CookieLines) {
		if other, ok := openPending(c, cookie.Value); ok {
			others = append(others, kept{cookie, other.Started})
		} else {
			dropPending(c, cookie.Name)
		}
	}
	slices.SortFunc(others, func(a, b kept) int { return int(b.started - a.started) })
	if len(others) >= maxPending {
		for _, old := range others[maxPending-1:] {
			dropPending(c, old.cookie.Name)
		}
	}
	cookie := c.site.Cookie(c.site.CookieNames.Pending(pending.State), c.keys.Pending[c.site.CookieNames.State].Seal(payload))
	cookie.MaxAge, cookie.Expires = int(pendingLife.Seconds()), time.Now().Add(pendingLife)
	c.setCookies = append(c.setCookies, cookie)
	return nil
}

func dropPending(c *Call, name string) {
	c.setCookies = append(c.setCookies, c.site.Cookie(name, "").Delete())
}

func openPending(c *Call, value string) (pendingFlow, bool) {
	payload, _, err := c.keys.Pending[c.site.CookieNames.State].Open(value)
	if err != nil {
		return pendingFlow{}, false
	}
	var pending pendingFlow
	if err := json.Unmarshal([]byte(payload), &pending); err != nil || time.Now().After(pending.ends()) {
		return pendingFlow{}, false
	}
	return pending, true
}

// takePending returns the browser's own flow with this state, which began with
// this provider at this very address, and removes its cookie whatever comes of it.
func takePending(c *Call, state string) (pendingFlow, bool) {
	name := c.site.CookieNames.Pending(state)
	values := authjs.AppendValues(nil, c.rs.CookieLines, name)
	if len(values) == 0 {
		return pendingFlow{}, false
	}
	dropPending(c, name)
	for _, value := range values {
		pending, ok := openPending(c, value)
		if ok && pending.Provider == c.provider && pending.RedirectURI == redirectURI(c) && subtle.ConstantTimeCompare([]byte(pending.State), []byte(state)) == 1 {
			return pending, true
		}
	}
	return pendingFlow{}, false
}

// finishRedirect checks the answer of a provider against the flow that this
// browser began. A POST's query takes no part.
func finishRedirect(c *Call, provider providers.Redirector) error {
	answer := c.query
	if c.r.Method == http.MethodPost {
		answer = c.form
	}
	if lacksCookies(c, provider) {
		return repeatWithCookies(c)
	}
	pending, unusable := pendingFlow{}, errNoFlow
	if states := answer["state"]; len(states) == 1 && states[0] != "" {
		var err error
		if pending, unusable, err = consumeFlow(c, states[0]); err != nil {
			return c.unavailable(err)
		}
	}
	if err := provider.Refused(answer); err != nil {
		logFailure(c, err)
		return c.fail(http.StatusOK, authjs.CodeCallback)
	}
	if unusable != nil {
		logFailure(c, unusable)
		return c.fail(http.StatusOK, authjs.CodeOAuthCallback)
	}
	account, err := provider.Finish(c.r.Context(), pending.flow(), answer)
	if err != nil {
		logFailure(c, err)
		if errors.Is(err, providers.ErrNotAdmitted) {
			return c.fail(http.StatusOK, authjs.CodeAccessDenied)
		}
		return c.fail(http.StatusOK, authjs.CodeOAuthCallback)
	}
	if _, given := c.query["callbackUrl"]; !given || c.r.Method == http.MethodPost {
		c.callbackURL, _ = c.site.Returns.Resolve(pending.CallbackURL)
	}
	return completeSignIn(c, account, pending.Session)
}

var (
	errNoFlow    = errors.New("no sign-in of this browser has this state: it took longer than 15 minutes, was finished already, or began in another browser or at another address")
	errFlowSpent = errors.New("this sign-in was finished already")
)

// consumeFlow returns the browser's own flow with this state and uses it up, whether
// the provider's answer is good or bad: a copy of its cookie is worth nothing
// then. unusable says why the flow doesn't count; an err, that this is not known.
func consumeFlow(c *Call, state string) (pending pendingFlow, unusable, err error) {
	pending, found := takePending(c, state)
	if !found {
		return pendingFlow{}, errNoFlow, nil
	}
	err = markFlowUsed(c.r.Context(), c, &pending)
	if errors.Is(err, sessionstore.ErrTaken) {
		return pendingFlow{}, errFlowSpent, nil
	}
	return pending, nil, err
}

// markFlowUsed lets one callback of a flow through, also of several at once. A store
// that is full may forget it: strangers can make any number of flows, and must
// not crowd out what ends sessions. Even then a replay needs a copy of the cookie
// and a code that the provider takes twice.
func markFlowUsed(ctx context.Context, c *Call, pending *pendingFlow) error {
	ctx, done := deadline.Step(ctx)
	defer done()
	key := sessionstore.EvictablePrefix + c.site.Key + "|flow|" + keys.Digest(pending.State)
	if err := sessionstore.Add(ctx, c.realm.Store, key, []byte{1}, pending.ends()); err != nil {
		return fmt.Errorf("spending a sign-in: %w", err)
	}
	return nil
}

func logFailure(c *Call, err error) {
	c.realm.Logger.Warn("a sign-in failed at its return from the provider", zap.String("provider", c.provider),
		zap.String("reference", request.Reference(c.r)), zap.Error(err))
}
