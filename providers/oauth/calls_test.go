package oauth

import (
	"compress/gzip"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

var calls = []string{
	providertest.DiscoveryPath, providertest.TokenPath, providertest.JWKSPath, providertest.UserinfoPath,
}

// signInWith goes the whole way with one endpoint replaced; userinfo is needed.
func signInWith(t *testing.T, path string, handle http.HandlerFunc) error {
	t.Helper()
	s := providertest.New(t)
	p := loadOIDC(t, corp(s))
	s.Set(providertest.Behaviour{
		EditIDToken: func(c map[string]any) { delete(c, "name") },
		Handle:      map[string]http.HandlerFunc{path: handle},
	})
	target, err := p.Begin(t.Context(), newFlow(), nil)
	if err != nil {
		return err
	}
	answer, err := s.Authorize(target)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Finish(t.Context(), newFlow(), answer)
	return err
}

// Codes, secrets and tokens stay with the endpoint they were meant for.
func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, path := range calls {
		for _, status := range []int{301, 302, 307, 308} {
			t.Run(path+" "+http.StatusText(status), func(t *testing.T) {
				elsewhere := providertest.New(t)
				err := signInWith(t, path, func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, elsewhere.URL+path, status)
				})
				providertest.MustFail(t, err, "status 30")
				if n := len(elsewhere.Requests(path)); n > 0 {
					t.Errorf("the other host got %d requests", n)
				}
			})
		}
	}
}

// Bodies are bounded, also after decompression.
func TestHugeAnswersAreRefused(t *testing.T) {
	const much = 2 << 20
	filler := strings.Repeat(" ", 64<<10)
	for _, path := range calls {
		for encoding, handle := range map[string]http.HandlerFunc{
			"plain": func(w http.ResponseWriter, _ *http.Request) {
				for range much / len(filler) {
					_, _ = w.Write([]byte(filler))
				}
				_, _ = w.Write([]byte("{}"))
			},
			"gzip": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				for range much / len(filler) {
					_, _ = z.Write([]byte(filler))
				}
				_, _ = z.Write([]byte("{}"))
				_ = z.Close()
			},
			"headers": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Filler", strings.Repeat("x", 2*64<<10))
				_, _ = w.Write([]byte("{}"))
			},
		} {
			t.Run(path+" "+encoding, func(t *testing.T) {
				want := "larger than"
				if encoding == "headers" {
					want = "exceed"
				}
				providertest.MustFail(t, signInWith(t, path, handle), want)
			})
		}
	}
}

func TestAKeySetOverHalfAMegabyteIsRefused(t *testing.T) {
	t.Parallel()
	err := signInWith(t, providertest.JWKSPath, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"keys":[]` + strings.Repeat(" ", 512<<10) + `}`))
	})
	providertest.MustFail(t, err, "larger than 524288")
}

func TestOutgoingRequestsTellNothingOfTheHost(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	if _, err := signIn(t, loadOIDC(t, corp(s)), s); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{providertest.DiscoveryPath, providertest.TokenPath, providertest.JWKSPath} {
		if got := s.Requests(path)[0].Header.Get("User-Agent"); got != "caddy-signin" {
			t.Errorf("%s: User-Agent is %q", path, got)
		}
	}
}
