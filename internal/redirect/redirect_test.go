package redirect_test

import (
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/redirect"
)

const app = "https://app.example.com"

// policy is that of https://app.example.com with two further rules.
func policy(t testing.TB) redirect.Policy {
	t.Helper()
	allowed, err := redirect.ParseAllowed("https://*.example.org", "https://partner.example:8443")
	if err != nil {
		t.Fatal(err)
	}
	return redirect.Policy{Origin: app, Allowed: allowed}
}

// isAllowed says whether policy lets a browser go to an origin.
func isAllowed(origin string) bool {
	label, below := strings.CutSuffix(origin, ".example.org")
	return origin == app || origin == "https://partner.example:8443" ||
		below && strings.HasPrefix(label, "https://") && strings.Count(label, ":") == 1
}

func TestGoodAddressesAreTakenAndAllOthersFallBack(t *testing.T) {
	t.Parallel()
	p := policy(t)
	for _, a := range addresses {
		want := app
		if a.good {
			want = a.value
			if strings.HasPrefix(a.value, "/") {
				want = app + a.value
			}
		}
		if got, ok := p.Resolve(a.value); got != want || ok != a.good {
			t.Errorf("%+q: %q, %v, want %q, %v", a.value, got, ok, want, a.good)
		}
		if a.good && !isAllowed(a.browser) {
			t.Errorf("%+q is good, and leads to %s", a.value, a.browser)
		}
	}
}

// What a sign-in has kept is judged again before it is used.
func TestAResolvedAddressIsGoodAgain(t *testing.T) {
	t.Parallel()
	p := policy(t)
	for _, a := range addresses {
		target, _ := p.Resolve(a.value)
		if again, ok := p.Resolve(target); !ok || again != target {
			t.Errorf("%q, resolved again, is %q, %v", target, again, ok)
		}
	}
}

func TestTextThatIsNotUTF8IsRefused(t *testing.T) {
	t.Parallel()
	if _, ok := policy(t).Resolve("/a\xff"); ok {
		t.Error("accepted")
	}
}

func TestAddressesAreLimitedIn2KiBAndToWhatACookieHolds(t *testing.T) {
	t.Parallel()
	p := policy(t)
	letters := strings.Repeat("a", redirect.MaxLength)
	cases := []struct {
		value string
		want  bool
	}{
		{"/" + letters[:redirect.MaxLength-len(app)-1], true},
		{"/" + letters[:redirect.MaxLength-len(app)], false},
		{app + "/" + letters[:redirect.MaxLength-len(app)-1], true},
		{app + "/" + letters[:redirect.MaxLength-len(app)], false},
		{"/" + strings.Repeat("é", 600), true},  // 3600 bytes as %C3%A9
		{"/" + strings.Repeat("é", 700), false}, // 4200
		{"/?" + strings.Repeat("/", 1500), false},
	}
	for _, c := range cases {
		if _, ok := p.Resolve(c.value); ok != c.want {
			t.Errorf("%d bytes, %.30q…: %v", len(c.value), c.value, ok)
		}
	}
}

func TestOriginsOfAllKindsKnowTheirOwn(t *testing.T) {
	t.Parallel()
	cases := []struct {
		origin, value string
		want          bool
	}{
		{"http://localhost:3000", "HTTP://LocalHost:3000/x", true},
		{"http://localhost:3000", "http://localhost:3001/x", false},
		{"http://localhost:3000", "http://localhost/x", false},
		{"http://localhost:3000", "https://localhost:3000/x", false},
		{"http://localhost", "http://localhost:80/x", true},
		{"http://localhost:80", "http://localhost/x", true},
		{"http://localhost", "http://localhost:443/x", false},
		{"http://[::1]:3000", "http://[::1]:3000/x", true},
		{"http://[::1]:3000", "http://[::1]:3001/x", false},
		{"http://[::1]:3000", "http://[::1]x:3000/", false},
		{"http://[::1]", "http://[::1]@evil.example/", false},
		{"http://127.0.0.1:3000", "http://127.0.0.1:3000/x", true},
		{"http://127.0.0.1:3000", "http://2130706433:3000/x", false},
		{"http://my_app:3000", "http://my_app:3000/x", true},
		{"https://xn--bcher-kva.example", "https://xn--bcher-kva.example/x", true},
		{"https://k.example", "https://\u212a.example/x", false},
		{"", "https://app.example.com/x", false},
		{"", "/x", false},
		{"https://app.example.com/", "https://app.example.com/x", false},
	}
	for _, c := range cases {
		target, ok := redirect.Policy{Origin: c.origin}.Resolve(c.value)
		if ok != c.want || (!ok && target != c.origin) {
			t.Errorf("%s at %s: %q, %v", c.value, c.origin, target, ok)
		}
	}
}

func TestAGatesReturnAddressStaysOnTheHost(t *testing.T) {
	t.Parallel()
	cases := []struct{ path, query, want string }{
		{"/", "", app + "/"},
		{"", "", app + "/"},
		{"/app/", "a=1&b=%2F", app + "/app/?a=1&b=%2F"},
		{"//evil.example/app/", "", app + "/evil.example/app/"},
		{"///evil.example/app/", "x", app + "/evil.example/app/?x"},
		{"evil.example/app", "", app + "/evil.example/app"},
		{"/.//evil.example", "", app},
		{"/x/..//evil.example", "", app},
		{"/%2fevil.example", "", app},
		{`/\evil.example`, "", app},
		{`//\evil.example`, "", app},
		{"/%5cevil.example", "", app},
		{"/a%20b/%C3%AB", "", app + "/a%20b/%C3%AB"},
		{"/a b/ë\r\n", "q=ë\x00", app + "/a%20b/%C3%AB%0D%0A?q=%C3%AB%00"},
		{"/x", `q=C:\dir`, app + `/x?q=C:%5Cdir`},
		{"/x?y#z", "a#b?c", app + "/x%3Fy%23z?a%23b?c"},
		{"/" + strings.Repeat("a", 3000), "", app},
		{"/a\xff", "", app + "/a%FF"},
	}
	p := policy(t)
	for _, c := range cases {
		if got := p.FromRequest(c.path, c.query); got != c.want {
			t.Errorf("%.40q, %q: %q, want %q", c.path, c.query, got, c.want)
		}
	}
}

func FuzzNoAddressLeadsElsewhere(f *testing.F) {
	for _, a := range addresses {
		f.Add(a.value)
	}
	p := policy(f)
	f.Fuzz(func(t *testing.T, value string) {
		target, ok := p.Resolve(value)
		if again, stillOK := p.Resolve(target); again != target || !stillOK {
			t.Fatalf("%q gives %q, and that gives %q", value, target, again)
		}
		if !ok && target != app {
			t.Fatalf("%q is refused and gives %q", value, target)
		}
		location := redirect.Location(target)
		if i := strings.IndexFunc(location, func(r rune) bool { return r <= ' ' || r > '~' }); i >= 0 {
			t.Fatalf("%q gives the header %q", value, location)
		}
		for _, address := range []string{target, location, p.FromRequest(value, value)} {
			if origin := browserOrigin(address, "https://page.example"); !isAllowed(origin) {
				t.Fatalf("%q gives %q, which leads to %s", value, address, origin)
			}
			// What a page does with new URL(address).pathname.
			_, afterScheme, _ := strings.Cut(address, "://")
			if slash := strings.IndexByte(afterScheme, '/'); slash >= 0 && browserOrigin(afterScheme[slash:], app) != app {
				t.Fatalf("%q gives %q, the path of which leads away", value, address)
			}
		}
	})
}
