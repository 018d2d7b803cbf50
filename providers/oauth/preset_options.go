package oauth

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
)

// checkOptions finds options that the preset doesn't have, bad values, and
// those that are missing.
func checkOptions(c *ClientConfig, _ string) error {
	row, _ := lookUp(c.Preset)
	known := make(map[string]presetOption, len(row.options))
	for _, option := range row.options {
		known[option.name] = option
	}
	for _, name := range slices.Sorted(maps.Keys(c.Options)) {
		option, ok := known[name]
		if !ok {
			return fmt.Errorf("%s has no option %q%s", presetName(c), name, optionsHint(name, known))
		}
		if err := option.check(c.Options[name]); err != nil {
			return err
		}
	}
	return row.checkRequired(c)
}

func presetName(c *ClientConfig) string {
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
