package oauth

import "github.com/caddy-signin/caddy-signin/internal/directive"

// expand resolves the placeholders of the fields that may hold them.
func (c ClientConfig) expand() (ClientConfig, error) {
	for _, field := range []struct {
		name  string
		value *string
	}{
		{"client_id", &c.ClientID},
		{"client_secret", &c.ClientSecret},
		{"private_key", &c.PrivateKey},
		{"key_id", &c.KeyID},
		{"issuer", &c.Issuer},
		{"authorization_endpoint", &c.AuthorizationEndpoint},
		{"token_endpoint", &c.TokenEndpoint},
		{"userinfo_endpoint", &c.UserinfoEndpoint},
		{"pushed_authorization_request_endpoint", &c.PushedAuthorizationRequestEndpoint},
		{"client_assertion_audience", &c.ClientAssertionAudience},
	} {
		if err := placeholders.Expand(field.name, field.value); err != nil {
			return c, err
		}
	}
	for _, field := range []struct {
		name   string
		values *map[string]string
	}{
		{"options", &c.Options},
		{"params", &c.Params},
		{"token_params", &c.TokenParams},
		{"userinfo_params", &c.UserinfoParams},
		{"userinfo_headers", &c.UserinfoHeaders},
	} {
		if err := placeholders.ExpandMap(field.name, field.values); err != nil {
			return c, err
		}
	}
	return c, nil
}

// placeholders are those of a client's configuration: some are for each sign-in to
// fill in.
var placeholders = directive.Placeholders{Later: callPlaceholder}

func isDynamic(value string) bool { return placeholders.IsDynamic(value) }
