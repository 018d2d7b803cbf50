package signin

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Requirements F5 and F6: one printable line, from which the value comes back.
func FuzzHeaderValues(f *testing.F) {
	for _, value := range []string{"alice", "Zoë", "a%b", "a\r\nX: y", " padded ", "\x00\x7f", "\xff", "users,admins", "%2C"} {
		f.Add(value, "b")
	}
	f.Fuzz(func(t *testing.T, value, other string) {
		encoded := encodeHeader(value)
		if strings.ContainsFunc(encoded, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("%q becomes %q", value, encoded)
		}
		back, err := url.PathUnescape(encoded)
		kept := strings.TrimSpace(strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return -1
			}
			return r
		}, value))
		if err != nil || (strings.ToValidUTF8(value, "") == value && back != kept) {
			t.Fatalf("%q becomes %q, and back %q: %v", value, encoded, back, err)
		}
		groups := groupList{value, other}
		items := strings.Split(groups.String(), ",")
		if !slices.Equal(items, []string{encodeGroup(value), encodeGroup(other)}) {
			t.Fatalf("the groups %q become %q", groups, items)
		}
	})
}
