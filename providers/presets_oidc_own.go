package providers

// presetsOIDCOwn are products and services of OpenID Connect at which each customer
// has an issuer of its own.
var presetsOIDCOwn = map[string]preset{
	"asgardeo": {
		name:          "Asgardeo",
		kind:          kindOIDC,
		issuerExample: "https://api.asgardeo.io/t/example",
		issuerSuffix:  "/oauth2/token",
		config: ClientConfig{
			Scopes:  []string{"openid", "email", "profile"},
			Profile: ProfileMap{ID: "sub", Name: "name|nickname|preferred_username", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "The issuer may be written with or without `/oauth2/token`. State and nonce are used besides PKCE. A person without `sub` is refused; Auth.js makes an id up.",
	},
	"auth0": {
		name:          "Auth0",
		kind:          kindOIDC,
		issuerExample: "https://example.eu.auth0.com/",
		attests:       []attestation{{name: "organization", prefix: "org_", claim: "org_id"}, {name: "organization", claim: "org_name", fold: true}},
		config: ClientConfig{
			Scopes:  []string{"openid", "email", "profile"},
			Profile: ProfileMap{ID: "sub", Name: "nickname", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "The name is the nickname, as in v4; v5 reads the name first. Nonce is used besides PKCE and state.",
	},
	"authentik": {
		name:          "Authentik",
		kind:          kindOIDC,
		issuerExample: "https://authentik.example/application/o/app/",
		config: ClientConfig{
			Scopes:  []string{"openid", "email", "profile"},
			Profile: ProfileMap{ID: "sub", Name: "name|preferred_username", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "Nonce is used besides PKCE and state.",
	},
	"battlenet": {
		name:          "Battle.net",
		kind:          kindOIDC,
		public:        true,
		issuerExample: "https://oauth.battle.net",
		config: ClientConfig{
			Scopes:  []string{"openid"},
			Profile: ProfileMap{ID: "sub", Name: "battle_tag", Email: off, Image: off, Groups: off},
		},
		differs: "Asks for `openid` alone, as v4 does: there is no address. PKCE and nonce are used besides state.",
		note:    "The issuer depends on the region: `https://oauth.battle.net`, in China `https://oauth.battlenet.com.cn`.",
	},
	"beyondidentity": {
		name:          "Beyond Identity",
		kind:          kindOIDC,
		issuerExample: "https://auth-us.beyondidentity.com/v1/tenants/example/realms/example/applications/example",
		config: ClientConfig{
			Scopes:  []string{"openid", "email", "profile"},
			Profile: ProfileMap{ID: "sub", Name: "name", Email: "email", Image: off, Groups: "groups"},
		},
		differs: "State and nonce are used besides PKCE.",
	},
	"cognito": {
		name:          "Cognito",
		kind:          kindOIDC,
		issuerExample: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE",
		attests:       []attestation{{name: "identity_provider", prefix: "COGNITO"}, {name: "identity_provider", claim: "identities.providerName"}},
		config: ClientConfig{
			Scopes:  []string{"openid", "email", "profile"},
			Profile: ProfileMap{ID: "sub", Name: "name", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "Asks for `email profile` too; v4 asks for `openid` alone. PKCE and nonce are used besides state.",
		note:    "`identities` lists all identities that are linked to the person, so `identity_provider` lets in only those who have no other.",
	},
	"descope": {
		name:          "Descope",
		kind:          kindOIDC,
		issuerExample: "https://api.descope.com/example",
		config: ClientConfig{
			Scopes:  []string{"openid", "email", "profile"},
			Profile: ProfileMap{ID: "sub", Name: "name|nickname|preferred_username", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "Nonce is used besides PKCE and state. A person without `sub` is refused; Auth.js makes an id up.",
	},
	"duende-identity-server6": {
		name:          "DuendeIdentityServer6",
		kind:          kindOIDC,
		attests:       []attestation{{name: paramACR, prefix: "idp:", claim: "idp"}, {name: paramACR, prefix: "tenant:"}},
		issuerExample: "https://identity.example.com",
		config: ClientConfig{
			Scopes:  []string{"openid", "email", "profile"},
			Profile: ProfileMap{ID: "sub", Name: "name|nickname|preferred_username", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "Name and picture are read as in v5, under v4's id as well. State and nonce are used besides PKCE. A person without `sub` is refused; Auth.js makes an id up.",
	},
	"frontegg": {
		name:              "Frontegg",
		kind:              kindOIDC,
		issuerExample:     "https://example.frontegg.com",
		discoveryEndpoint: "{issuer}/oauth/.well-known/openid-configuration",
		config: ClientConfig{
			Scopes:  []string{"openid", "email", "profile"},
			Profile: ProfileMap{ID: "sub", Name: "name|nickname|preferred_username", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "State and nonce are used besides PKCE. A person without `sub` is refused; Auth.js makes an id up.",
	},
	"fusionauth": {
		name:            "FusionAuth",
		kind:            kindOIDC,
		issuerExample:   "https://auth.example.com",
		options:         []presetOption{{name: "tenant_id", use: "the id of the tenant, where there are several"}},
		attests:         []attestation{{name: "tenantId", claim: "tid"}},
		discoveryParams: map[string]string{"tenantId": "{tenant_id}"},
		config: ClientConfig{
			Scopes:  []string{"openid", "offline_access", "email", "profile"},
			Params:  map[string]string{"tenantId": "{tenant_id}"},
			Profile: ProfileMap{ID: "sub", Name: "name|preferred_username|given_name+middle_name+family_name", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "The name is `name`, else `preferred_username`, and a picture is read, as in v5. Asks for `email profile` too, as v5 does, so that there is an address. Nonce is used besides PKCE and state.",
	},
	"hydra": {
		name:          "Hydra",
		kind:          kindOIDC,
		issuerExample: "https://hydra.example.com",
		config: ClientConfig{
			Scopes:  []string{"openid", "email", "profile"},
			Profile: ProfileMap{ID: "sub", Name: "name|nickname|preferred_username", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "State and nonce are used besides PKCE. A person without `sub` is refused; Auth.js makes an id up.",
	},
	"identity-server4": {
		name:          "IdentityServer4",
		kind:          kindOIDC,
		attests:       []attestation{{name: paramACR, prefix: "idp:", claim: "idp"}, {name: paramACR, prefix: "tenant:"}},
		issuerExample: "https://identity.example.com",
		config: ClientConfig{
			Scopes:  []string{"openid", "profile", "email"},
			Profile: ProfileMap{ID: "sub", Name: "name", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "A picture is read, as in v5. Nonce is used besides PKCE and state.",
	},
	"keycloak": {
		name:          "Keycloak",
		kind:          kindOIDC,
		issuerExample: "https://keycloak.example/realms/staff",
		config: ClientConfig{
			Scopes:  []string{"openid", "email", "profile"},
			Profile: ProfileMap{ID: "sub", Name: "name|preferred_username", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "Nonce is used besides PKCE and state.",
	},
	"kinde": {
		name:          "Kinde",
		kind:          kindOIDC,
		issuerExample: "https://example.kinde.com",
		attests:       []attestation{{name: "org_code", claim: "org_codes", lists: true}},
		config: ClientConfig{
			Scopes:  []string{"openid", "email", "profile"},
			Profile: ProfileMap{ID: "sub", Name: "name|nickname|preferred_username", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "Nonce is used besides PKCE and state. A person without `sub` is refused; Auth.js makes an id up.",
		note:    "`org_codes` lists all organizations that the person is a member of: any one of them satisfies `org_code`, whichever they signed in to.",
	},
	"logto": {
		name:          "Logto",
		kind:          kindOIDC,
		issuerExample: "https://example.logto.app/oidc",
		config: ClientConfig{
			Scopes:  []string{"offline_access", "openid", "email", "profile"},
			Profile: ProfileMap{ID: "sub", Name: "name|username", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "State and nonce are used besides PKCE.",
		note:    "Asks for `offline_access` as v5 does; write `scopes` to leave it out.",
	},
	"okta": {
		name:          "Okta",
		kind:          kindOIDC,
		issuerExample: "https://example.okta.com",
		attests:       []attestation{{name: "idp", claim: "idp"}},
		config: ClientConfig{
			Scopes:  []string{"openid", "email", "profile"},
			Profile: ProfileMap{ID: "sub", Name: "name|preferred_username", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "PKCE and nonce are used besides state.",
	},
	"onelogin": {
		name:          "OneLogin",
		kind:          kindOIDC,
		issuerExample: "https://example.onelogin.com",
		issuerSuffix:  "/oidc/2",
		config: ClientConfig{
			Scopes:  []string{"openid", "profile", "email"},
			Profile: ProfileMap{ID: "sub", Name: "name|nickname|preferred_username", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "The name is read before the nickname, as in v5; v4 shows the nickname. The issuer may be written with or without `/oidc/2`. PKCE and nonce are used besides state.",
	},
	"passage": {
		name:          "Passage",
		kind:          kindOIDC,
		issuerExample: "https://auth.example.passage.id",
		config: ClientConfig{
			Scopes:  []string{"openid", "email"},
			Profile: ProfileMap{ID: "sub", Name: "name|nickname|preferred_username", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "A name is read, as in v5, which also asks for `profile`. Nonce is used besides PKCE and state.",
	},
	"ping-id": {
		name:          "Ping Identity",
		kind:          kindOIDC,
		issuerExample: "https://auth.pingone.eu/example/as",
		config: ClientConfig{
			Scopes:  []string{"openid", "email", "profile"},
			Profile: ProfileMap{ID: "sub", Name: "name|nickname|preferred_username", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "State and nonce are used besides PKCE. A person without `sub` is refused; Auth.js makes an id up.",
	},
	"united-effects": {
		name:          "United Effects",
		kind:          kindOIDC,
		issuerExample: "https://auth.unitedeffects.com/example",
		config: ClientConfig{
			Scopes:  []string{"openid", "email", "profile"},
			Params:  map[string]string{"resource": "{issuer}"},
			Profile: ProfileMap{ID: "sub", Name: "name|nickname|preferred_username", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "Name and picture are read, as in v5. Nonce is used besides PKCE and state.",
	},
	"zitadel": {
		name:          "ZITADEL",
		kind:          kindOIDC,
		issuerExample: "https://example.zitadel.cloud",
		attests: []attestation{
			{name: paramScope, prefix: "urn:zitadel:iam:org:id:", claim: "urn:zitadel:iam:user:resourceowner:id"},
			{name: paramScope, prefix: "urn:zitadel:iam:org:domain:primary:", claim: "urn:zitadel:iam:user:resourceowner:primary_domain"},
			{name: paramScope, prefix: "urn:zitadel:iam:org:idp:id:"},
		},
		trustedAudiences: []string{anyAudience},
		config: ClientConfig{
			Scopes:  []string{"openid", "email", "profile"},
			Profile: ProfileMap{ID: "sub", Name: "name", Email: "email", Image: "picture", Groups: "groups"},
		},
		differs: "Further audiences of an ID token are accepted as long as `azp` is this client: ZITADEL names the project and all its clients. Nonce is used besides PKCE and state.",
	},
}
