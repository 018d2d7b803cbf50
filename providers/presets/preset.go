package presets

// The kinds of provider that a preset can be of.
const (
	OIDC   = "oidc"
	OAuth2 = "oauth2"
)

// Preset is what is known of a provider, whoever runs the site: the content of a
// file of this package, with its keys in this order.
//
// Some texts are templates, in which names in braces are replaced: {issuer}, the
// issuer without a slash at its end, {client_id}, and each of the options. These are
// hosts, issuer of signed_secret, and in config the issuer, the endpoints except
// email_endpoint, issuer_template, client_assertion_audience, scopes, params,
// discovery_params, userinfo_params and userinfo_headers. An entry of such params or
// headers that comes out empty is left out.
type Preset struct {
	// The JSON schema of the file, for editors: ./schema.json.
	Schema string `json:"$schema,omitempty"`
	// The preset of which this file's id is another name. Such a file has a name of
	// its own and nothing else.
	AliasOf string `json:"alias_of,omitempty"`
	// What people read on the sign-in button.
	Name string `json:"name"`
	// The type of provider.
	Kind string `json:"kind,omitempty"`
	// Anyone in the world can have an account there.
	Public bool `json:"public,omitempty"`

	// An issuer such as the operator must write. It stands where there is no issuer
	// that is everybody's.
	IssuerExample string `json:"issuer_example,omitempty"`
	// The end of every issuer, which the operator may leave out.
	IssuerSuffix string `json:"issuer_suffix,omitempty"`
	// Further addresses of the vendor, beside those of config. An endpoint that the
	// operator writes for another host makes it an installation of the operator's own,
	// which gets none of the endpoints here.
	Hosts []string `json:"hosts,omitempty"`
	// Values that are asked of the operator, besides those of every provider.
	Options []Option `json:"options,omitempty"`
	// What holds where the operator writes nothing else.
	Config Config `json:"config,omitzero"`

	// How the client secret is made from the operator's private key, for vendors that
	// give out a key in place of a secret.
	SignedSecret *SignedSecret `json:"signed_secret,omitempty"`
	// A client id may be a query of parameters, such as tenant=acme&product=app.
	ParamsInClientID bool `json:"params_in_client_id,omitempty"`
	// The vendor's word for the response type code (RFC 6749 section 3.1.1).
	ResponseType string `json:"response_type,omitempty"`
	// The vendor's word for the grant type authorization_code (RFC 6749 section 4.1.3).
	GrantType string `json:"grant_type,omitempty"`
	// The token request goes out as a GET, with the client secret in its URL.
	TokenByGET bool `json:"token_by_get,omitempty"`
	// The token answer separates scopes by commas too, where RFC 6749 section 3.3 has
	// spaces alone.
	CommaScopes bool `json:"comma_scopes,omitempty"`
	// What the token answer may put before the name of a scope.
	ScopePrefix string `json:"scope_prefix,omitempty"`
	// The token answer may write scopes in another case of ASCII letters.
	CaseInsensitiveScopes bool `json:"case_insensitive_scopes,omitempty"`

	// Where the vendor attests what options and parameters ask for. The first that fits
	// a value counts.
	Attests []Attestation `json:"attests,omitempty"`
	// Options and parameters that need not be attested, because they restrict nobody or
	// something else holds them: why, by name.
	Unrestricting map[string]string `json:"unrestricting,omitempty"`

	// Why a value of this file is as it is, by the path of its key, such as
	// config.checks: what the next reader can't see from the value.
	Why map[string]string `json:"why,omitempty"`
	// What is otherwise than in NextAuth, and why, for docs/compatibility.md.
	Differs string `json:"differs,omitempty"`
	// What else an operator should know, for docs/providers.md.
	Note string `json:"note,omitempty"`
}

// Config holds defaults of options that every provider has, which the operator may
// override. The keys are those of the configuration (docs/configuration.md).
type Config struct {
	// The issuer identifier. The discovery of an oidc provider starts from it; an oauth2
	// provider compares it with the iss that comes back (RFC 9207).
	Issuer string `json:"issuer,omitempty"`
	// The issuer of a provider that has one for each tenant, with {tenantid} for the
	// tenant's id. For oidc alone.
	IssuerTemplate string `json:"issuer_template,omitempty"`
	// Where the discovery document is, unless it is at /.well-known/openid-configuration
	// below the issuer. For oidc alone.
	DiscoveryEndpoint string `json:"discovery_endpoint,omitempty"`
	// Further query parameters of the request for the discovery document. For oidc alone.
	DiscoveryParams map[string]string `json:"discovery_params,omitempty"`
	// Where the browser is sent. Required for oauth2.
	AuthorizationEndpoint string `json:"authorization_endpoint,omitempty"`
	// Where the code is exchanged. Required for oauth2.
	TokenEndpoint string `json:"token_endpoint,omitempty"`
	// Where the profile is read. {access_token} and {token_response.<path>} are replaced
	// too, here and in userinfo_params and userinfo_headers.
	UserinfoEndpoint string `json:"userinfo_endpoint,omitempty"`
	// Where the person's addresses are listed, in GitHub's form. For oauth2 alone.
	EmailEndpoint string `json:"email_endpoint,omitempty"`
	// How the client proves itself at the token endpoint. Default: client_secret_basic.
	ClientAuth string `json:"client_auth,omitempty"`
	// The aud of the client's assertion (RFC 7523 section 3).
	ClientAssertionAudience string `json:"client_assertion_audience,omitempty"`
	// What binds the callback to the browser and the request. Default: all.
	Checks []string `json:"checks,omitempty"`
	// The scopes to ask for.
	Scopes []string `json:"scopes,omitempty"`
	// What stands between scopes in the request. Default: a space.
	ScopeSeparator string `json:"scope_separator,omitempty"`
	// What the token answer calls a scope, by the name under which it is asked for;
	// alternatives are separated by "|", and "off" is for a scope that is never listed.
	ScopeNames map[string]string `json:"scope_names,omitempty"`
	// Send an empty scope parameter where there are no scopes.
	EmptyScope bool `json:"empty_scope,omitempty"`
	// Further parameters of the authorization request.
	Params map[string]string `json:"params,omitempty"`
	// The vendor's names for client_id, client_secret and code.
	ParamNames map[string]string `json:"param_names,omitempty"`
	// Further parameters of the token request.
	TokenParams map[string]string `json:"token_params,omitempty"`
	// The token answer may lack token_type, which RFC 6749 section 5.1 requires.
	TokenTypeOptional bool `json:"token_type_optional,omitempty"`
	// How the profile is asked for. Default: GET, or POST with userinfo_body.
	UserinfoMethod string `json:"userinfo_method,omitempty"`
	// Further query parameters of the userinfo request.
	UserinfoParams map[string]string `json:"userinfo_params,omitempty"`
	// Further headers of the userinfo request.
	UserinfoHeaders map[string]string `json:"userinfo_headers,omitempty"`
	// The JSON body of the userinfo request, sent as it is.
	UserinfoBody string `json:"userinfo_body,omitempty"`
	// The one algorithm of ID tokens. For oidc alone.
	IDTokenSignedResponseAlg string `json:"id_token_signed_response_alg,omitempty"`
	// The one algorithm of a userinfo answer that is a JWT. For oidc alone.
	UserinfoSignedResponseAlg string `json:"userinfo_signed_response_alg,omitempty"`
	// Audiences that an ID token may name besides the client, "*" for any. For oidc alone.
	TrustedAudiences []string `json:"trusted_audiences,omitempty"`
	// Where in the vendor's claims the parts of a profile stand.
	Profile Profile `json:"profile"`
}

// Profile says where in the claims each part of a profile stands: paths such as
// contact.email, alternatives of which are separated by "|". "off" reads nothing.
type Profile struct {
	// The immutable identifier.
	ID string `json:"id"`
	// The name that people read. Parts are joined by "+".
	Name string `json:"name"`
	// The e-mail address.
	Email string `json:"email"`
	// The flag that says that the address is verified. Default: for oidc, the claim
	// email_verified beside a claim called email.
	EmailVerified string `json:"email_verified,omitempty"`
	// The picture: a path, or a URL with paths in braces.
	Image string `json:"image"`
	// The groups.
	Groups string `json:"groups"`
}

// Option is a value that a preset asks of the operator.
type Option struct {
	// The name of the option, and of its place in templates.
	Name string `json:"name"`
	// What it is, for docs/providers.md.
	Use string `json:"use"`
	// The value where none is written.
	Default string `json:"default,omitempty"`
	// It must be written.
	Required bool `json:"required,omitempty"`
	// Of all options that say so, one at least must be written.
	OneOf bool `json:"one_of,omitempty"`
	// The values that it may have. Each stands for several names and their replacements
	// in templates; without any, the value replaces the option's own name.
	Choices map[string]map[string]string `json:"choices,omitempty"`
	// The values with which anyone in the world can come in. With others, only some can.
	Public []string `json:"public,omitempty"`
}

// Attestation says where the vendor attests what an authorization parameter asks for.
// The request goes through the visitor's address bar, so the parameter alone restricts
// nobody.
type Attestation struct {
	// The parameter, or an option that is none.
	Name string `json:"name"`
	// The beginning of the values that this is about. One that ends in a colon is no part
	// of what is compared.
	Prefix string `json:"prefix,omitempty"`
	// The path of the claim that attests it. Without one, nothing does.
	Claim string `json:"claim,omitempty"`
	// A value that must not be attested, in place of the one asked for.
	Forbidden string `json:"forbidden,omitempty"`
	// ASCII letters are compared in any case.
	CaseInsensitive bool `json:"case_insensitive,omitempty"`
	// The value * asks for some value, whichever it is.
	Any bool `json:"any,omitempty"`
	// The claim lists what somebody is a member of: one of its values suffices. Elsewhere
	// all of them must be wanted.
	Lists bool `json:"lists,omitempty"`
	// Where a value holds, not anyone in the world comes in.
	LimitsTenant bool `json:"limits_tenant,omitempty"`
}

// SignedSecret is a client secret that is a JWT (RFC 7519), signed for each request with
// the operator's private key. Its subject is the client id.
type SignedSecret struct {
	// The claim iss.
	Issuer string `json:"issuer"`
	// The claim aud.
	Audience string `json:"audience"`
	// The algorithm of the signature.
	Alg string `json:"alg"`
}
