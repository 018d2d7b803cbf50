package providers

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
)

//go:generate go run ./presetdoc ../docs

// preset is one row of the table of known providers: what doesn't depend on
// who runs the site. A new kind of peculiarity is a new field here (or of
// ClientConfig, where an operator can want it too) and one place that acts on
// it, never a test for a provider's name.
//
// Its texts may hold {issuer}, without a slash at its end, {client_id}, and the
// names of options.
type preset struct {
	// name is the display name.
	name string
	// kind is the guest module that the row configures.
	kind string
	// config is what holds where the operator says nothing else. Its Issuer is
	// where discovery starts; for an oauth2 row, what the provider may send as
	// iss (RFC 9207), and the address of a product that people install.
	config ClientConfig
	// issuerExample is set where the operator must say the issuer.
	issuerExample string
	// issuerSuffix ends an issuer whose customers know the part before it.
	issuerSuffix string
	// hosts are further addresses of the vendor, beside those of config.
	hosts   []string
	options []presetOption
	// attests says where the vendor attests what parameters and options ask for:
	// the first that fits counts. unrestricting are those that restrict nobody, or that
	// something else holds, and why: they need no comparison.
	attests       []attestation
	unrestricting map[string]string
	// paramsInClientID says that a client id may be a query of parameters.
	paramsInClientID bool

	// The defaults of the fields of OAuth2 and OIDC with these names.
	emailEndpoint     string
	idTokenAlg        string
	userinfoAlg       string
	trustedAudiences  []string
	issuerTemplate    string
	discoveryEndpoint string
	discoveryParams   map[string]string

	// responseType and grantType are the vendor's words for code and
	// authorization_code.
	responseType, grantType string
	// commaScopes: the token answer has commas between scopes.
	commaScopes bool
	// scopePrefix is what the token answer may put before the name of a scope.
	scopePrefix string
	// foldScopes: the token answer may write scopes in another case of ASCII letters.
	foldScopes bool
	// tokenByGET has the token request go out as a GET, the secret in its URL.
	tokenByGET bool
	// signedSecret makes the client secret from a private key.
	signedSecret *signedSecret

	// public says that anyone in the world can have an account there.
	public bool
	// verifiesEmail says that the vendor hands out verified addresses only,
	// without saying so in each answer.
	verifiesEmail bool

	// differs says what is otherwise than in NextAuth, and why; note is what
	// else an operator should know. Both are for docs/providers.md.
	differs, note string
}

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

// presets is the table, by the name that stands in the Caddyfile. These are
// NextAuth's provider ids.
var presets = table(presetsOIDC, presetsOIDCOwn, presetsOAuth2A, presetsOAuth2M, presetsOAuth2S)

// alias is another id of a row, with the display name that goes with it.
type alias struct{ of, name string }

// aliases are the other ids that NextAuth's versions have for the same provider.
var aliases = map[string]alias{
	"azure-ad":               {"microsoft-entra-id", "Azure Active Directory"},
	"duende-identityserver6": {"duende-identity-server6", "DuendeIdentityServer6"},
}

func table(parts ...map[string]preset) map[string]preset {
	all := make(map[string]preset)
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

// lookUp returns the row of a preset's name or alias.
func lookUp(name string) (preset, bool) {
	other, isAlias := aliases[name]
	if !isAlias {
		row, ok := presets[name]
		return row, ok
	}
	row, ok := presets[other.of]
	row.name = other.name
	return row, ok
}

// PresetNames returns the names of all presets, sorted.
func PresetNames() []string {
	return slices.Sorted(maps.Keys(allRows()))
}

// allRows are the rows by name and alias.
func allRows() map[string]preset {
	rows := maps.Clone(presets)
	for name := range aliases {
		rows[name], _ = lookUp(name)
	}
	return rows
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
