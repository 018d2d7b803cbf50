package authjs_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

var expires = time.Date(2026, 12, 23, 9, 6, 58, 362999999, time.FixedZone("CET", 3600))

func TestTheSessionIsWrittenToTheByte(t *testing.T) {
	t.Parallel()
	cases := map[string]authjs.User{
		`{"user":{"name":"Alice Example","email":"alice@example.com"},"expires":"2026-12-23T08:06:58.362Z"}`: {
			Name: authjs.TextOf("Alice Example"), Email: authjs.TextOf("alice@example.com"),
		},
		`{"user":{},"expires":"2026-12-23T08:06:58.362Z"}`: {},
		`{"user":{"name":null,"email":"","image":"https://img.example/a.png?x=1&y=<2>"},"expires":"2026-12-23T08:06:58.362Z"}`: {
			Name: authjs.Null, Email: authjs.TextOf(""), Image: authjs.TextOf("https://img.example/a.png?x=1&y=<2>"),
		},
		`{"user":{"image":null,"id":"github:1","groups":["a&b","c"],"level":7,"more":{"a":"<"},"bad":null},"expires":"2026-12-23T08:06:58.362Z"}`: {
			Image: authjs.Null,
			Exposed: []authjs.Member{
				{Name: "id", Value: "github:1"},
				{Name: "groups", Value: []string{"a&b", "c"}},
				{Name: "level", Value: 7},
				{Name: "more", Value: map[string]any{"a": "<"}},
				{Name: "bad", Value: func() {}},
			},
		},
	}
	for want, user := range cases {
		if got := string(authjs.AppendSession(nil, user, expires)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if got := string(authjs.AppendSession([]byte("x"), authjs.User{}, time.Time{})); got != "x{}" {
		t.Errorf("an anonymous session is %s", got)
	}
}

func TestStringsAreEscapedLikeJSONStringify(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"":                                `""`,
		"Zoë 😀 </script> & '":             `"Zoë 😀 </script> & '"`,
		"\"\\/\b\f\n\r\t":                 `"\"\\/\b\f\n\r\t"`,
		"\x00\x0b\x1f\x7f":                `"\u0000\u000b\u001f` + "\x7f\"",
		"\u2028\u2029":                    "\"\u2028\u2029\"",
		"a\xffb":                          "\"a\uFFFDb\"",
		"plain" + strings.Repeat("x", 20): `"plain` + strings.Repeat("x", 20) + `"`,
	}
	for s, want := range cases {
		if got := string(authjs.AppendString(nil, s)); got != want {
			t.Errorf("%q becomes %s, want %s", s, got, want)
		}
	}
}

func FuzzAppendStringIsReadBackByEncodingJSON(f *testing.F) {
	f.Add("Zoë\x00\"\\\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		written := authjs.AppendString(nil, s)
		if err := json.Unmarshal(written, &back); err != nil {
			t.Fatalf("%q becomes %s: %v", s, written, err)
		}
		if utf8.ValidString(s) && back != s {
			t.Errorf("%q came back as %q", s, back)
		}
	})
}
