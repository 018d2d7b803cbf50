package identity

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/session"
)

// One printable line, from which the value comes back.
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

// A value has at most 4 KiB, all of them together 16 KiB.
func TestIdentityHeadersAreBounded(t *testing.T) {
	t.Parallel()
	headers := make(map[string]string)
	for _, name := range []string{"X-A", "X-B", "X-C", "X-D", "X-E"} {
		headers[name] = "{http.auth.user.name}"
	}
	plan, err := (&Headers{Headers: headers}).Plan()
	if err != nil {
		t.Fatal(err)
	}
	for length, want := range map[int]int{3000: 5, maxHeaderValue: 4, maxHeaderValue + 1: 0} {
		r := &http.Request{Header: http.Header{"X-E": {"the client's"}}}
		plan.Set(r, &session.Session{Claims: authjs.Claims{Name: authjs.TextOf(strings.Repeat("x", length))}}, nil)
		if len(r.Header) != want || r.Header.Get("X-E") == "the client's" {
			t.Errorf("of values of %d bytes %d are sent, want %d", length, len(r.Header), want)
		}
	}
}

func TestTheNameOfAPlaceholderIsNotEncoded(t *testing.T) {
	t.Parallel()
	repl := caddy.NewEmptyReplacer()
	repl.Set("http.auth.user.claims.größe%", "50 %")
	if got := templateValue("é {http.auth.user.claims.größe%} {not.there}")(nil, repl); got != "%C3%A9 50 %25" {
		t.Errorf("the header says %q", got)
	}
}

func TestSpacesAtAGroupsEndsStayInHeaders(t *testing.T) {
	t.Parallel()
	for group, want := range map[string]string{
		"admins": "admins", "admins ": "admins%20", "  admins": "%20%20admins", " a,b ": "%20a%2Cb%20", " ": "%20", "a b": "a b",
	} {
		if got := (groupList{group}).String(); got != want {
			t.Errorf("%q: %q, want %q", group, got, want)
		}
		if got := (groupList{group, "x"}).String(); got != want+",x" {
			t.Errorf("%q in a list: %q", group, got)
		}
	}
}
