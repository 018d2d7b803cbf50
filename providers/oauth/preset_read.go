package oauth

import (
	"sync"

	"github.com/caddy-signin/caddy-signin/providers/presets"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// rows keeps the rows that were looked up, by name: loading a configuration asks for
// each many times, and starting up must not decode them all.
var rows sync.Map

// lookUp returns the row of a preset's name or alias.
func lookUp(name string) (preset, bool) {
	if known, ok := rows.Load(name); ok {
		return known.(preset), true
	}
	read, ok := presets.Get(name)
	if !ok {
		return preset{}, false
	}
	row := rowOf(read)
	rows.Store(name, row)
	return row, true
}

// PresetNames returns the names of all presets, sorted.
func PresetNames() []string { return presets.IDs() }

func rowOf(p presets.Preset) preset {
	row := preset{
		aliasOf: p.AliasOf, name: p.Name, kind: p.Kind, config: configOf(p.Config),
		issuerExample: p.IssuerExample, issuerSuffix: p.IssuerSuffix, hosts: p.Hosts,
		unrestricting: p.Unrestricting, paramsInClientID: p.ParamsInClientID,

		emailEndpoint: p.Config.EmailEndpoint, idTokenAlg: p.Config.IDTokenSignedResponseAlg,
		userinfoAlg: p.Config.UserinfoSignedResponseAlg, trustedAudiences: p.Config.TrustedAudiences,
		issuerTemplate: p.Config.IssuerTemplate, discoveryEndpoint: p.Config.DiscoveryEndpoint,
		discoveryParams: p.Config.DiscoveryParams,

		responseType: p.ResponseType, grantType: p.GrantType, commaScopes: p.CommaScopes,
		scopePrefix: p.ScopePrefix, foldScopes: p.CaseInsensitiveScopes, tokenByGET: p.TokenByGET,

		public: p.Public, verifiesEmail: p.VerifiesEmail, differs: p.Differs, note: p.Note,
	}
	if s := p.SignedSecret; s != nil {
		row.signedSecret = &signedSecret{issuer: s.Issuer, audience: s.Audience, alg: s.Alg}
	}
	for _, o := range p.Options {
		row.options = append(row.options, presetOption{
			name: o.Name, use: o.Use, value: o.Default, required: o.Required,
			oneOf: o.OneOf, choices: o.Choices, public: o.Public,
		})
	}
	for _, a := range p.Attests {
		row.attests = append(row.attests, attestation{
			name: a.Name, prefix: a.Prefix, claim: a.Claim, forbidden: a.Forbidden,
			fold: a.CaseInsensitive, any: a.Any, lists: a.Lists, limitsTenant: a.LimitsTenant,
		})
	}
	return row
}

// configOf returns those defaults that a ClientConfig holds.
func configOf(c presets.Config) ClientConfig {
	return ClientConfig{
		ClientAuth:              c.ClientAuth,
		ClientAssertionAudience: c.ClientAssertionAudience,
		Issuer:                  c.Issuer,
		AuthorizationEndpoint:   c.AuthorizationEndpoint,
		TokenEndpoint:           c.TokenEndpoint,
		UserinfoEndpoint:        c.UserinfoEndpoint,
		Scopes:                  c.Scopes,
		ScopeSeparator:          c.ScopeSeparator,
		ScopeNames:              c.ScopeNames,
		EmptyScope:              c.EmptyScope,
		Params:                  c.Params,
		ParamNames:              c.ParamNames,
		TokenParams:             c.TokenParams,
		TokenTypeOptional:       c.TokenTypeOptional,
		UserinfoMethod:          c.UserinfoMethod,
		UserinfoParams:          c.UserinfoParams,
		UserinfoHeaders:         c.UserinfoHeaders,
		UserinfoBody:            c.UserinfoBody,
		Checks:                  c.Checks,
		Profile:                 profile.Map(c.Profile),
	}
}
