package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/providers/presets"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// requestedClaims are the values that a claims parameter asks for (OpenID Connect
// Core 5.5.1). open are the claims of which it asks for something that can't be
// compared with what comes back, and that the specification leaves to others.
func requestedClaims(parameter string) (held []restriction, open []string, err error) {
	request, err := jsonObject(parameter)
	if err != nil {
		return nil, nil, fmt.Errorf("params claims must be a JSON object (OpenID Connect Core 5.5): %w", err)
	}
	for _, part := range slices.Sorted(maps.Keys(request)) {
		asked, err := jsonObject(string(request[part]))
		if err != nil && !isNull(request[part]) {
			return nil, nil, fmt.Errorf("params claims: %s must be a JSON object with the names of claims: %w", excerpt.Of(part), err)
		}
		for _, claim := range slices.Sorted(maps.Keys(asked)) {
			more, known, err := requestedClaim(claim, asked[claim])
			if err != nil {
				return nil, nil, fmt.Errorf("params claims: %s of %s: %w", excerpt.Of(claim), excerpt.Of(part), err)
			}
			held = append(held, more...)
			if name := paramClaims + " " + claim; !known && !slices.Contains(open, name) {
				open = append(open, name)
			}
		}
	}
	return held, open, nil
}

// requestedClaim reads what is asked of one claim; known is false where it holds
// more than Core 5.5.1 knows.
func requestedClaim(claim string, request json.RawMessage) (held []restriction, known bool, err error) {
	switch {
	case isNull(request):
		return nil, true, nil
	case claim == "verified_claims": // OpenID Connect for Identity Assurance section 6
		return nil, false, nil
	}
	members, err := jsonObject(string(request))
	if err != nil {
		return nil, false, fmt.Errorf("it must be null, or a JSON object with value or values: %w", err)
	}
	known = true
	for _, name := range slices.Sorted(maps.Keys(members)) {
		var wanted []json.RawMessage
		switch name {
		case "value":
			wanted = []json.RawMessage{members[name]}
		case "values":
			if json.Unmarshal(members[name], &wanted) != nil || len(wanted) == 0 {
				return nil, false, errors.New("values must be a list with at least one value: write value for a single one")
			}
		case "essential":
			continue
		default:
			known = false
			continue
		}
		one := restriction{Attestation: presets.Attestation{Name: paramClaims + " " + claim, Claim: claim}}
		for _, raw := range wanted {
			text, err := comparableText(raw)
			if err != nil {
				return nil, false, err
			}
			one.wanted = append(one.wanted, text)
		}
		held = append(held, one)
	}
	return held, known, nil
}

// comparableText is a requested value as it is compared with what is attested.
func comparableText(raw json.RawMessage) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", fmt.Errorf("reading a value: %w", err)
	}
	text := profile.Literal(value)
	if text == "" {
		return "", fmt.Errorf("the value %s can't be compared with what the provider attests: write a text that isn't empty, a number, or true or false", excerpt.Of(string(raw)))
	}
	return text, nil
}

// jsonObject reads one JSON object, in which nothing is there twice.
func jsonObject(text string) (object map[string]json.RawMessage, err error) {
	if _, err = profile.ParseClaims([]byte(text)); err == nil {
		err = json.Unmarshal([]byte(text), &object)
	}
	switch {
	case errors.Is(err, profile.ErrDuplicateMember):
		return nil, errors.New("a member is there twice")
	case err != nil:
		return nil, errors.New("it is none")
	}
	return object, nil
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

var placeholderBrace = regexp.MustCompile(`(^|[^\\])\{`)

// checkRequestedClaims checks a claims parameter as it is written; one with
// placeholders, or that is expanded already, is left to [newClient].
func checkRequestedClaims(written string) error {
	if placeholderBrace.MatchString(written) {
		return nil
	}
	_, _, err := requestedClaims(strings.NewReplacer(`\{`, "{", `\}`, "}").Replace(written))
	return err
}
