package oauth

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/providers/presets"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// preset is one row of the table of known providers: what doesn't depend on
// who runs the site. A new kind of peculiarity is a new field of [presets.Preset]
// (or of ClientConfig, where an operator can want it too) and one place that acts
// on it, never a test for a provider's name.
type preset struct {
	presets.Preset
	// defaults are those of Config that a ClientConfig holds. The Issuer is where
	// discovery starts; for an oauth2 row, what the provider may send as iss (RFC
	// 9207), and the address of a product that people install.
	defaults ClientConfig
}

// wholeIssuer adds what customers of the vendor leave out of its issuer.
func (row preset) wholeIssuer(issuer string) string {
	if issuer == "" || row.IssuerSuffix == "" || isDynamic(issuer) || strings.HasSuffix(issuer, row.IssuerSuffix) {
		return issuer
	}
	return strings.TrimSuffix(issuer, "/") + row.IssuerSuffix
}

// resolved returns the row's defaults for c: its texts filled in, and without
// endpoints that c must not have.
func (row preset) resolved(c ClientConfig) ClientConfig {
	values := row.values(c)
	defaults := values.fillConfig(row.defaults)
	if row.selfHosted(c) {
		defaults.Issuer, defaults.ClientAssertionAudience = "", ""
		defaults.AuthorizationEndpoint, defaults.TokenEndpoint, defaults.UserinfoEndpoint = "", "", ""
	}
	return defaults
}

// values are what stands for the names in the row's texts.
func (row preset) values(c ClientConfig) texts {
	values := texts{"client_id": c.ClientID}
	for _, option := range row.Options {
		written := cmp.Or(c.Options[option.Name], option.Default)
		if option.Choices == nil && (written != "" || !option.Required) {
			values[option.Name] = written
		}
		maps.Copy(values, option.Choices[written])
	}
	if issuer := cmp.Or(c.Issuer, values.fill(row.defaults.Issuer)); issuer != "" {
		values["issuer"] = strings.TrimSuffix(issuer, "/")
	}
	return values
}

// selfHosted says that c moves the row to another host: an installation of
// one's own. It then gets none of the row's endpoints, for a secret, code or
// token of the one must never be sent to the other.
func (row preset) selfHosted(c ClientConfig) bool {
	values := row.values(c)
	if row.Kind == kindOIDC {
		return c.Issuer != "" && c.Issuer != values.fill(row.defaults.Issuer)
	}
	vendor := hosts(values.fillAll(append(slices.Clone(row.Hosts),
		row.defaults.AuthorizationEndpoint, row.defaults.TokenEndpoint, row.defaults.UserinfoEndpoint))...)
	for host := range hosts(c.AuthorizationEndpoint, c.TokenEndpoint, c.UserinfoEndpoint) {
		if _, ok := vendor[host]; !ok {
			return true
		}
	}
	return false
}

// isPublic says that anyone in the world can have an account at c's provider.
func (row preset) isPublic(c ClientConfig) bool {
	if !row.Public || row.Kind == kindOAuth2 && row.selfHosted(c) {
		return false
	}
	if row.defaults.Issuer == "" {
		return true
	}
	candidates := []ClientConfig{{}}
	for _, option := range row.Options {
		for _, value := range option.Public {
			candidates = append(candidates, ClientConfig{Options: map[string]string{option.Name: value}})
		}
	}
	return slices.ContainsFunc(candidates, func(candidate ClientConfig) bool {
		return row.values(candidate).fill(row.defaults.Issuer) == c.Issuer
	})
}

// missingHint explains why a field that every provider of the kind needs isn't
// there.
func (row preset) missingHint(field string, c *ClientConfig) string {
	switch {
	case row.Name == "":
		return ""
	case field == "issuer":
		return ": write issuer <url>, such as " + row.IssuerExample
	case row.selfHosted(*c):
		return ": another endpoint is at a host of your own, so every endpoint must be written"
	}
	return ": " + row.Name + " has none that is everybody's, so write " + field + " <url>"
}

// hosts returns the hosts of those URLs that are set.
func hosts(urls ...string) map[string]struct{} {
	found := make(map[string]struct{})
	for _, raw := range urls {
		if raw == "" || raw == profile.Off {
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
