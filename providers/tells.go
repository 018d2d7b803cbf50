package providers

import (
	"cmp"
	"slices"
)

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

// Tells implements [Teller].
func (p *OIDC) Tells() Parts { return p.ClientConfig.tells(kindOIDC) }

// Tells implements [Teller].
func (p *OAuth2) Tells() Parts {
	config := p.withDefaults(kindOAuth2)
	parts := p.ClientConfig.tells(kindOAuth2)
	row, _ := lookUp(config.Preset)
	if p.EmailEndpoint != "" && p.EmailEndpoint != off || p.EmailEndpoint == "" && row.emailEndpoint != "" && !row.selfHosted(config) {
		parts.Email = true
	}
	return parts
}

// Tells implements [Teller]. Users of a file have no groups.
func (c *Credentials) Tells() Parts {
	if l := c.LDAP; l != nil {
		attributes := l.Attributes.withDefaults()
		return Parts{Email: attributes.Email != off, Groups: attributes.Groups != off || l.GroupBaseDN != "", Mend: "name group_base_dn in ldap for groups, and attributes email for the address"}
	}
	return Parts{Email: true, Groups: c.HTTP != nil || len(c.Users) > 0, Mend: "users of a file have no groups: move them into the Caddyfile"}
}

// Tells implements [Teller].
func (*Email) Tells() Parts {
	return Parts{Email: true, Mend: "mailed links tell an address alone"}
}

// Keywords implements [Keyworder]: the presets of this kind.
func (*OIDC) Keywords() []string { return presetNames(kindOIDC) }

// IsKeyword implements [Keyworder].
func (*OIDC) IsKeyword(word string) bool { return isPresetOf(kindOIDC, word) }

// Keywords implements [Keyworder]: the presets of this kind.
func (*OAuth2) Keywords() []string { return presetNames(kindOAuth2) }

// IsKeyword implements [Keyworder].
func (*OAuth2) IsKeyword(word string) bool { return isPresetOf(kindOAuth2, word) }

func presetNames(kind string) (names []string) {
	for _, name := range PresetNames() {
		if isPresetOf(kind, name) {
			names = append(names, name)
		}
	}
	return names
}

func isPresetOf(kind, name string) bool {
	row, ok := lookUp(name)
	return ok && row.kind == kind
}

// Keywords implements [Keyworder]: the services that take mails over HTTP, and
// Auth.js v5's name for mails over SMTP.
func (*Email) Keywords() []string { return append(MailServiceNames(), mailNodemailer) }

// IsKeyword implements [Keyworder].
func (e *Email) IsKeyword(word string) bool { return slices.Contains(e.Keywords(), word) }

var (
	_ Teller    = (*OIDC)(nil)
	_ Teller    = (*OAuth2)(nil)
	_ Teller    = (*Credentials)(nil)
	_ Teller    = (*Email)(nil)
	_ Keyworder = (*OIDC)(nil)
	_ Keyworder = (*OAuth2)(nil)
	_ Keyworder = (*Email)(nil)
)
