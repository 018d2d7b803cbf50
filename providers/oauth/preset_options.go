package oauth

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
)

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

// texts are the values of the names that a row's texts hold in braces. A name
// without a value keeps its braces, for the checks to find.
type texts map[string]string

// fill replaces the names that t knows; other braces stay.
func (t texts) fill(text string) string {
	for name, value := range t {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

func (t texts) fillAll(list []string) []string {
	filled := slices.Clone(list)
	for i := range filled {
		filled[i] = t.fill(filled[i])
	}
	return filled
}

// fillMap leaves entries out whose only value is an option that isn't set.
func (t texts) fillMap(entries map[string]string) map[string]string {
	filled := maps.Clone(entries)
	for name, text := range entries {
		if filled[name] = t.fill(text); filled[name] == "" {
			delete(filled, name)
		}
	}
	return filled
}

// fillConfig fills in the fields in which rows have such texts.
func (t texts) fillConfig(c ClientConfig) ClientConfig {
	for _, field := range []*string{
		&c.Issuer, &c.AuthorizationEndpoint, &c.TokenEndpoint, &c.UserinfoEndpoint,
		&c.ClientAssertionAudience, &c.Profile.Image,
	} {
		*field = t.fill(*field)
	}
	c.Scopes = t.fillAll(c.Scopes)
	c.Params = t.fillMap(c.Params)
	c.UserinfoParams = t.fillMap(c.UserinfoParams)
	c.UserinfoHeaders = t.fillMap(c.UserinfoHeaders)
	return c
}

// Option values become parts of host names, paths and headers.
var optionPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// checkOptions finds options that the preset doesn't have, bad values, and
// those that are missing.
func (c *ClientConfig) checkOptions(string) error {
	row, _ := lookUp(c.Preset)
	known := make(map[string]presetOption, len(row.options))
	for _, option := range row.options {
		known[option.name] = option
	}
	for _, name := range slices.Sorted(maps.Keys(c.Options)) {
		option, ok := known[name]
		if !ok {
			return fmt.Errorf("%s has no option %q%s", c.presetName(), name, optionsHint(name, known))
		}
		if err := option.check(c.Options[name]); err != nil {
			return err
		}
	}
	return row.checkRequired(c)
}

func (c *ClientConfig) presetName() string {
	if c.Preset == "" {
		return "a provider without a preset"
	}
	return "preset " + c.Preset
}

func optionsHint(name string, known map[string]presetOption) string {
	if len(known) == 0 {
		return ""
	}
	return directive.DidYouMean(name, slices.Sorted(maps.Keys(known)))
}

func (o presetOption) check(value string) error {
	switch {
	case isDynamic(value):
		return nil
	case o.choices != nil:
		if _, ok := o.choices[value]; !ok {
			return fmt.Errorf("%s must be one of %s, got %q", o.name, strings.Join(slices.Sorted(maps.Keys(o.choices)), ", "), excerpt.Of(value))
		}
	case !optionPattern.MatchString(value):
		return fmt.Errorf("%s must be letters, digits or . _ -, got %q", o.name, excerpt.Of(value))
	}
	return nil
}

// checkRequired: an option is needed only while nothing else fills its place.
func (row preset) checkRequired(c *ClientConfig) error {
	var oneOf []string
	for _, option := range row.options {
		set := c.Options[option.name] != "" || c.Params[option.name] != ""
		if option.required && !set && row.uses(option.name, c) {
			return fmt.Errorf("%s is missing: write %s <value>, %s", option.name, option.name, option.use)
		}
		if !option.oneOf {
			continue
		}
		if set {
			return nil
		}
		oneOf = append(oneOf, option.name)
	}
	if oneOf != nil {
		return fmt.Errorf("one of %s is missing: write one, such as %s <value>", strings.Join(oneOf, ", "), oneOf[0])
	}
	return nil
}

// uses says that what holds for c still has the row's name in it, rather than
// something that the operator wrote.
func (row preset) uses(name string, c *ClientConfig) bool {
	holes := func(text string) bool { return strings.Contains(text, "{"+name+"}") }
	return slices.ContainsFunc([]string{c.Issuer, c.AuthorizationEndpoint, c.TokenEndpoint, c.UserinfoEndpoint}, holes) ||
		slices.ContainsFunc(slices.Collect(maps.Values(c.UserinfoHeaders)), holes)
}
