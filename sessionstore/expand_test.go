package sessionstore_test

import (
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

func TestExpand(t *testing.T) {
	t.Setenv("STORE_PASSWORD", "correct horse")
	for _, test := range []struct{ value, want, problem string }{
		{"plain", "plain", ""},
		{"{env.STORE_PASSWORD}", "correct horse", ""},
		{"a{env.STORE_PASSWORD}b", "acorrect horseb", ""},
		{`a\{b}`, "a{b}", ""},
		{"{env.NOT_SET_ANYWHERE}", "", "password: {env.NOT_SET_ANYWHERE} is empty or can't be read"},
		{"{file./not/there}", "", "password: {file./not/there} is empty or can't be read"},
		{"begin{half}end", "", `password: a placeholder in it is unknown, empty or can't be read; write \{ for a brace that belongs to the value`},
	} {
		got, err := sessionstore.Expand("password", test.value)
		if got != test.want || (err == nil) != (test.problem == "") {
			t.Errorf("%q: %q, %v", test.value, got, err)
		}
		if err != nil && (err.Error() != test.problem || strings.Contains(err.Error(), "half")) {
			t.Errorf("%q: %v, want %s", test.value, err, test.problem)
		}
	}
}
