package authjs_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

func TestAppendValuesReadsCookiesAsTheNpmPackageDoes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		lines []string
		want  []string
	}{
		"nothing":                     {nil, nil},
		"one":                         {[]string{"a=1"}, []string{"1"}},
		"among others":                {[]string{"b=2; a=1; c=3"}, []string{"1"}},
		"on a later line":             {[]string{"b=2", "c=3; a=1"}, []string{"1"}},
		"no blank after the break":    {[]string{"b=2;a=1;c=3"}, []string{"1"}},
		"blanks around all":           {[]string{"b=2 ;\t a \t=  1\t; c=3"}, []string{"1"}},
		"a piece without =":           {[]string{"a; x; a=1"}, []string{"1"}},
		"a value with =":              {[]string{"a=b=c="}, []string{"b=c="}},
		"empty counts as absent":      {[]string{`a=; a=""; a=1`}, []string{"1"}},
		"quoted":                      {[]string{`a="x y"`}, []string{"x y"}},
		"one quote stays":             {[]string{`a="x; a="`}, []string{`"x`, `"`}},
		"percent-encoded":             {[]string{"a=x%7Cy%2fz"}, []string{"x|y/z"}},
		"a raw bar":                   {[]string{"a=x|y"}, []string{"x|y"}},
		"plus isn't blank":            {[]string{"a=x+y"}, []string{"x+y"}},
		"encoded UTF-8":               {[]string{"a=Zo%C3%AB"}, []string{"Zoë"}},
		"bad escape stays":            {[]string{"a=%41%4"}, []string{"%41%4"}},
		"bad hex stays":               {[]string{"a=%41%zz"}, []string{"%41%zz"}},
		"not UTF-8 stays":             {[]string{"a=%41%ff"}, []string{"%41%ff"}},
		"several, in order":           {[]string{"a=1; a=2", "a=3"}, []string{"1", "2", "3"}},
		"four at the most":            {[]string{"a=1; a=2; a=3; a=4; a=5"}, []string{"1", "2", "3", "4"}},
		"names keep their case":       {[]string{"A=1"}, nil},
		"names aren't prefixes":       {[]string{"ab=1; =1; a.0=1"}, nil},
		"not out of another's quotes": {[]string{`b="a=1"`}, nil},
	}
	for name, c := range cases {
		if got := authjs.AppendValues(nil, c.lines, "a"); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestHeadersBeyond64KiBBringNoCookies(t *testing.T) {
	t.Parallel()
	fill := func(size int) []string {
		first := "next-auth.session-token=t; a=1"
		return []string{first, strings.Repeat("x", size-len(first))}
	}
	for size, want := range map[int]int{64 << 10: 1, 64<<10 + 1: 0} {
		lines := fill(size)
		got := plainNames.ReadSession(lines)
		if n := len(got.AppendTokens(nil)); n != want {
			t.Errorf("%d bytes: %d tokens, want %d", size, n, want)
		}
		if n := len(authjs.AppendValues(nil, lines, "a")); n != want {
			t.Errorf("%d bytes: %d values, want %d", size, n, want)
		}
		if authjs.Oversized(lines) != (want == 0) {
			t.Errorf("Oversized is wrong about %d bytes", size)
		}
	}
}

func TestAppendPendingReadsOneCookiePerFlow(t *testing.T) {
	t.Parallel()
	names := secureNames
	lines := []string{
		"__Secure-next-auth.state.00000001=old; x=y; next-auth.state.00000002=http",
		"__Secure-next-auth.state=bare; __Secure-next-auth.state.0000000G=; __Secure-next-auth.state.000000001=long; __Secure-next-auth.state.0000000A=upper",
		"__Secure-next-auth.state.00000003=new%2B",
	}
	got := names.AppendPending(nil, lines)
	want := []authjs.Cookie{
		{Name: "__Secure-next-auth.state.00000001", Value: "old"},
		{Name: "__Secure-next-auth.state.00000003", Value: "new+"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}

	var many strings.Builder
	for i := range 100 {
		fmt.Fprintf(&many, "__Secure-next-auth.state.%08x=v; ", i)
	}
	if got := names.AppendPending(nil, []string{many.String()}); len(got) != 32 {
		t.Errorf("%d of 100 pending sign-ins read, want 32", len(got))
	}
}

func TestManyCookiesCostNoMemory(t *testing.T) {
	distinct, same := make([]string, 1500), make([]string, 1000)
	for i := range distinct {
		distinct[i] = fmt.Sprintf("c%d=%d", i, i)
	}
	for i := range same {
		same[i] = fmt.Sprintf("next-auth.session-token=%d", i)
	}
	for _, pairs := range [][]string{distinct, same} {
		lines := []string{strings.Join(pairs, "; "), "next-auth.session-token.0=part"}
		var buf [8]string
		allocs := testing.AllocsPerRun(10, func() {
			got := plainNames.ReadSession(lines)
			got.AppendTokens(buf[:0])
			authjs.AppendValues(buf[:0], lines, plainNames.Session)
		})
		if allocs != 0 {
			t.Errorf("%d cookies: %v allocations", len(pairs), allocs)
		}
	}
}

func FuzzCookieValueIsDecodedLikeDecodeURIComponent(f *testing.F) {
	for _, s := range []string{"plain", "%7C", "%", "%4", "%C3%AB", "%ff%41", `"q"`, "a%00b", "%%41", "ë"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if strings.ContainsAny(value, "; \t\"") || value == "" {
			return
		}
		want, err := url.PathUnescape(value)
		if err != nil || (strings.Contains(value, "%") && !utf8.ValidString(want)) {
			want = value
		}
		got := authjs.AppendValues(nil, []string{"b=1; a=" + value}, "a")
		if len(got) != 1 || got[0] != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	})
}
