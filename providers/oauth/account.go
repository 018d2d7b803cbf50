package oauth

import (
	"net/url"
	"time"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/oauth/issuer"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// account is the person whom claims tell of, with the tokens that came along.
func (c *client) account(found profile.Claims, token *tokens, answer url.Values) (providers.Account, error) {
	account, err := c.profile.Account(found.With(token.answer, answer))
	account.Tokens = token.kept(time.Now())
	return account, err
}

// noteMissing notes the parts that the account lacks though the person may have them:
// the provider wasn't asked everything, or doesn't say that it granted everything.
// m holds the endpoints.
func (c *client) noteMissing(account *providers.Account, t *tokens, m issuer.Metadata, askedUserinfo, hasAddresses bool) {
	var why string
	switch {
	case !askedUserinfo:
		why = "and there is no userinfo endpoint to ask for it"
	case !t.granted:
		why = "and the token answer doesn't say that every scope was granted: the visitor may have asked for less"
	case c.authorizer().exposesClaims(m):
		why = "and the authorization parameter claims went through the address bar: the visitor may have taken it out"
	default:
		return
	}
	if c.profile.ReadsGroups() && account.Groups == nil && !account.IsIncomplete(providers.AttributeGroups) {
		account.AddIncomplete(providers.AttributeGroups, "the claim is missing, %s", why)
	}
	if (c.profile.ReadsEmail() || hasAddresses) && account.Email == "" && !account.IsIncomplete(providers.AttributeEmail) {
		account.AddIncomplete(providers.AttributeEmail, "the claim is missing, %s", why)
	}
}
