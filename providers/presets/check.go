package presets

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
)

const (
	off   = "off"
	state = "state"
	nonce = "nonce"
)

// The algorithms of signatures (RFC 7518 section 3.1, RFC 8037): those of key pairs, and
// those that an ID token may have, among them the one whose key is the client secret.
var (
	keyPairAlgs = []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA"}
	idTokenAlgs = []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA", "HS256"}
)

// enumerations are the values that the strings of a key may have, by the key's path.
var enumerations = map[string][]string{
	"kind":                                {OIDC, OAuth2},
	"config.client_auth":                  {"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"},
	"config.checks":                       {"pkce", state, nonce},
	"config.userinfo_method":              {"GET", "POST"},
	"config.id_token_signed_response_alg": idTokenAlgs,
	"config.userinfo_signed_response_alg": keyPairAlgs,
	"signed_secret.alg":                   keyPairAlgs,
}

// ofKind are the keys that are for one kind alone, by path.
var ofKind = map[string]string{
	"config.issuer_template":              OIDC,
	"config.discovery_endpoint":           OIDC,
	"config.discovery_params":             OIDC,
	"config.id_token_signed_response_alg": OIDC,
	"config.userinfo_signed_response_alg": OIDC,
	"config.trusted_audiences":            OIDC,
	"config.email_endpoint":               OAuth2,
}

// check finds what can't be meant. written is the file as it stands.
func (p *Preset) check(written map[string]any) error {
	if p.AliasOf != "" {
		if p.Name == "" || !reflect.DeepEqual(*p, Preset{Schema: p.Schema, AliasOf: p.AliasOf, Name: p.Name}) {
			return errors.New("an alias has a name and nothing else")
		}
		return nil
	}
	wrong := []error{p.checkPresence(), p.checkChecks(), p.checkOptions(), p.checkAttestations()}
	names := p.templateNames()
	used := make(map[string]bool)
	walk("", written, func(path, text string) {
		wrong = append(wrong, p.checkText(path, text, names, used))
	})
	for _, path := range slices.Sorted(maps.Keys(p.Why)) {
		if find(written, path) == nil {
			wrong = append(wrong, fmt.Errorf("why has %s, which isn't there", path))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(ofKind)) {
		if kind := ofKind[path]; kind != p.Kind && find(written, path) != nil {
			wrong = append(wrong, fmt.Errorf("%s is for %s alone", path, kind))
		}
	}
	for _, option := range p.Options {
		if !slices.ContainsFunc(option.stands(), func(name string) bool { return used[name] }) {
			wrong = append(wrong, fmt.Errorf("nothing uses the option %s", option.Name))
		}
	}
	return errors.Join(wrong...)
}

func (p *Preset) checkPresence() error {
	profile := p.Config.Profile
	for _, part := range []struct{ key, value string }{
		{"name", p.Name},
		{"kind", p.Kind},
		{"differs", p.Differs},
		{"config.profile.id", profile.ID},
		{"config.profile.name", profile.Name},
		{"config.profile.email", profile.Email},
		{"config.profile.image", profile.Image},
		{"config.profile.groups", profile.Groups},
	} {
		if part.value == "" {
			return fmt.Errorf("%s is missing", part.key)
		}
	}
	hasIssuer, hasExample := p.Config.Issuer != "", p.IssuerExample != ""
	switch {
	case profile.ID == off:
		return errors.New("config.profile.id can't be off")
	case hasIssuer && hasExample:
		return errors.New("issuer_example stands beside an issuer that is everybody's")
	case p.Kind == OIDC && !hasIssuer && !hasExample:
		return errors.New("config.issuer or issuer_example is missing")
	case p.Kind == OAuth2 && (p.Config.AuthorizationEndpoint == "" || p.Config.TokenEndpoint == ""):
		return errors.New("config.authorization_endpoint or config.token_endpoint is missing")
	}
	return nil
}

func (p *Preset) checkChecks() error {
	switch {
	case p.Config.Checks != nil && !slices.Contains(p.Config.Checks, state):
		return errors.New("config.checks lacks state")
	case p.Kind == OAuth2 && slices.Contains(p.Config.Checks, nonce):
		return errors.New("config.checks has nonce, which is for oidc alone")
	}
	return nil
}

// Option values become parts of host names, paths and headers, under these names.
var optionName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func (p *Preset) checkOptions() error {
	seen := make(map[string]bool)
	for _, option := range p.Options {
		if !optionName.MatchString(option.Name) || seen[option.Name] {
			return fmt.Errorf("the option %q is there twice, or its name isn't in lower case", option.Name)
		}
		seen[option.Name] = true
		if option.Use == "" {
			return fmt.Errorf("the option %s doesn't say what it is", option.Name)
		}
		_, isChoice := option.Choices[option.Default]
		if option.Choices != nil && option.Default != "" && !isChoice {
			return fmt.Errorf("the default of the option %s is none of its choices", option.Name)
		}
		for choice, replacements := range option.Choices {
			if !slices.Equal(slices.Sorted(maps.Keys(replacements)), option.stands()) {
				return fmt.Errorf("the choice %s of the option %s has other names than the others", choice, option.Name)
			}
		}
	}
	return nil
}

// stands are the names in templates that the option replaces, sorted: those of its
// first choice, for all have the same.
func (o *Option) stands() []string {
	if len(o.Choices) == 0 {
		return []string{o.Name}
	}
	first := slices.Min(slices.Collect(maps.Keys(o.Choices)))
	return slices.Sorted(maps.Keys(o.Choices[first]))
}

func (p *Preset) checkAttestations() error {
	for _, one := range p.Attests {
		if one.Name == "" || one.Claim == "" && (one.Forbidden != "" || one.CaseInsensitive || one.Any || one.Lists || one.LimitsTenant) {
			return fmt.Errorf("attests says how %q is compared, but not what or with what", one.Name)
		}
	}
	for name, why := range p.Unrestricting {
		_, isParam := p.Config.Params[name]
		isOption := slices.ContainsFunc(p.Options, func(option Option) bool { return option.Name == name })
		if why == "" || !isParam && !isOption {
			return fmt.Errorf("unrestricting has %s, which nothing asks for, or doesn't say why", name)
		}
	}
	return nil
}
