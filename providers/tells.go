package providers

import (
	"cmp"
	"encoding/json"
)

// Parts are the parts of an [Account] that a provider can give.
type Parts struct {
	Email, Groups bool
	// Mend says how to have a missing one, or that there is no way.
	Mend string
}

// Tells says which parts a provider can give, by its configuration (JSON, with the
// guest module's name in the member provider). One that isn't known, or can't be
// read, may give all.
func Tells(written json.RawMessage) Parts {
	var named struct{ Provider string }
	if json.Unmarshal(written, &named) != nil {
		return Parts{Email: true, Groups: true}
	}
	switch named.Provider {
	case kindOIDC:
		return tellsOf[OIDC](written)
	case kindOAuth2:
		return tellsOf[OAuth2](written)
	case "credentials":
		return tellsOf[Credentials](written)
	case string(TypeEmail):
		return Parts{Email: true, Mend: "mailed links tell an address alone"}
	}
	return Parts{Email: true, Groups: true}
}

type teller[T any] interface {
	*T
	tells() Parts
}

func tellsOf[T any, P teller[T]](written json.RawMessage) Parts {
	module := P(new(T))
	if json.Unmarshal(written, module) != nil {
		return Parts{Email: true, Groups: true}
	}
	return module.tells()
}

func (c *ClientConfig) tells(kind string) Parts {
	profile := c.withDefaults(kind).Profile
	parts := Parts{Email: profile.Email != off, Groups: profile.Groups != off, Mend: "write under profile of " + cmp.Or(c.ID, c.Preset) + " which claim holds it"}
	row, _ := lookUp(c.Preset)
	switch {
	case !parts.Groups && row.config.Profile.Groups == off && !parts.Email && row.config.Profile.Email == off:
		parts.Mend = row.name + " tells no groups and no address"
	case !parts.Groups && row.config.Profile.Groups == off:
		parts.Mend = row.name + " tells no groups"
	case !parts.Email && row.config.Profile.Email == off:
		parts.Mend = row.name + " tells no address"
	}
	return parts
}

func (p *OIDC) tells() Parts { return p.ClientConfig.tells(kindOIDC) }

func (p *OAuth2) tells() Parts {
	config := p.withDefaults(kindOAuth2)
	parts := p.ClientConfig.tells(kindOAuth2)
	row, _ := lookUp(config.Preset)
	if p.EmailEndpoint != "" && p.EmailEndpoint != off || p.EmailEndpoint == "" && row.emailEndpoint != "" && !row.selfHosted(config) {
		parts.Email = true
	}
	return parts
}

// Users of a file have no groups.
func (c *Credentials) tells() Parts {
	if l := c.LDAP; l != nil {
		attributes := l.Attributes.withDefaults()
		return Parts{Email: attributes.Email != off, Groups: attributes.Groups != off || l.GroupBaseDN != "", Mend: "name group_base_dn in ldap for groups, and attributes email for the address"}
	}
	return Parts{Email: true, Groups: c.HTTP != nil || len(c.Users) > 0, Mend: "users of a file have no groups: move them into the Caddyfile"}
}
