package oauth

import (
	"cmp"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

func (c *ClientConfig) tells(kind string) providers.Parts {
	mapped := c.withDefaults(kind).Profile
	parts := providers.Parts{Email: mapped.Email != profile.Off, Groups: mapped.Groups != profile.Off, Mend: "write under profile of " + cmp.Or(c.ID, c.Preset) + " which claim holds it"}
	row, _ := lookUp(c.Preset)
	switch {
	case !parts.Groups && row.defaults.Profile.Groups == profile.Off && !parts.Email && row.defaults.Profile.Email == profile.Off:
		parts.Mend = row.Name + " tells no groups and no address"
	case !parts.Groups && row.defaults.Profile.Groups == profile.Off:
		parts.Mend = row.Name + " tells no groups"
	case !parts.Email && row.defaults.Profile.Email == profile.Off:
		parts.Mend = row.Name + " tells no address"
	}
	return parts
}

// Tells implements [providers.Teller].
func (p *OIDC) Tells() providers.Parts { return p.ClientConfig.tells(kindOIDC) }

// Tells implements [providers.Teller].
func (p *OAuth2) Tells() providers.Parts {
	config := p.withDefaults(kindOAuth2)
	parts := p.ClientConfig.tells(kindOAuth2)
	row, _ := lookUp(config.Preset)
	if p.EmailEndpoint != "" && p.EmailEndpoint != profile.Off || p.EmailEndpoint == "" && row.Config.EmailEndpoint != "" && !row.selfHosted(config) {
		parts.Email = true
	}
	return parts
}

// Keywords implements [providers.Keyworder]: the presets of this kind.
func (*OIDC) Keywords() []string { return presetNames(kindOIDC) }

// IsKeyword implements [providers.Keyworder].
func (*OIDC) IsKeyword(word string) bool { return isPresetOf(kindOIDC, word) }

// Keywords implements [providers.Keyworder]: the presets of this kind.
func (*OAuth2) Keywords() []string { return presetNames(kindOAuth2) }

// IsKeyword implements [providers.Keyworder].
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
	return ok && row.Kind == kind
}

var (
	_ providers.Teller    = (*OIDC)(nil)
	_ providers.Teller    = (*OAuth2)(nil)
	_ providers.Keyworder = (*OIDC)(nil)
	_ providers.Keyworder = (*OAuth2)(nil)
)
