package authjs_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// token returns a token of n characters, no two chunks of which are alike.
func token(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%07d-", i)
	}
	return b.String()[:n]
}

// read returns the tokens that a Cookie header may mean on a plain http origin.
func read(lines ...string) []string {
	got := plainNames.ReadSession(lines)
	return got.AppendTokens(nil)
}

const s = "next-auth.session-token"

func TestSessionIsReadWholeOrFromItsParts(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		cookies string
		want    []string
	}{
		"none":                             {"a=1", nil},
		"whole":                            {s + "=A", []string{"A"}},
		"several whole":                    {s + "=A; " + s + "=B", []string{"A", "B"}},
		"four at the most":                 {strings.Repeat(s+"=A; ", 9), []string{"A", "A", "A", "A"}},
		"two parts":                        {s + ".0=A; " + s + ".1=B", []string{"AB"}},
		"two parts, the other way round":   {s + ".1=B; " + s + ".0=A", []string{"AB"}},
		"one part":                         {s + ".0=A", []string{"A"}},
		"a whole one and parts":            {s + ".0=A; " + s + "=W; " + s + ".1=B", []string{"W", "AB"}},
		"an empty whole one is absent":     {s + "=; " + s + ".0=A", []string{"A"}},
		"a gap":                            {s + ".0=A; " + s + ".2=C", []string{"A"}},
		"a part too many":                  {s + ".0=AAA; " + s + ".1=BBB; " + s + ".2=C; " + s + ".3=XX", []string{"AAABBBC", "AAABBBCXX"}},
		"a part of another set, before":    {s + ".0=X; " + s + ".0=AA; " + s + ".1=B", []string{"XB", "AAB"}},
		"a part of another set, behind":    {s + ".0=AA; " + s + ".1=B; " + s + ".0=X", []string{"AAB", "XB"}},
		"two sets":                         {s + ".0=XX; " + s + ".1=Y; " + s + ".0=AA; " + s + ".1=BB; " + s + ".2=C", []string{"XXY", "XXYC", "AABBC"}},
		"no first part":                    {s + ".1=B", nil},
		"an empty part is a gap":           {s + ".0=A; " + s + ".1=; " + s + ".2=C", []string{"A"}},
		"an empty part counts as absent":   {s + ".0=; " + s + ".0=X; " + s + ".1=B", []string{"XB"}},
		".00 is no number":                 {s + ".00=X", nil},
		".01 is no number":                 {s + ".0=A; " + s + ".01=X", []string{"A"}},
		".16 is too many":                  {s + ".0=A; " + s + ".16=X", []string{"A"}},
		"a huge number":                    {s + ".0=A; " + s + ".18446744073709551617=X", []string{"A"}},
		"a negative number":                {s + ".0=A; " + s + ".-1=X; " + s + ".+1=X", []string{"A"}},
		"not a number":                     {s + ".0=A; " + s + ".x=X; " + s + ".=X; " + s + "-x=X", []string{"A"}},
		"the https name isn't read":        {"__Secure-" + s + "=A", nil},
		"parts are percent-decoded alone":  {s + ".0=%41; " + s + ".1=%4", []string{"A%4"}},
		"a foreign name that begins alike": {s + "s=A", nil},
	}
	for name, c := range cases {
		if got := read(c.cookies); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestSixteenPartsAreReadInNumericOrder(t *testing.T) {
	t.Parallel()
	var cookies []string
	want := ""
	for i := range 16 {
		part := string(rune('a' + i))
		want += part
		cookies = append(cookies, fmt.Sprintf("%s.%d=%s", s, i, part))
	}
	slices.Reverse(cookies)
	if got := read(strings.Join(cookies[:8], "; "), strings.Join(cookies[8:], "; ")); !slices.Equal(got, []string{want}) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// write returns name and length of the cookies that a session becomes; a
// deletion has length -1.
func write(t *testing.T, n *authjs.Names, tok, domain, received string) map[string]int {
	t.Helper()
	got := n.ReadSession([]string{received})
	cookies, err := n.SessionCookies(tok, authjs.Cookie{Domain: domain, Expires: time.Unix(1798012700, 0)}, &got)
	if err != nil {
		t.Fatal(err)
	}
	lengths := make(map[string]int)
	for _, c := range cookies {
		if _, twice := lengths[c.Name]; twice {
			t.Errorf("%s is written twice", c.Name)
		}
		lengths[c.Name] = len(c.Value)
		if c.MaxAge < 0 {
			lengths[c.Name] = -1
		}
		if c.Domain != domain || c.Secure != n.Secure {
			t.Errorf("%s has domain %q, secure %v", c.Name, c.Domain, c.Secure)
		}
		if len(c.String()) > 4096 {
			t.Errorf("%s takes %d bytes", c.Name, len(c.String()))
		}
	}
	return lengths
}

func TestSessionIsSplitAt3933Characters(t *testing.T) {
	t.Parallel()
	cases := map[int]map[string]int{
		1:        {s: 1},
		3932:     {s: 3932},
		3933:     {s: 3933},
		3934:     {s + ".0": 3933, s + ".1": 1},
		2 * 3933: {s + ".0": 3933, s + ".1": 3933},
		2*3933 + 1: {
			s + ".0": 3933, s + ".1": 3933, s + ".2": 1,
		},
	}
	for size, want := range cases {
		if got := write(t, plainNames, token(size), "", ""); !maps.Equal(got, want) {
			t.Errorf("%d characters: %v, want %v", size, got, want)
		}
	}
}

func TestAuthJSSplitsAt3936Characters(t *testing.T) {
	t.Parallel()
	const s = "__Secure-authjs.session-token"
	for size, want := range map[int]map[string]int{
		3936: {s: 3936},
		3937: {s + ".0": 3936, s + ".1": 1},
	} {
		if got := write(t, secureV5, token(size), "", ""); !maps.Equal(got, want) {
			t.Errorf("%d characters: %v, want %v", size, got, want)
		}
	}
}

func TestWritingDeletesWhatWasReceivedAndIsNotWrittenAnew(t *testing.T) {
	t.Parallel()
	cases := []struct {
		size     int
		received string
		want     map[string]int
	}{
		{10, s + "=old", map[string]int{s: 10}},
		{10, s + ".0=a; " + s + ".1=b", map[string]int{s: 10, s + ".0": -1, s + ".1": -1}},
		{10, s + "=; " + s + ".5=; " + s + ".15=x", map[string]int{s: 10, s + ".5": -1, s + ".15": -1}},
		{3934, s + "=old", map[string]int{s + ".0": 3933, s + ".1": 1, s: -1}},
		{3934, s + ".0=a; " + s + ".1=b; " + s + ".2=c", map[string]int{s + ".0": 3933, s + ".1": 1, s + ".2": -1}},
		{10, s + ".16=x; " + s + ".00=x; " + s + "-x=x; __Secure-" + s + "=x", map[string]int{s: 10}},
	}
	for _, c := range cases {
		if got := write(t, plainNames, token(c.size), "", c.received); !maps.Equal(got, c.want) {
			t.Errorf("%d characters after %q: %v, want %v", c.size, c.received, got, c.want)
		}
	}
}

func TestClearingDeletesEveryReceivedPartAndNothingElse(t *testing.T) {
	t.Parallel()
	got := secureNames.ReadSession([]string{"__Secure-" + s + "=x; __Secure-" + s + ".3=y; " + s + "=http"})
	if got.Empty() {
		t.Error("nothing received")
	}
	want := []string{
		"__Secure-" + s + "=; Max-Age=0; Domain=example.com; Path=/; HttpOnly; Secure; SameSite=Lax",
		"__Secure-" + s + ".3=; Max-Age=0; Domain=example.com; Path=/; HttpOnly; Secure; SameSite=Lax",
	}
	var lines []string
	for _, c := range secureNames.ClearSession(authjs.Cookie{Domain: "example.com", Expires: time.Unix(1, 0)}, &got) {
		lines = append(lines, c.String())
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q", lines)
	}

	none := secureNames.ReadSession([]string{"a=1"})
	if !none.Empty() || len(secureNames.ClearSession(authjs.Cookie{}, &none)) != 0 {
		t.Error("there is something to delete where nothing came")
	}
}

func TestLongDomainsMakeChunksSmallerNotLines(t *testing.T) {
	t.Parallel()
	domain := strings.Repeat("a.", 100) + "example.com"
	got := write(t, secureNames, token(10000), domain, "")
	if got["__Secure-"+s+".0"] >= 3933 || len(got) != 3 {
		t.Errorf("chunks %v", got)
	}
}

func TestSessionsBeyond16KiBAreRefusedWhole(t *testing.T) {
	t.Parallel()
	// Four full chunks and a fifth, each with its name in the Cookie header.
	const overhead = len(s) + len(".0=; ")
	fits := 16<<10 - 5*overhead
	none := authjs.Received{}
	if _, err := plainNames.SessionCookies(token(fits), authjs.Cookie{}, &none); err != nil {
		t.Errorf("%d bytes: %v", fits, err)
	}
	for _, size := range []int{fits + 1, 64 << 10, 1 << 20} {
		cookies, err := plainNames.SessionCookies(token(size), authjs.Cookie{}, &none)
		if !errors.Is(err, authjs.ErrTooLarge) || cookies != nil {
			t.Errorf("%d bytes: %d cookies, error %v", size, len(cookies), err)
		}
	}
	if _, err := plainNames.SessionCookies(token(100), authjs.Cookie{Domain: strings.Repeat("x", 5000)}, &none); !errors.Is(err, authjs.ErrTooLarge) {
		t.Errorf("no room for a value: error %v", err)
	}
}

func FuzzWhatIsWrittenIsReadAgain(f *testing.F) {
	f.Add("next-auth.session-token.0=a; next-auth.session-token=b", uint16(3934))
	f.Add("next-auth.session-token.7=a", uint16(10))
	f.Fuzz(func(t *testing.T, header string, size uint16) {
		tok := token(1 + int(size)%(16<<10))
		got := plainNames.ReadSession([]string{header})
		cookies, err := plainNames.SessionCookies(tok, authjs.Cookie{}, &got)
		if err != nil || authjs.Oversized([]string{header}) {
			return
		}
		browser := make(map[string]string)
		for piece := range strings.SplitSeq(header, ";") {
			if name, value, ok := strings.Cut(piece, "="); ok {
				browser[strings.Trim(name, " \t")] = value
			}
		}
		for _, c := range cookies {
			browser[c.Name] = c.Value
			if c.MaxAge < 0 {
				delete(browser, c.Name)
			}
		}
		var back []string
		for name, value := range browser {
			back = append(back, name+"="+value)
		}
		if tokens := read(back...); len(tokens) != 1 || tokens[0] != tok {
			t.Errorf("after %q, %d tokens, not the one written", header, len(tokens))
		}
		// What is written is found beside what the browser keeps, too.
		if tokens := read(append(back, header)...); !slices.Contains(tokens, tok) && !authjs.Oversized(append(back, header)) {
			t.Errorf("beside %q, %d tokens, none of them the one written", header, len(tokens))
		}
	})
}
