package outgoing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

func TestABodyOfExactlyTheLimitIsRead(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("x", MaxAnswer)
	for extra, wantErr := range map[string]error{"": nil, "x": errTooLarge} {
		server := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body + extra)) })
		client := Client(inProcess{server})
		_, err := Get(t.Context(), client, "http://op.example/", 2*MaxAnswer)
		if !errors.Is(err, wantErr) {
			t.Errorf("%d bytes: got %v, want %v", len(body+extra), err, wantErr)
		}
	}
}

// A provider that hangs costs ten seconds at most, and a caller who goes
// away costs nothing.
func TestCallsEnd(t *testing.T) {
	hang := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, context.Cause(req.Context())
	})
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := Get(t.Context(), Client(hang), "http://op.example/", MaxAnswer)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != CallTimeout {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		_, err = Get(ctx, Client(hang), "http://op.example/", MaxAnswer)
		if err == nil || time.Since(start) != time.Second {
			t.Errorf("the caller went after a second; after %v: %v", time.Since(start), err)
		}
	})
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// The transport writes notes into Caddy's request variables, from goroutines
// that may outlive the request.
func TestOutgoingRequestsShareNoVariables(t *testing.T) {
	t.Parallel()
	vars := map[string]any{"mine": true}
	ctx := context.WithValue(t.Context(), caddyhttp.VarsCtxKey, vars)
	transport := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		caddyhttp.SetVar(req.Context(), "note", true)
		return httptest.NewRecorder().Result(), nil
	})
	if _, err := Get(ctx, Client(transport), "http://op.example/", MaxAnswer); err != nil {
		t.Fatal(err)
	}
	if len(vars) != 1 {
		t.Errorf("the request's variables became %v", vars)
	}
}

// module is a guest module that calls somebody.
type module struct {
	TransportRaw json.RawMessage `json:"transport,omitempty" caddy:"namespace=http.reverse_proxy.transport inline_key=protocol"`
}

func load(t *testing.T, transport string) (*http.Client, json.RawMessage) {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	m := module{TransportRaw: json.RawMessage(transport)}
	client, settings, err := NewClient(ctx, &m, &m.TransportRaw)
	if err != nil {
		t.Fatal(err)
	}
	return client, settings
}

// A proxy is used only where the configuration says so.
func TestProxies(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://from-environment.example")
	request := httptest.NewRequest(http.MethodGet, "https://op.example/", nil)
	for name, tc := range map[string]struct{ transport, want string }{
		"of the environment aren't used": {`{}`, "<nil>"},
		"of the configuration are":       {`{"network_proxy": {"from": "url", "url": "http://proxy.example"}}`, "http://proxy.example"},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := load(t, tc.transport)
			transport := client.Transport.(bounded).next.(*reverseproxy.HTTPTransport).Transport
			proxy, err := transport.Proxy(request)
			if got := fmt.Sprint(proxy); got != tc.want || err != nil {
				t.Errorf("the proxy is %s, %v; want %s", got, err, tc.want)
			}
		})
	}
}

// A code is good for one use, so it must not go into a connection that the
// provider's server is just about to close.
func TestIdleConnectionsEndBeforeServersEndThem(t *testing.T) {
	const gunicorns = 2 * time.Second // the shortest default of those in wide use
	for name, c := range map[string]struct {
		given string
		right func(idle time.Duration) bool
	}{
		"the default": {`{}`, func(idle time.Duration) bool { return idle > 0 && idle < gunicorns }},
		"one's own":   {`{"keep_alive": {"idle_timeout": "1m"}}`, func(idle time.Duration) bool { return idle == time.Minute }},
	} {
		t.Run(name, func(t *testing.T) {
			_, settings := load(t, c.given)
			var used struct {
				KeepAlive struct {
					IdleTimeout caddy.Duration `json:"idle_timeout"`
				} `json:"keep_alive"`
			}
			if err := json.Unmarshal(settings, &used); err != nil {
				t.Fatal(err)
			}
			if idle := time.Duration(used.KeepAlive.IdleTimeout); !c.right(idle) {
				t.Errorf("idle connections end after %s", idle)
			}
		})
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
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
		err := CheckURL(raw, false)
		if want == "" && err != nil {
			t.Errorf("%q: %v", raw, err)
		} else if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v; want an error with %q", raw, err, want)
		}
	}
	if err := CheckURL("http://op.example", true); err != nil {
		t.Errorf("insecure_http: %v", err)
	}
}

// inProcess answers requests by calling a handler, without a network, so that it
// works under a fake clock.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	p.handler.ServeHTTP(recorder, req)
	return recorder.Result(), nil
}

// The URL of a call may hold a token, which its error would print.
func TestErrorsOfCallsHoldNoURL(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	address := server.URL + "/userinfo?access_token=a-secret"
	server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := Client(http.DefaultTransport).Do(r)
	if err == nil {
		resp.Body.Close()
		t.Fatal("a server that is gone answers")
	}
	for _, failed := range []error{err, fmt.Errorf("asking: %w", err)} {
		if told := WithoutURL(failed); told == nil || strings.Contains(told.Error(), "a-secret") {
			t.Errorf("the error is %v", told)
		}
	}
}
