package sessionstore

import (
	"fmt"
	"regexp"

	"github.com/caddyserver/caddy/v2"
)

var lonePlaceholder = regexp.MustCompile(`^\{(env|file)\.[^{}]+\}$`)

// Expand resolves the placeholders of an option's value, such as {env.REDIS_URL}.
// One that is unknown, empty or can't be read is an error, which names it only
// where it is the whole value: Caddy's own error would quote what stands between
// two braces, which may be half a secret.
func Expand(option, value string) (string, error) {
	expanded, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
	switch {
	case err == nil:
		return expanded, nil
	case lonePlaceholder.MatchString(value):
		return "", fmt.Errorf("%s: %s is empty or can't be read", option, value)
	default:
		return "", fmt.Errorf("%s: a placeholder in it is unknown, empty or can't be read; write \\{ for a brace that belongs to the value", option)
	}
}
