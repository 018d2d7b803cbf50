package oauth

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// preset is one row of the table of known providers: what doesn't depend on
// who runs the site. A new kind of peculiarity is a new field of [presets.Preset]
// (or of ClientConfig, where an operator can want it too) and one place that acts
// on it, never a test for a provider's name.
//
// The fields are those of [presets.Preset] and [presets.Config], which say what they
// mean, in the form in which the code of this package uses them.
type preset struct {
	// aliasOf is the row that this one has another name for, empty for a row itself.
	aliasOf string
	name    string
	kind    string
	// config is what holds where the operator says nothing else. Its Issuer is
	// where discovery starts; for an oauth2 row, what the provider may send as
	// iss (RFC 9207), and the address of a product that people install.
	config           ClientConfig
	issuerExample    string
	issuerSuffix     string
	hosts            []string
	options          []presetOption
	attests          []attestation
	unrestricting    map[string]string
	paramsInClientID bool

	// The defaults of the fields of OAuth2 and OIDC with these names.
	emailEndpoint     string
	idTokenAlg        string
	userinfoAlg       string
	trustedAudiences  []string
	issuerTemplate    string
	discoveryEndpoint string
	discoveryParams   map[string]string

	responseType, grantType string
	commaScopes             bool
	scopePrefix             string
	foldScopes              bool
	tokenByGET              bool
	signedSecret            *signedSecret

	public        bool
	verifiesEmail bool

	differs, note string
}

// attestation says where a provider attests what an authorization parameter asks
// for. The request goes through the visitor's address bar, so the parameter alone
// restricts nobody: what comes back is compared with it.
type attestation struct {
	// name is the parameter's, or that of a row's option which is none.
	name string
	// prefix begins the values that this is about. One that ends in a colon is no
	// part of what is compared.
	prefix string
	// claim is where the provider attests it, as in a profile.Map; empty: nowhere.
	claim string
	// forbidden is a value that must not be attested, in place of the one asked for.
	forbidden string
	// fold compares without regard to the case of ASCII letters.
	fold bool
	// any says that the value * asks for some value, whichever it is.
	any bool
	// lists says that the claim lists what somebody is a member of: one of its
	// values suffices. Elsewhere all of a list's must be wanted.
	lists bool
	// limitsTenant says that not anyone in the world comes in where a value holds.
	limitsTenant bool
}

// signedSecret says how a row's client secret is made: a token signed with the
// client's private key by alg.
type signedSecret struct{ issuer, audience, alg string }

// presetOption is a value that a row needs to know from the operator.
type presetOption struct {
	name string
	// use says what it is.
	use string
	// value is the default.
	value    string
	required bool
	// oneOf says that at least one of the row's options of this sort is needed.
	oneOf bool
	// choices are the values that it may have, and what each stands for in the
	// row's texts. Without any, the value stands for itself.
	choices map[string]map[string]string
	// public are the values with which anyone in the world can come in; with
	// others, only some can.
	public []string
}

// wholeIssuer adds what customers of the vendor leave out of its issuer.
func (row preset) wholeIssuer(issuer string) string {
	if issuer == "" || row.issuerSuffix == "" || isDynamic(issuer) || strings.HasSuffix(issuer, row.issuerSuffix) {
		return issuer
	}
	return strings.TrimSuffix(issuer, "/") + row.issuerSuffix
}

// resolved returns the row's defaults for c: its texts filled in, and without
// endpoints that c must not have.
func (row preset) resolved(c ClientConfig) ClientConfig {
	values := row.values(c)
	defaults := values.fillConfig(row.config)
	if row.selfHosted(c) {
		defaults.Issuer, defaults.ClientAssertionAudience = "", ""
		defaults.AuthorizationEndpoint, defaults.TokenEndpoint, defaults.UserinfoEndpoint = "", "", ""
	}
	return defaults
}

// values are what stands for the names in the row's texts.
func (row preset) values(c ClientConfig) texts {
	values := texts{"client_id": c.ClientID}
	for _, option := range row.options {
		written := cmp.Or(c.Options[option.name], option.value)
		if option.choices == nil && (written != "" || !option.required) {
			values[option.name] = written
		}
		maps.Copy(values, option.choices[written])
	}
	if issuer := cmp.Or(c.Issuer, values.fill(row.config.Issuer)); issuer != "" {
		values["issuer"] = strings.TrimSuffix(issuer, "/")
	}
	return values
}

// selfHosted says that c moves the row to another host: an installation of
// one's own. It then gets none of the row's endpoints, for a secret, code or
// token of the one must never be sent to the other.
func (row preset) selfHosted(c ClientConfig) bool {
	values := row.values(c)
	if row.kind == kindOIDC {
		return c.Issuer != "" && c.Issuer != values.fill(row.config.Issuer)
	}
	vendor := hosts(values.fillAll(append(slices.Clone(row.hosts),
		row.config.AuthorizationEndpoint, row.config.TokenEndpoint, row.config.UserinfoEndpoint))...)
	for host := range hosts(c.AuthorizationEndpoint, c.TokenEndpoint, c.UserinfoEndpoint) {
		if _, ok := vendor[host]; !ok {
			return true
		}
	}
	return false
}

// isPublic says that anyone in the world can have an account at c's provider.
func (row preset) isPublic(c ClientConfig) bool {
	if !row.public || row.kind == kindOAuth2 && row.selfHosted(c) {
		return false
	}
	if row.config.Issuer == "" {
		return true
	}
	candidates := []ClientConfig{{}}
	for _, option := range row.options {
		for _, value := range option.public {
			candidates = append(candidates, ClientConfig{Options: map[string]string{option.name: value}})
		}
	}
	return slices.ContainsFunc(candidates, func(candidate ClientConfig) bool {
		return row.values(candidate).fill(row.config.Issuer) == c.Issuer
	})
}

// missingHint explains why a field that every provider of the kind needs isn't
// there.
func (row preset) missingHint(field string, c *ClientConfig) string {
	switch {
	case row.name == "":
		return ""
	case field == "issuer":
		return ": write issuer <url>, such as " + row.issuerExample
	case row.selfHosted(*c):
		return ": another endpoint is at a host of your own, so every endpoint must be written"
	}
	return ": " + row.name + " has none that is everybody's, so write " + field + " <url>"
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
