package oauth

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/providers/presets"
)

// checkOptions finds options that the preset doesn't have, bad values, and
// those that are missing.
func checkOptions(c *ClientConfig, _ string) error {
	row, _ := lookUp(c.Preset)
	known := make(map[string]presets.Option, len(row.Options))
	for _, option := range row.Options {
		known[option.Name] = option
	}
	for _, name := range slices.Sorted(maps.Keys(c.Options)) {
		option, ok := known[name]
		if !ok {
			return fmt.Errorf("%s has no option %q%s", presetName(c), name, optionsHint(name, known))
		}
		if err := checkOption(option, c.Options[name]); err != nil {
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

func optionsHint(name string, known map[string]presets.Option) string {
	if len(known) == 0 {
		return ""
	}
	return directive.DidYouMean(name, slices.Sorted(maps.Keys(known)))
}

// checkOption refuses a value that the option can't have.
func checkOption(o presets.Option, value string) error {
	switch {
	case isDynamic(value):
		return nil
	case o.Choices != nil:
		if _, ok := o.Choices[value]; !ok {
			return fmt.Errorf("%s must be one of %s, got %q", o.Name, strings.Join(slices.Sorted(maps.Keys(o.Choices)), ", "), excerpt.Of(value))
		}
	case !optionPattern.MatchString(value):
		return fmt.Errorf("%s must be letters, digits or . _ -, got %q", o.Name, excerpt.Of(value))
	}
	return nil
}

// checkRequired: an option is needed only while nothing else fills its place.
func (row preset) checkRequired(c *ClientConfig) error {
	var oneOf []string
	for _, option := range row.Options {
		set := c.Options[option.Name] != "" || c.Params[option.Name] != ""
		if option.Required && !set && row.uses(option.Name, c) {
			return fmt.Errorf("%s is missing: write %s <value>, %s", option.Name, option.Name, option.Use)
		}
		if !option.OneOf {
			continue
		}
		if set {
			return nil
		}
		oneOf = append(oneOf, option.Name)
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
