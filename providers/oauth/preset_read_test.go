package oauth

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/presets"
)

// full sets everything in value to something that isn't its zero value.
func full(value reflect.Value) {
	switch value.Kind() {
	case reflect.Bool:
		value.SetBool(true)
	case reflect.String:
		value.SetString("x")
	case reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 1, 1))
		full(value.Index(0))
	case reflect.Map:
		item := reflect.New(value.Type().Elem()).Elem()
		full(item)
		value.Set(reflect.MakeMap(value.Type()))
		value.SetMapIndex(reflect.ValueOf("x"), item)
	case reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		full(value.Elem())
	case reflect.Struct:
		for _, field := range value.Fields() {
			full(field)
		}
	}
}

// Whoever writes a file finds each key of config in docs/configuration.md.
func TestDefaultsHaveTheKeysOfTheConfiguration(t *testing.T) {
	t.Parallel()
	var c presets.Config
	full(reflect.ValueOf(&c).Elem())
	left := members(t, c)
	for key, value := range members(t, clientDefaults(c)) {
		if !reflect.DeepEqual(left[key], value) {
			t.Errorf("%s is %v in a preset, and %v in the configuration", key, left[key], value)
		}
		delete(left, key)
	}
	var lost ClientConfig
	var oidc OIDC
	var oauth2 OAuth2
	raw, err := json.Marshal(left)
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range []any{&lost, &oidc, &oauth2} {
		if err := json.Unmarshal(raw, module); err != nil {
			t.Fatal(err)
		}
	}
	if keys := members(t, lost); len(keys) != 0 {
		t.Errorf("clientDefaults leaves out %v", slices.Sorted(maps.Keys(keys)))
	}
	for _, module := range []any{oidc, oauth2} {
		for key := range members(t, module) {
			delete(left, key)
		}
	}
	if len(left) != 0 {
		t.Errorf("the configuration has no %v", slices.Sorted(maps.Keys(left)))
	}
}

func members(t *testing.T, value any) map[string]any {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var found map[string]any
	if err := json.Unmarshal(raw, &found); err != nil {
		t.Fatal(err)
	}
	return found
}
