package providers

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

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
		if err := expand(field.name, field.value); err != nil {
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
		if err := expandMap(field.name, field.values); err != nil {
			return c, err
		}
	}
	return c, nil
}

func expandMap(field string, values *map[string]string) error {
	*values = maps.Clone(*values)
	for _, name := range slices.Sorted(maps.Keys(*values)) {
		value := (*values)[name]
		if err := expand(field+" "+name, &value); err != nil {
			return err
		}
		(*values)[name] = value
	}
	return nil
}

var lonePlaceholder = regexp.MustCompile(`^\{(env|file)\.[^{}]+\}$`)

// expand resolves placeholders in a field, but for those that only a sign-in
// can fill in. Caddy's own error would quote what stands between two braces,
// which may be half a secret.
func expand(name string, field *string) error {
	if *field == "" {
		return nil
	}
	replacer := caddy.NewReplacer()
	replacer.Map(func(key string) (any, bool) { return "{" + key + "}", isCallKey(key) })
	value, err := replacer.ReplaceOrErr(*field, true, true)
	switch {
	case err == nil:
		*field = value
		return nil
	case lonePlaceholder.MatchString(*field):
		return fmt.Errorf("%s: %s is empty or can't be read", name, *field)
	default:
		return fmt.Errorf("%s: a placeholder in it is unknown, empty or can't be read; write \\{ for a brace that belongs to the value", name)
	}
}

// isDynamic says that a value can't be checked before it is expanded.
func isDynamic(value string) bool {
	return strings.Contains(callPlaceholder.ReplaceAllString(value, ""), "{")
}
