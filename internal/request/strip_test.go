package request

import (
	"net/http"
	"strings"
	"testing"
)

// One normal form for every spelling that an upstream may fold.
func TestSpellingsOfAHeaderName(t *testing.T) {
	t.Parallel()
	names := NewHeaderNames("Remote-User", "X-Auth-Request-Preferred-Username")
	for name, ours := range map[string]bool{
		"Remote-User": true, "remote-user": true, "REMOTE-USER": true, "Remote_User": true, "remote.user": true,
		"Remote User": true, "Remote\x00User": true, "Remote\xffUser": true, "X_Auth_Request_Preferred_Username": true,
		"Remote-Users": false, "RemoteUser": false, "Remote--User": false, "-Remote-User": false, "": false,
		strings.Repeat("x", 200): false, "Remote-User" + strings.Repeat("-", 100): false,
	} {
		if names.Has(name) != ours {
			t.Errorf("%q is ours: %t", name, names.Has(name))
		}
	}
}

func FuzzIdentityHeadersAreStripped(f *testing.F) {
	f.Add("Remote-User", "Connection", "close, remote-user")
	f.Add("x", "Te", ",,Remote_User,")
	f.Add("Remote.User", "Keep-Alive", "")
	names := NewHeaderNames("Remote-User", "X-Signin-Assertion")
	f.Fuzz(func(t *testing.T, name, list, value string) {
		r := &http.Request{
			Header:  http.Header{name: {"forged"}, list: {value, value}, "X-App": {"1"}},
			Trailer: http.Header{name: {"forged"}, "X-Checksum": {"1"}},
			Body:    http.NoBody,
		}
		Strip(r, names)
		for _, header := range []http.Header{r.Header, r.Trailer} {
			for left := range header {
				if names.Has(left) {
					t.Fatalf("%q is left", left)
				}
			}
		}
		for _, hop := range hopByHopLists {
			for _, line := range r.Header[hop] {
				if listHas(line, names) {
					t.Fatalf("%s: %q is left", hop, line)
				}
			}
		}
		if name != "X-App" && list != "X-App" && r.Header.Get("X-App") != "1" {
			t.Fatal("a header of the application's is gone")
		}
	})
}
