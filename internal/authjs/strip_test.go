package authjs_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

func TestStripRemovesOurCookiesAndLeavesTheOthersAsTheyAre(t *testing.T) {
	t.Parallel()
	const (
		session = "__Secure-next-auth.session-token=eyJ"
		csrf    = "__Host-next-auth.csrf-token=a%7Cb"
	)
	cases := map[string]struct{ lines, want []string }{
		"none at all":           {nil, nil},
		"nothing ours":          {[]string{"a=1;b = 2 ;; c", ""}, []string{"a=1;b = 2 ;; c", ""}},
		"only ours":             {[]string{session + "; " + csrf, "next-auth.state.01234567=x"}, nil},
		"only ours and breaks":  {[]string{"; " + session + "; ;"}, nil},
		"first":                 {[]string{session + ";  a=1; b=2"}, []string{"a=1; b=2"}},
		"last":                  {[]string{"a=1; b=2; " + session}, []string{"a=1; b=2"}},
		"middle":                {[]string{"a=1; " + session + ";b=2"}, []string{"a=1;b=2"}},
		"several":               {[]string{csrf + "; a=1; " + session + "; b=2; next-auth.session-token.0=x"}, []string{"a=1; b=2"}},
		"odd bytes of others":   {[]string{"a=\x80\"; =;  b ==\t; " + session}, []string{"a=\x80\"; =;  b ==\t"}},
		"blanks around a name":  {[]string{"a=1;\t next-auth.session-token =x; b=2"}, []string{"a=1; b=2"}},
		"a line without ours":   {[]string{session, "  a=1; "}, []string{"  a=1; "}},
		"on one of three lines": {[]string{"a=1", session, "b=2"}, []string{"a=1", "b=2"}},
		"in another's value":    {[]string{"a=" + session}, []string{"a=" + session}},
	}
	for name, c := range cases {
		if got := authjs.Strip(c.lines); !slices.Equal(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestStripButSessionLeavesTheSessionToTheBackEnd(t *testing.T) {
	t.Parallel()
	got := secureNames.StripButSession([]string{
		"a=1; __Secure-next-auth.session-token=x; __Host-next-auth.csrf-token=y; next-auth.session-token.1=z",
		"__Secure-next-auth.state.01234567=s; __Secure-next-auth.callback-url=u",
	})
	want := []string{"a=1; __Secure-next-auth.session-token=x; next-auth.session-token.1=z"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestStripButSessionLeavesOneDialectsSession(t *testing.T) {
	t.Parallel()
	lines := []string{"a=1; authjs.session-token.0=x; next-auth.session-token=y; authjs.csrf-token=z"}
	for names, want := range map[*authjs.Names]string{
		secureNames: "a=1; next-auth.session-token=y",
		secureV5:    "a=1; authjs.session-token.0=x",
	} {
		if got := names.StripButSession(lines); !slices.Equal(got, []string{want}) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := authjs.Strip(lines); !slices.Equal(got, []string{"a=1"}) {
		t.Errorf("without the sessions: %q", got)
	}
}

func TestStripReturnsItsArgumentWhenNothingIsOurs(t *testing.T) {
	lines := []string{"a=1; b=2", "c=3"}
	if got := authjs.Strip(lines); &got[0] != &lines[0] {
		t.Error("another slice")
	}
	set := []string{"a=1; Path=/"}
	if got := authjs.StripSetCookie(set); &got[0] != &set[0] {
		t.Error("another slice for Set-Cookie")
	}
	allocs := testing.AllocsPerRun(10, func() {
		authjs.Strip(lines)
		authjs.StripSetCookie(set)
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestStripNeverWritesToItsArgument(t *testing.T) {
	t.Parallel()
	lines := []string{"a=1", "next-auth.session-token=x; b=2", "next-auth.csrf-token=y", "c=3"}
	before := slices.Clone(lines)
	authjs.Strip(lines)
	authjs.StripSetCookie(lines)
	if !slices.Equal(lines, before) {
		t.Errorf("now %q", lines)
	}
}

func TestStripWorksBeyondTheReadingLimit(t *testing.T) {
	t.Parallel()
	long := "a=" + strings.Repeat("x", 70<<10)
	if got := authjs.Strip([]string{long + "; next-auth.session-token=t"}); len(got) != 1 || got[0] != long {
		t.Error("our cookie went on, or another didn't")
	}
}

func TestStripSetCookieKeepsUpstreamsFromOurCookies(t *testing.T) {
	t.Parallel()
	cases := map[string]bool{ // whether the line is removed
		"next-auth.session-token=x; Path=/":              true,
		"__Secure-next-auth.session-token.3=; Max-Age=0": true,
		" next-auth.csrf-token =x":                       true,
		"next-auth.state.01234567=x":                     true,
		"=next-auth.session-token=x":                     true,
		"__Secure-authjs.session-token=x":                true,
		"next-auth.session-token":                        true,
		"theme=dark; Path=/":                             false,
		"theme=next-auth.session-token=x":                false,
		"a=1; next-auth.session-token=x":                 false,
		"":                                               false,
	}
	for line, removed := range cases {
		got := authjs.StripSetCookie([]string{line})
		if (got == nil) != removed {
			t.Errorf("%q: removed=%v", line, got == nil)
		}
	}
	got := authjs.StripSetCookie([]string{"a=1", "next-auth.csrf-token=x", "b=2"})
	if !slices.Equal(got, []string{"a=1", "b=2"}) {
		t.Errorf("the others are %q", got)
	}
}

func FuzzStripLeavesNothingOfOursAndAllElse(f *testing.F) {
	f.Add("a=1; next-auth.session-token=x; b=2", "c=3")
	f.Add("next-auth.state.01234567=x", "; ;=;__Host-next-auth.csrf-token=")
	f.Fuzz(func(t *testing.T, one, two string) {
		lines := []string{one, two}
		got := authjs.Strip(lines)
		var want []string
		for _, line := range lines {
			for piece := range strings.SplitSeq(line, ";") {
				name, _, found := strings.Cut(piece, "=")
				if found && authjs.Own(strings.Trim(name, " \t")) {
					continue
				}
				want = append(want, strings.Trim(piece, " \t"))
			}
		}
		var left []string
		for _, line := range got {
			for piece := range strings.SplitSeq(line, ";") {
				left = append(left, strings.Trim(piece, " \t"))
			}
		}
		empty := func(s string) bool { return s == "" }
		if !slices.Equal(slices.DeleteFunc(left, empty), slices.DeleteFunc(want, empty)) {
			t.Errorf("%q became %q", lines, got)
		}
	})
}
