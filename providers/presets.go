package providers

import (
	"maps"
	"net/url"
	"slices"
)

// preset is one row of the table of known providers: what doesn't depend on
// who runs the site. A new kind of peculiarity is a new field here and one
// place that acts on it, never a test for a provider's name.
type preset struct {
	// name is the display name.
	name string
	// kind is the guest module that the row configures.
	kind string
	// issuer is where discovery starts; for an oauth2 row, what the provider
	// may send as iss (RFC 9207).
	issuer string

	authorizationEndpoint string
	tokenEndpoint         string
	userinfoEndpoint      string
	// emailEndpoint lists a person's addresses with their verified flags.
	emailEndpoint string

	scopes  []string
	params  map[string]string
	profile ProfileMap

	// clientAuth and checks are set where the provider can't do the defaults.
	clientAuth string
	checks     []string

	// public says that anyone in the world can have an account there.
	public bool
	// verifiesEmail says that the vendor hands out verified addresses only,
	// without saying so in each answer.
	verifiesEmail bool
}

// presets is the table, by the name that stands in the Caddyfile. These are
// NextAuth's provider ids.
var presets = map[string]preset{
	"github": {
		name:                  "GitHub",
		kind:                  kindOAuth2,
		issuer:                "https://github.com/login/oauth",
		authorizationEndpoint: "https://github.com/login/oauth/authorize",
		tokenEndpoint:         "https://github.com/login/oauth/access_token",
		userinfoEndpoint:      "https://api.github.com/user",
		emailEndpoint:         "https://api.github.com/user/emails",
		scopes:                []string{"read:user", "user:email"},
		profile:               ProfileMap{ID: "id", Name: "name|login", Email: "email", Image: "avatar_url", Groups: off},
		public:                true,
	},
	"google": {
		name:    "Google",
		kind:    kindOIDC,
		issuer:  "https://accounts.google.com",
		scopes:  []string{"openid", "email", "profile"},
		profile: ProfileMap{ID: "sub", Name: "name", Email: "email", Image: "picture", Groups: off},
		public:  true,
	},
}

// PresetNames returns the names of all presets, sorted.
func PresetNames() []string {
	return slices.Sorted(maps.Keys(presets))
}

// selfHosted says that c moves the row to another host: an installation of
// one's own. It then gets none of the row's endpoints, for a secret, code or
// token of the one must never be sent to the other.
func (row preset) selfHosted(c ClientConfig) bool {
	if row.kind == kindOIDC {
		return c.Issuer != "" && c.Issuer != row.issuer
	}
	vendor := hosts(row.authorizationEndpoint, row.tokenEndpoint, row.userinfoEndpoint)
	for host := range hosts(c.AuthorizationEndpoint, c.TokenEndpoint, c.UserinfoEndpoint) {
		if _, ok := vendor[host]; !ok {
			return true
		}
	}
	return false
}

// missingHint explains why an endpoint that the row has isn't used.
func (row preset) missingHint(c *ClientConfig) string {
	if row.name == "" || !row.selfHosted(*c) {
		return ""
	}
	return ": another endpoint is at a host of your own, so every endpoint must be written"
}

// hosts returns the hosts of those URLs that are set.
func hosts(urls ...string) map[string]struct{} {
	found := make(map[string]struct{})
	for _, raw := range urls {
		if raw == "" || raw == off {
			continue
		}
		host := raw // a placeholder's host isn't known, but it isn't the vendor's
		if u, err := url.Parse(raw); err == nil && u.Host != "" {
			host = u.Host
		}
		found[host] = struct{}{}
	}
	return found
}
