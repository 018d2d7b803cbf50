package oauth

import (
	"maps"
	"regexp"
	"strings"
)

var optionPlace = regexp.MustCompile(`\{([a-z_]+)\}`)

// withIssuerRead returns c with options in place of an issuer that says them: a
// row whose issuer is made from options takes it written in full as well, as
// NextAuth's generations do in turn. An issuer of another form stays, and so
// does one that contradicts an option.
func (row preset) withIssuerRead(c ClientConfig) ClientConfig {
	options := row.readIssuer(c.Issuer)
	if options == nil {
		return c
	}
	for name, value := range options {
		if written := c.Options[name]; written != "" && written != value {
			return c
		}
	}
	all := maps.Clone(c.Options)
	if all == nil {
		all = options
	}
	maps.Copy(all, options)
	c.Issuer, c.Options = "", all
	return c
}

// readIssuer returns the options that row's issuer would be made of to be this
// one, but for a slash at its end; nil when it can't be.
func (row preset) readIssuer(issuer string) map[string]string {
	names := optionPlace.FindAllStringSubmatch(row.defaults.Issuer, -1)
	if len(names) == 0 {
		return nil
	}
	literals := optionPlace.Split(row.defaults.Issuer, -1)
	for i := range literals {
		literals[i] = regexp.QuoteMeta(literals[i])
	}
	form := regexp.MustCompile("^" + strings.Join(literals, `([^/{}]+)`) + "/?$")
	found := form.FindStringSubmatch(issuer)
	if found == nil {
		return nil
	}
	options := make(map[string]string)
	for i, value := range found[1:] {
		name := names[i][1]
		if before, ok := options[name]; ok && before != value || !optionPattern.MatchString(value) {
			return nil
		}
		options[name] = value
	}
	return options
}
