package signin

import (
	"slices"
	"testing"
)

func TestSpellingsOfAPath(t *testing.T) {
	for path, want := range map[string][]string{
		"/x":         {"/x", "/x/", "/x;*", "/x/;*"},
		"/x/":        {"/x", "/x/", "/x;*", "/x/;*"},
		"/x/*":       {"/x", "/x/*", "/x;*"},
		"/x//":       {"/x", "/x/", "/x;*", "/x/;*"},
		"/":          {"/", "/;*"},
		"/{env.A}/b": {"/{env.A}/b", "/{env.A}/b/", "/{env.A}/b;*", "/{env.A}/b/;*"},
		"/*":         {"/*"}, "*": {"*"}, "/x*": {"/x*"}, "/x/*/y": {"/x/*/y"}, "/x*/*": {"/x*/*"}, "*.php": {"*.php"},
	} {
		if got := spellings(path); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
