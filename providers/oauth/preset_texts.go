package oauth

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

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
