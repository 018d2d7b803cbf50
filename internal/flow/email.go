package flow

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/internal/panics"
	"github.com/caddy-signin/caddy-signin/internal/redirect"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/response"
	"github.com/caddy-signin/caddy-signin/internal/throttle"
	"github.com/caddy-signin/caddy-signin/pages"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// mailLink asks the mail server whether it takes a message to the address typed,
// and answers. Whether one follows, which the rules and the address's limit
// decide, shows neither in the answer nor in its time: that is found out
// afterwards.
func mailLink(c *Call, mailer providers.Mailer) error {
	addr, err := address.Parse(c.body["email"])
	if err != nil {
		c.realm.Logger.Info("no sign-in link was mailed: what was typed is no e-mail address",
			zap.String("provider", c.provider), zap.String("reference", request.Reference(c.r)))
		return c.fail(http.StatusOK, authjs.CodeEmailSignin)
	}
	ctx := c.r.Context()
	counts, limits := c.realm.Throttle.Quotas(c.site.Key), mailer.Limits()
	for _, budget := range []struct {
		what, key string
		budget    providers.Budget
	}{
		{"client", counts.Client(request.ClientIP(c.r)), limits.Client},
		{"total", counts.Total(), limits.Total},
	} {
		if ok, err := counts.Take(ctx, budget.key, budget.budget); err != nil {
			return c.unavailable(err)
		} else if !ok {
			mailLimited(c, budget.what)
			return linkRequested(c, mailer, addr)
		}
	}
	offer, err := mailer.Offer(ctx, addr)
	if err != nil {
		c.rs.Blame("no sign-in link could be mailed", zap.String("provider", c.provider), zap.Error(err))
		return c.fail(http.StatusOK, authjs.CodeEmailSignin)
	}
	go newLinkMail(c, mailer, offer, addr).deliver(context.WithoutCancel(ctx))
	return linkRequested(c, mailer, addr)
}

const mailLimitReached = "no sign-in link was mailed: a limit of the email provider is reached"

// mailLimited is a line that a stranger could repeat at will.
func mailLimited(c *Call, limit string) {
	c.realm.Sampled.Warn(mailLimitReached,
		zap.String("provider", c.provider), zap.String("limit", limit),
		zap.String("client_ip", request.ClientIP(c.r)), zap.String("reference", request.Reference(c.r)))
}

// linkRequested is the answer to whoever asked for a link, the same in every case.
func linkRequested(c *Call, mailer providers.Mailer, addr string) error {
	if c.showsPages() {
		c.setFlash(flash{Provider: c.provider, Email: addr, Reference: request.Reference(c.r)}, mailer.LinkLife())
	}
	return c.redirect(http.StatusOK, redirect.AddQuery(c.site.Base+"/verify-request", "provider", c.provider, "type", "email"))
}

// mailAccount is the person who reads an address's mail.
func mailAccount(addr string) providers.Account {
	return providers.Account{ID: addr, Email: addr, EmailVerified: true}
}

// linkMail is a mail that is under way after its request was answered: it keeps
// what it needs of it.
type linkMail struct {
	offer     providers.Offer
	keys      keys.LinkKeys
	link      mailedLink
	told      providers.Link
	counts    throttle.Quotas
	limit     providers.Budget
	admitted  bool
	logger    *zap.Logger
	sampled   *zap.Logger
	reference string
}

func newLinkMail(c *Call, mailer providers.Mailer, offer providers.Offer, addr string) linkMail {
	token := hex.EncodeToString(keys.RandomBytes(linkDigits / 2))
	return linkMail{
		offer: offer, keys: c.keys.Links, reference: request.Reference(c.r), logger: c.realm.Logger, sampled: c.realm.Sampled,
		counts: c.realm.Throttle.Quotas(c.site.Key), limit: mailer.Limits().Address,
		admitted: c.site.Sessions.Admits(c.site.Sessions.NewSession(c.site.Sessions.NewClaims(c.keys, c.provider, mailAccount(addr)))),
		link:     newMailedLink(c, addr, token),
		told: providers.Link{
			Site: c.site.Host, HomeURL: c.site.Origin, Address: addr,
			URL: redirect.AddQuery(c.site.Base+"/callback/"+c.provider,
				"callbackUrl", c.callbackURL, "token", token, "email", addr),
			Requested: time.Now(), ClientIP: request.ClientIP(c.r), Browser: browserName(c.r.UserAgent()),
			Life: mailer.LinkLife(),
		},
	}
}

// newMailedLink is the link of a token that goes to an address.
func newMailedLink(c *Call, addr, token string) mailedLink {
	return mailedLink{
		store: c.realm.Store, realmKey: c.site.Key, base: c.site.Base,
		provider: c.provider, address: addr, token: token,
	}
}

// deliver sends the mail, or withdraws the offer of it, and tells the operator. Nobody but it would recover from a panic of the provider's.
func (l linkMail) deliver(ctx context.Context) {
	user := zap.String("user", l.link.provider+":"+l.link.address)
	var wanted bool
	err := panics.Catch(func() (err error) {
		wanted, err = l.send(ctx)
		return err
	})
	switch {
	case err != nil:
		l.logger.Error("a sign-in link was not mailed, after the visitor was told to look for it",
			user, zap.String("reference", l.reference), zap.Error(err), panics.Stack(err))
	case wanted:
		l.logger.Info("mailed a sign-in link", user, zap.String("reference", l.reference))
	}
}

// send sends the mail where it is wanted.
func (l linkMail) send(ctx context.Context) (wanted bool, err error) {
	sent := false
	defer func() {
		if !sent { // after a panic, too
			l.offer.Withdraw()
		}
	}()
	if wanted, err = l.isWanted(ctx); err == nil && wanted {
		err = l.link.remember(ctx, l.keys, l.told.Requested.Add(l.told.Life))
	}
	if err != nil || !wanted {
		return wanted, err
	}
	sent = true
	return true, l.offer.Send(ctx, l.told)
}

// isWanted asks the address's limit, which counts refused addresses too, and
// says what the rules said.
func (l linkMail) isWanted(ctx context.Context) (bool, error) {
	left, err := l.counts.Take(ctx, l.counts.Address(l.link.address), l.limit)
	switch {
	case err != nil:
		return false, err
	case !left:
		l.sampled.Warn(mailLimitReached, zap.String("provider", l.link.provider), zap.String("limit", "address"),
			zap.String("client_ip", l.told.ClientIP), zap.String("reference", l.reference))
	case !l.admitted:
		l.sampled.Info("no sign-in link was mailed: allow or deny refuses the address",
			zap.String("user", l.link.provider+":"+l.link.address), zap.String("reference", l.reference))
	}
	return left && l.admitted, nil
}

// openLink takes a mailed link. Where it is to be confirmed, opening it shows a
// button, and only the button's POST spends it.
func openLink(c *Call, mailer providers.Mailer) error {
	token, addr := linkParameters(c, mailer)
	switch {
	case token == "":
		logLink(c, errors.New("the link has no token"))
		return c.fail(http.StatusOK, authjs.CodeNoLinkToken)
	case addr == "" || !isLinkToken(token):
		return invalidLink(c, errors.New("the link is malformed"))
	case mailer.Confirms() && c.r.Method == http.MethodGet:
		c.sendCookies()
		return c.site.ServePage(c.w, pages.Confirm{
			Site: c.site.PageSite(c.r), ProviderID: c.provider, Email: addr, Token: token,
			CallbackURL: c.callbackURL, CSRFToken: c.csrfToken,
		})
	case mailer.Confirms() && !c.verified:
		return c.missingCSRF("signin")
	}
	link := newMailedLink(c, addr, token)
	switch err := link.spend(c.r.Context(), c.keys.Links); {
	case errors.Is(err, sessionstore.ErrNotFound):
		return invalidLink(c, errors.New("no such link: it was used, has expired, is another provider's, or was never mailed to this address"))
	case err != nil:
		return c.unavailable(err)
	}
	return completeSignIn(c, mailAccount(addr), "")
}

// linkParameters are the link's token and address, each empty where it isn't
// given exactly once or can't be: from the form of the button, else the query.
func linkParameters(c *Call, mailer providers.Mailer) (token, addr string) {
	token, given := queryValue(c, "token"), queryValue(c, "email")
	if mailer.Confirms() && c.r.Method == http.MethodPost {
		token, given = c.body["token"], c.body["email"]
	}
	addr, err := address.Parse(given)
	if err != nil {
		return token, ""
	}
	return token, addr
}

func queryValue(c *Call, name string) string {
	if len(c.query[name]) != 1 {
		return ""
	}
	return c.query.Get(name)
}

func invalidLink(c *Call, err error) error {
	logLink(c, err)
	return c.fail(http.StatusOK, authjs.CodeVerification)
}

func logLink(c *Call, err error) {
	c.realm.Logger.Info("a mailed link did not sign in", zap.String("provider", c.provider),
		zap.String("client_ip", request.ClientIP(c.r)), zap.String("reference", request.Reference(c.r)), zap.Error(err))
}

// resendPause is how long the page that says to look for the mail waits before
// it offers to send another one.
const resendPause = 30 * time.Second

// VerifyRequestPage says where the link went, as far as this browser knows.
func VerifyRequestPage(c *Call) error {
	if page := c.endpoints.Pages.VerifyRequest; page != "" {
		var query []string
		for _, name := range c.endpoints.Dialect.verifyRequestQuery {
			if value := c.query.Get(name); isCode(value) {
				query = append(query, name, value)
			}
		}
		c.sendCookies()
		response.Redirect(c.w, http.StatusFound, redirect.AddQuery(page, query...))
		return nil
	}
	page := pages.VerifyRequest{Site: c.site.PageSite(c.r)}
	sent := c.readFlash()
	if mailer, ok := c.realm.ByID[sent.Provider].(providers.Mailer); ok && sent.Code == "" {
		age := time.Since(time.UnixMilli(sent.Made))
		page.Email = sent.Email
		page.ExpiresIn = max(time.Second, mailer.LinkLife()-age.Truncate(time.Minute))
		page.Resend = &pages.Resend{ProviderID: sent.Provider, CSRFToken: c.csrfToken, CallbackURL: c.callbackURL}
		if wait := resendPause - age; wait > 0 {
			page.Resend.Wait = wait
		}
	}
	c.sendCookies()
	return c.site.ServePage(c.w, page)
}
