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

// leaves calls visit with each field of a struct, and with those of structs in it.
func leaves(path string, value reflect.Value, visit func(path string, field reflect.Value)) {
	switch value.Kind() {
	case reflect.Struct:
		for i := range value.NumField() {
			leaves(path+"."+value.Type().Field(i).Name, value.Field(i), visit)
		}
		return
	case reflect.Pointer:
		leaves(path, value.Elem(), visit)
		return
	case reflect.Slice:
		if value.Type().Elem().Kind() == reflect.Struct {
			leaves(path, value.Index(0), visit)
			return
		}
	}
	visit(path, value)
}

// What a file says is either for its readers or makes a difference to the row.
func TestNothingThatAPresetSaysIsLost(t *testing.T) {
	t.Parallel()
	var p presets.Preset
	full(reflect.ValueOf(&p).Elem())
	whole := rowOf(p)
	for i := range reflect.TypeOf(whole).NumField() {
		if reflect.ValueOf(whole).Field(i).IsZero() {
			t.Errorf("no preset sets %s", reflect.TypeOf(whole).Field(i).Name)
		}
	}
	var without []string
	leaves("", reflect.ValueOf(&p).Elem(), func(path string, field reflect.Value) {
		kept := reflect.New(field.Type()).Elem()
		kept.Set(field)
		field.SetZero()
		if reflect.DeepEqual(rowOf(p), whole) {
			without = append(without, path)
		}
		field.Set(kept)
	})
	if want := []string{".Schema", ".Why"}; !slices.Equal(without, want) {
		t.Errorf("%v make no difference, not %v", without, want)
	}
}

// Whoever writes a file finds each key of config in docs/configuration.md.
func TestDefaultsHaveTheKeysOfTheConfiguration(t *testing.T) {
	t.Parallel()
	var c presets.Config
	full(reflect.ValueOf(&c).Elem())
	left := members(t, c)
	for key, value := range members(t, configOf(c)) {
		if !reflect.DeepEqual(left[key], value) {
			t.Errorf("%s is %v in a preset, and %v in the configuration", key, left[key], value)
		}
		delete(left, key)
	}
	var oidc OIDC
	var oauth2 OAuth2
	raw, err := json.Marshal(left)
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range []any{&oidc, &oauth2} {
		if err := json.Unmarshal(raw, module); err != nil {
			t.Fatal(err)
		}
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
