package oauth

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// callPlaceholder are the places that only a sign-in can fill in.
var callPlaceholder = regexp.MustCompile(`\{(access_token|client_id|token_response\.[^{}]+)\}`)

// callValues fill in those places.
type callValues struct {
	accessToken, clientID string
	// answer is the token endpoint's, without its tokens.
	answer profile.Claims
}

// value returns what stands for a name, or false when the answer lacks it.
func (v callValues) value(name string) (string, bool) {
	switch name {
	case "access_token":
		return v.accessToken, true
	case "client_id":
		return v.clientID, true
	}
	found, ok := profile.Path(strings.Split(strings.TrimPrefix(name, "token_response."), ".")).Find(map[string]any(v.answer))
	if !ok {
		return "", false
	}
	return profile.Identifier(found)
}

// fill replaces the places in a text, each value escaped as the text needs it.
func (v callValues) fill(text string, escape func(string) string) (string, error) {
	var err error
	filled := callPlaceholder.ReplaceAllStringFunc(text, func(place string) string {
		name := place[1 : len(place)-1]
		value, ok := v.value(name)
		if !ok || value == "." || value == ".." {
			err = fmt.Errorf("the token endpoint's answer has no %s", strings.TrimPrefix(name, "token_response."))
		}
		return escape(value)
	})
	return filled, err
}

func unescaped(s string) string { return s }

// holdsToken says that a text puts the access token into a request.
func holdsToken(text string) bool { return strings.Contains(text, "{access_token}") }

// url returns an endpoint with its places filled in and params added.
func (v callValues) url(endpoint string, params map[string]string) (string, error) {
	filled, err := v.fill(endpoint, url.PathEscape)
	if err != nil {
		return "", err
	}
	if len(params) == 0 {
		return filled, nil
	}
	var q query
	for _, name := range sortedKeys(params) {
		value, err := v.fill(params[name], unescaped)
		if err != nil {
			return "", err
		}
		q.add(name, value)
	}
	return q.appendTo(filled), nil
}
