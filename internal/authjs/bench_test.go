package authjs_test

import (
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// header returns the Cookie header of a browser that is signed in.
func header(t testing.TB) []string {
	token := keyring(t, "", secretA).Seal([]byte(ours))
	return []string{"_ga=GA1.2.3.4; theme=dark; " + secureNames.CSRF + "=abcd%7Cdef; " + secureNames.Session + "=" + token + "; lang=en"}
}

func TestTheWayToASessionHardlyAllocates(t *testing.T) {
	ring, csrf := keyring(t, "", secretA), newCSRF(t, secretA, secretB)
	lines, payload := header(t), []byte(ours)
	token := ring.Seal(payload)
	old := keyring(t, "", secretB, secretA)
	_, cookie := csrf.New()
	claims := parse(t, ours)
	buf := make([]byte, 0, 1024)
	user := authjs.User{Name: claims.Name, Email: claims.Email, Image: claims.Picture}

	cases := map[string]struct {
		limit float64
		do    func()
	}{
		"finding the cookie": {0, func() {
			var tokens [4]string
			got := secureNames.ReadSession(lines)
			if len(got.AppendTokens(tokens[:0])) != 1 {
				t.Error("no token")
			}
		}},
		"a cookie's name":           {0, func() { authjs.Own("__Secure-next-auth.session-token.0") }},
		"opening":                   {1, func() { must(t, ring, token) }},
		"opening by the second key": {1, func() { must(t, old, token) }},
		"sealing":                   {1, func() { ring.Seal(payload) }},
		"parsing (groups)":          {1, func() { parse(t, ours) }},
		"parsing":                   {0, func() { parse(t, vectors[0].payload) }},
		"checking CSRF":             {0, func() { csrf.Verify(cookie) }},
		"writing claims":            {0, func() { claims.Append(buf) }},
		"writing JSON":              {0, func() { authjs.AppendSession(buf, user, expires) }},
		"a Set-Cookie":              {2, func() { _ = authjs.Cookie{Name: secureNames.Session, Value: token, Expires: expires}.String() }},
		"stripping":                 {2, func() { authjs.Strip(lines) }},
	}
	for name, c := range cases {
		if got := testing.AllocsPerRun(100, c.do); got > c.limit {
			t.Errorf("%s: %v allocations, want %v at the most", name, got, c.limit)
		}
	}
}

func must(t testing.TB, ring *authjs.Keyring, token string) {
	if _, _, err := ring.Open(token); err != nil {
		t.Error(err)
	}
}

func BenchmarkReadSession(b *testing.B) {
	lines := header(b)
	b.ReportAllocs()
	for b.Loop() {
		var tokens [4]string
		got := secureNames.ReadSession(lines)
		got.AppendTokens(tokens[:0])
	}
}

func BenchmarkStrip(b *testing.B) {
	lines := header(b)
	b.ReportAllocs()
	for b.Loop() {
		authjs.Strip(lines)
	}
}

func BenchmarkOpen(b *testing.B) {
	for name, ring := range map[string]*authjs.Keyring{"next-auth": keyring(b, "", secretA), "authjs": keyringV5(b, "", secretA)} {
		b.Run(name, func(b *testing.B) {
			token := ring.Seal([]byte(ours))
			b.ReportAllocs()
			for b.Loop() {
				must(b, ring, token)
			}
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	ring, payload := keyring(b, "", secretA), []byte(ours)
	b.ReportAllocs()
	for b.Loop() {
		ring.Seal(payload)
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		parse(b, ours)
	}
}

func BenchmarkAppend(b *testing.B) {
	claims, buf := parse(b, ours), make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		claims.Append(buf)
	}
}

func BenchmarkVerifyCSRF(b *testing.B) {
	csrf := newCSRF(b, secretA)
	_, cookie := csrf.New()
	b.ReportAllocs()
	for b.Loop() {
		csrf.Verify(cookie)
	}
}
