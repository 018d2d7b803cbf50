package providers

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

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

// L2: codes, secrets and tokens stay with the endpoint they were meant for.
func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, path := range calls {
		for _, status := range []int{301, 302, 307, 308} {
			t.Run(path+" "+http.StatusText(status), func(t *testing.T) {
				elsewhere := providertest.New(t)
				err := signInWith(t, path, func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, elsewhere.URL+path, status)
				})
				mustFail(t, err, "status 30")
				if n := len(elsewhere.Requests(path)); n > 0 {
					t.Errorf("the other host got %d requests", n)
				}
			})
		}
	}
}

// L3: bodies are bounded, also after decompression.
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
				w.Header().Set("X-Filler", strings.Repeat("x", 2*maxHeader))
				_, _ = w.Write([]byte("{}"))
			},
		} {
			t.Run(path+" "+encoding, func(t *testing.T) {
				want := "larger than"
				if encoding == "headers" {
					want = "exceed"
				}
				mustFail(t, signInWith(t, path, handle), want)
			})
		}
	}
}

func TestAKeySetOverHalfAMegabyteIsRefused(t *testing.T) {
	err := signInWith(t, providertest.JWKSPath, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"keys":[]` + strings.Repeat(" ", maxKeySet) + `}`))
	})
	mustFail(t, err, "larger than 524288")
}

func TestABodyOfExactlyTheLimitIsRead(t *testing.T) {
	body := strings.Repeat("x", maxAnswer)
	for extra, wantErr := range map[string]error{"": nil, "x": errTooLarge} {
		server := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body + extra)) })
		client := newHTTPClient(outgoing{inProcess{server}})
		_, err := getJSON(t.Context(), client, "http://op.example/", 2*maxAnswer)
		if !errors.Is(err, wantErr) {
			t.Errorf("%d bytes: got %v, want %v", len(body+extra), err, wantErr)
		}
	}
}

// L3: a provider that hangs costs ten seconds at most, and a caller who goes
// away costs nothing.
func TestCallsEnd(t *testing.T) {
	hang := outgoing{roundTripFunc(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, context.Cause(req.Context())
	})}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := getJSON(t.Context(), newHTTPClient(hang), "http://op.example/", maxAnswer)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != callTimeout {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		_, err = getJSON(ctx, newHTTPClient(hang), "http://op.example/", maxAnswer)
		if err == nil || time.Since(start) != time.Second {
			t.Errorf("the caller went after a second; after %v: %v", time.Since(start), err)
		}
	})
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestOutgoingRequestsTellNothingOfTheHost(t *testing.T) {
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

// The transport writes notes into Caddy's request variables, from goroutines
// that may outlive the request.
func TestOutgoingRequestsShareNoVariables(t *testing.T) {
	vars := map[string]any{"mine": true}
	ctx := context.WithValue(t.Context(), caddyhttp.VarsCtxKey, vars)
	transport := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		caddyhttp.SetVar(req.Context(), "note", true)
		return httptest.NewRecorder().Result(), nil
	})
	if _, err := getJSON(ctx, newHTTPClient(outgoing{transport}), "http://op.example/", maxAnswer); err != nil {
		t.Fatal(err)
	}
	if len(vars) != 1 {
		t.Errorf("the request's variables became %v", vars)
	}
}

// L6: proxies only by configuration.
func TestProxies(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://from-environment.example")
	request := httptest.NewRequest(http.MethodGet, "https://op.example/", nil)
	for name, tc := range map[string]struct {
		transport config
		want      string
	}{
		"of the environment aren't used": {config{}, "<nil>"},
		"of the configuration are":       {config{"network_proxy": config{"from": "url", "url": "http://proxy.example"}}, "http://proxy.example"},
	} {
		t.Run(name, func(t *testing.T) {
			p := loadOIDC(t, config{
				"id": "corp", "issuer": "https://op.example", "client_id": "c", "client_secret": "s", "transport": tc.transport,
			})
			transport := p.client.http.Transport.(outgoing).next.(*reverseproxy.HTTPTransport).Transport
			proxy, err := transport.Proxy(request)
			if got := fmt.Sprint(proxy); got != tc.want || err != nil {
				t.Errorf("the proxy is %s, %v; want %s", got, err, tc.want)
			}
		})
	}
}

func TestCheckURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://op.example":             "",
		"https://op.example/a?b=c":       "",
		"http://localhost:4000":          "",
		"http://op.localhost":            "",
		"http://127.0.0.1:1/x":           "",
		"http://[::1]/x":                 "",
		"http://op.example":              "insecure_http",
		"http://127.0.0.1.evil.example/": "insecure_http",
		"http://localhost.evil.example/": "insecure_http",
		"ftp://op.example":               "https URL",
		"file:///etc/passwd":             "https URL",
		"https:op.example":               "https URL",
		"//op.example":                   "https URL",
		"op.example":                     "https URL",
		"":                               "https URL",
		"https://":                       "https URL",
		"https://user:pw@op.example":     "user name",
		"https://op.example/#x":          "fragment",
	} {
		err := checkURL(raw, false)
		if want == "" && err != nil {
			t.Errorf("%q: %v", raw, err)
		} else if want != "" {
			mustFail(t, err, want)
		}
	}
	if err := checkURL("http://op.example", true); err != nil {
		t.Errorf("insecure_http: %v", err)
	}
}
