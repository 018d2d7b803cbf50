package nearest

import (
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	t.Parallel()
	candidates := []string{"allow", "deny", "session", "store", "secret", "google", "gitlab", "github", "oidc", "url"}
	for _, tc := range []struct {
		name string
		want []string
	}{
		{"gogle", []string{"google"}},
		{"Google", []string{"google"}},
		{"githbu", []string{"github"}},
		{"sesion", []string{"session"}},
		{"allo", []string{"allow"}},
		{"xyzzy", nil},
		{"", nil},
	} {
		got := Names(tc.name, candidates)
		if tc.want == nil && got != nil || tc.want != nil && !slices.Contains(got, tc.want[0]) {
			t.Errorf("Names(%q) = %v, want first %v", tc.name, got, tc.want)
		}
		if tc.want != nil && got[0] != tc.want[0] {
			t.Errorf("Names(%q)[0] = %q, want %q", tc.name, got[0], tc.want[0])
		}
	}
}
