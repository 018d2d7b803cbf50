package oauth

import (
	"cmp"
	"reflect"

	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// withDefaults returns what holds for a provider of this kind: first what is
// set in c, then the preset's row, then the kind's own defaults. Lists are
// replaced; of maps, single entries are.
func (c ClientConfig) withDefaults(kind string) ClientConfig {
	if row, ok := lookUp(c.Preset); ok {
		c.ID = cmp.Or(c.ID, c.Preset)
		c.Name = cmp.Or(c.Name, row.Name)
		c.Issuer = row.wholeIssuer(c.Issuer)
		c = row.withIssuerRead(c)
		fill(&c, row.resolved(c))
	}
	c.Name = cmp.Or(c.Name, c.ID)
	fill(&c, kindDefaults[kind])
	return c
}

var kindDefaults = map[string]ClientConfig{
	kindOIDC: {
		ClientAuth: "client_secret_basic",
		Scopes:     []string{"openid", "email", "profile"},
		Checks:     []string{checkPKCE, checkState, checkNonce},
		Profile: profile.Map{
			ID: "sub", Name: "name|nickname|preferred_username",
			Email: "email", Image: "picture", Groups: "groups",
		},
	},
	kindOAuth2: {
		ClientAuth: "client_secret_basic",
		Checks:     []string{checkPKCE, checkState},
		Profile: profile.Map{
			ID: "id|sub", Name: "name|nickname|preferred_username",
			Email: "email", Image: "picture|avatar_url", Groups: "groups",
		},
	},
}

// fill sets what is not set in c from defaults. Of maps it takes the entries
// that are missing.
func fill(c *ClientConfig, defaults ClientConfig) {
	fillStruct(reflect.ValueOf(c).Elem(), reflect.ValueOf(defaults))
}

func fillStruct(into, from reflect.Value) {
	for i := range into.NumField() {
		field, value := into.Field(i), from.Field(i)
		switch {
		case field.Kind() == reflect.Struct:
			fillStruct(field, value)
		case field.IsZero():
			field.Set(value)
		case field.Kind() == reflect.Map:
			merged := reflect.MakeMap(field.Type())
			for _, entries := range []reflect.Value{value, field} {
				for _, key := range entries.MapKeys() {
					merged.SetMapIndex(key, entries.MapIndex(key))
				}
			}
			field.Set(merged)
		}
	}
}
