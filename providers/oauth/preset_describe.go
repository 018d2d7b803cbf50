package oauth

import (
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// PresetInfo describes one row of the table of known providers to people who
// write a configuration. docs/providers.md is made of these.
type PresetInfo struct {
	// Name is the keyword in the Caddyfile, and the default id.
	Name string
	// Aliases are other keywords of the same row.
	Aliases []string
	// Display is what people read on the button.
	Display string
	// Kind is the guest module: oidc or oauth2.
	Kind string
	// Public says that anyone in the world can have an account there.
	Public bool
	// Options are what the row asks for, besides client_id and client_secret.
	Options []PresetOption
	// Scopes are asked for by default.
	Scopes []string
	// Profile says where the parts of a profile are read.
	Profile profile.Map
	// VerifiedBy says what makes an address count as verified, empty when
	// nothing does.
	VerifiedBy string
	// FormPost says that the provider posts its answer.
	FormPost bool
	// ClientAuth is how the client proves itself.
	ClientAuth string
	// Restrictions say what holds the options and parameters that restrict who
	// comes in.
	Restrictions []PresetRestriction
	// LeftOut are the checks that the row doesn't make.
	LeftOut []string
	// Differs says what is otherwise than in NextAuth; Note is what else to know.
	Differs, Note string
}

// PresetOption is an option of a preset.
type PresetOption struct {
	// Name is how the option is written, Use what it is.
	Name, Use string
	// Default is used when the option isn't written.
	Default string
	// Required says that the row doesn't work without it.
	Required bool
}

// PresetRestriction is an option or a parameter of a preset that restricts who
// comes in, or looks so.
type PresetRestriction struct {
	// Name is the option's or parameter's.
	Name string
	// Prefix begins the values that this is about, empty for all others.
	Prefix string
	// At is where the vendor attests what it is compared with; Not a value that
	// must not stand there. Both are empty where nothing is compared.
	At, Not string
	// Any says that the value * asks for some value, whichever it is.
	Any bool
	// Why says why nothing needs to be compared; empty where the option or
	// parameter is no restriction at all.
	Why string
}

// Presets describes all rows, sorted by name.
func Presets() []PresetInfo {
	var all []PresetInfo
	aliases := make(map[string][]string)
	for _, name := range PresetNames() {
		row, _ := lookUp(name)
		if row.AliasOf != "" {
			aliases[row.AliasOf] = append(aliases[row.AliasOf], name)
			continue
		}
		all = append(all, describe(name, row))
	}
	for i := range all {
		all[i].Aliases = aliases[all[i].Name]
	}
	return all
}

func describe(name string, row preset) PresetInfo {
	defaults := row.defaults
	fill(&defaults, kindDefaults[row.Kind])
	info := PresetInfo{
		Name: name, Display: row.Name, Kind: row.Kind, Public: row.Public,
		Scopes: row.values(ClientConfig{}).fillAll(row.defaults.Scopes), Profile: defaults.Profile, VerifiedBy: row.verifiedBy(defaults.Profile),
		FormPost:   row.defaults.Params["response_mode"] == "form_post",
		ClientAuth: defaults.ClientAuth, Differs: row.Differs, Note: row.Note,
	}
	for _, check := range kindDefaults[row.Kind].Checks {
		if !slices.Contains(defaults.Checks, check) {
			info.LeftOut = append(info.LeftOut, check)
		}
	}
	info.Options, info.Restrictions = row.describeOptions(defaults), row.describeRestrictions()
	return info
}

func (row preset) describeOptions(defaults ClientConfig) []PresetOption {
	var options []PresetOption
	if row.IssuerExample != "" {
		options = append(options, PresetOption{Name: "issuer", Use: "such as " + row.IssuerExample, Required: true})
	}
	if strings.Contains(row.defaults.AuthorizationEndpoint, "{issuer}") && row.IssuerExample == "" {
		options = append(options, PresetOption{Name: "issuer", Use: "the address of an installation of your own", Default: row.defaults.Issuer})
	}
	if row.SignedSecret != nil {
		options = append(options,
			PresetOption{Name: "private_key", Use: "the key that signs the client secret, as {file.PATH}", Required: true},
			PresetOption{Name: "key_id", Use: "its id", Required: true})
	}
	if row.Kind == kindOAuth2 && defaults.UserinfoEndpoint == "" {
		options = append(options, PresetOption{Name: "userinfo_endpoint", Use: "where the profile is read", Required: true})
	}
	for _, option := range row.Options {
		options = append(options, PresetOption{Name: option.Name, Use: option.Use, Default: option.Default, Required: option.Required})
	}
	return options
}

func (row preset) describeRestrictions() []PresetRestriction {
	all := make([]PresetRestriction, 0, len(row.Attests)+len(row.Unrestricting))
	for _, one := range row.Attests {
		all = append(all, PresetRestriction{Name: one.Name, Prefix: one.Prefix, At: one.Claim, Not: one.Forbidden, Any: one.Any})
	}
	for _, name := range sortedKeys(row.Unrestricting) {
		all = append(all, PresetRestriction{Name: name, Why: row.Unrestricting[name]})
	}
	return all
}

// verifiedBy names what says that an address is verified.
func (row preset) verifiedBy(mapped profile.Map) string {
	switch {
	case mapped.Email == profile.Off:
		return ""
	case row.Config.EmailEndpoint != "":
		return "the list of addresses"
	case mapped.EmailVerified == profile.Off:
		return ""
	case mapped.EmailVerified != "":
		return mapped.EmailVerified
	case row.Kind == kindOIDC && slices.Contains(strings.Split(mapped.Email, "|"), "email"):
		return "email_verified"
	}
	return ""
}
