package oauth

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// sessionScopes say how long tokens live, and nothing of the person. A provider
// may decline them (OpenID Connect Core section 11).
var sessionScopes = set("offline_access", "offline.access", "offline", "online_access", "refresh_token")

// scopeRules compare the scopes of a token answer with those that were asked for.
type scopeRules struct{ *registration }

// check compares what a token answer says it grants with what was asked for,
// and refuses less: the authorization request passes through the visitor's
// address bar, where a scope can be taken out (RFC 6749 sections 3.3 and 5.1). complete
// says that everything was granted. An answer without scope says nothing, for it
// means what the browser asked for, which need not be what it was told to ask.
func (s scopeRules) check(answer profile.Claims) (complete bool, err error) {
	grants, told, err := s.grants(answer["scope"])
	if err != nil || !told {
		return false, err
	}
	has := func(name string) bool { return grants[name] || grants[s.scopeName(name)] }
	listed, unlisted := false, false
	for _, asked := range s.config.Scopes {
		var names []string
		if written, renamed := s.config.ScopeNames[asked]; renamed {
			names = strings.Split(written, "|")
		}
		switch {
		case sessionScopes[asked]:
		case asked == "openid" && s.kind == kindOIDC: // there is an ID token
			listed = true
		case has(asked), slices.ContainsFunc(names, has):
			listed = true
		case slices.Contains(names, profile.Off):
			unlisted = true
		default:
			return false, fmt.Errorf("the token answer doesn't grant the scope %s, which was asked for: the visitor may have taken it out; if the provider calls it otherwise, write scope_names %s=<its name>, or %s=off where it never lists it", asked, asked, asked)
		}
	}
	return listed && !unlisted, nil
}

// grants reads the scope member: a text, or as some vendors have it, a list of
// texts. Without one, told is false.
func (s scopeRules) grants(scope any) (grants map[string]bool, told bool, err error) {
	var list []string
	switch scope := scope.(type) {
	case nil:
		return nil, false, nil
	case string:
		list = strings.FieldsFunc(scope, s.separatesScopes)
	case []any:
		for _, item := range scope {
			name, isText := item.(string)
			if !isText {
				return nil, false, fmt.Errorf("the token answer's scope has %s in its list, not a text", profile.KindOf(item))
			}
			list = append(list, name)
		}
	default:
		return nil, false, fmt.Errorf("the token answer's scope is %s, not a text", profile.KindOf(scope))
	}
	grants = make(map[string]bool, len(list))
	for _, name := range list {
		grants[name] = true
		grants[s.scopeName(name)] = true
	}
	delete(grants, "") // an empty text grants nothing
	return grants, true, nil
}

// scopeName is a scope's name without what the row says may differ.
func (s scopeRules) scopeName(name string) string {
	if s.row.CaseInsensitiveScopes {
		name = address.LowerASCII(name)
	}
	return strings.TrimPrefix(name, s.row.ScopePrefix)
}

// separatesScopes: a space does, U+0020 alone (RFC 6749 section 3.3).
func (s scopeRules) separatesScopes(r rune) bool {
	return r == ' ' || r == ',' && s.row.CommaScopes || strings.ContainsRune(s.config.ScopeSeparator, r)
}
