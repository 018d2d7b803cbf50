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
	row := preset{Preset: read, defaults: clientDefaults(read.Config)}
	rows.Store(name, row)
	return row, true
}

// PresetNames returns the names of all presets, sorted.
func PresetNames() []string { return presets.IDs() }

// clientDefaults returns those defaults that a ClientConfig holds.
func clientDefaults(c presets.Config) ClientConfig {
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
