package providers

import "encoding/json"

// Parts are the parts of an [Account] that a provider can give.
type Parts struct{ Email, Groups bool }

// Tells says which parts a provider can give, by its configuration (JSON, with the
// guest module's name in the member provider). One that isn't known, or can't be
// read, may give all.
func Tells(written json.RawMessage) Parts {
	var named struct{ Provider string }
	if json.Unmarshal(written, &named) != nil {
		return Parts{true, true}
	}
	switch named.Provider {
	case kindOIDC:
		return tellsOf[OIDC](written)
	case kindOAuth2:
		return tellsOf[OAuth2](written)
	case "credentials":
		return tellsOf[Credentials](written)
	case string(TypeEmail):
		return Parts{Email: true}
	}
	return Parts{true, true}
}

type teller[T any] interface {
	*T
	tells() Parts
}

func tellsOf[T any, P teller[T]](written json.RawMessage) Parts {
	module := P(new(T))
	if json.Unmarshal(written, module) != nil {
		return Parts{true, true}
	}
	return module.tells()
}

func (m ProfileMap) tells() Parts { return Parts{Email: m.Email != off, Groups: m.Groups != off} }

func (p *OIDC) tells() Parts { return p.withDefaults(kindOIDC).Profile.tells() }

func (p *OAuth2) tells() Parts {
	config := p.withDefaults(kindOAuth2)
	parts := config.Profile.tells()
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
		return Parts{Email: attributes.Email != off, Groups: attributes.Groups != off || l.GroupBaseDN != ""}
	}
	return Parts{Email: true, Groups: c.HTTP != nil || len(c.Users) > 0}
}
