package flow

import (
	"net/http"

	"github.com/caddy-signin/caddy-signin/providers"
)

// kindOf is the kind of a provider. The zero kind is that of none.
func kindOf(provider providers.Provider) kind {
	switch provider := provider.(type) {
	case providers.Redirector:
		return kind{
			signIn:          func(c *Call) error { return redirectToProvider(c, provider) },
			callback:        func(c *Call) error { return finishRedirect(c, provider) },
			givesOutAddress: true, // as redirect_uri
		}
	case providers.Mailer:
		return kind{
			signIn:          func(c *Call) error { return mailLink(c, provider) },
			callback:        func(c *Call) error { return openLink(c, provider) },
			formSignsIn:     true,
			givesOutAddress: true, // in the link
		}
	case providers.Checker:
		return kind{
			callback:    func(c *Call) error { return checkCredentials(c, provider) },
			formSignsIn: true,
			typed:       true,
		}
	}
	return kind{}
}

// GivesOutAddress reports whether a sign-in with the provider takes the realm's own
// address to where it is used later, and by others: into a mail, or to the provider.
func GivesOutAddress(provider providers.Provider) bool { return kindOf(provider).givesOutAddress }

// SignIn begins a sign-in with the provider in the path.
func SignIn(c *Call) error {
	missing := func() error { return c.missingCSRF("signin") }
	_, ok := c.realm.ByID[c.provider]
	if !ok && c.provider != "" {
		return c.noProvider(missing)
	}
	if !c.verified || (!ok && c.endpoints.Dialect.namesProvider) {
		return missing()
	}
	if begin := c.kind.signIn; begin != nil {
		return begin(c)
	}
	// Credentials go to callback/<id>, and without a provider one is to be chosen.
	return c.redirect(http.StatusOK, c.site.Base+"/signin")
}

// Callback takes a provider's answer, a mailed link, or a form of credentials.
func Callback(c *Call) error {
	if finish := c.kind.callback; finish != nil {
		return finish(c)
	}
	return c.noProvider(c.unsupported)
}
