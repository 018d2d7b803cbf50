package request

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestHostsAndPorts(t *testing.T) {
	t.Parallel()
	for hostport, want := range map[string]struct {
		host string
		port uint
		ok   bool
	}{
		"example.com":          {"example.com", 0, true},
		"EXAMPLE.com:8443":     {"example.com", 8443, true},
		"[::1]":                {"::1", 0, true},
		"[::1]:80":             {"::1", 80, true},
		"127.0.0.1:1":          {"127.0.0.1", 1, true},
		"example.com:":         {"", 0, false},
		"example.com:0":        {"", 0, false},
		"example.com:65536":    {"", 0, false},
		"example.com:http":     {"", 0, false},
		"example.com:80:80":    {"", 0, false},
		"::1":                  {"", 0, false},
		"":                     {"", 0, false},
		":80":                  {"", 0, false},
		"example.com:+80":      {"", 0, false},
		"example.com:00000080": {"example.com", 80, true},
	} {
		host, port, err := SplitHost(hostport)
		if host != want.host || port != want.port || (err == nil) != want.ok {
			t.Errorf("%q is %q, %d, %v", hostport, host, port, err)
		}
	}
}

func TestNamesOfHosts(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]struct{ hostname, loopback bool }{
		"localhost":         {true, true},
		"app.localhost":     {true, true},
		".localhost":        {false, false},
		"-a.localhost":      {false, false},
		"localhost.evil":    {true, false},
		"127.0.0.1":         {true, true},
		"127.9.9.9":         {true, true},
		"::1":               {false, true},
		"::ffff:127.0.0.1":  {false, true},
		"128.0.0.1":         {true, false},
		"0.0.0.0":           {true, false},
		"example.com":       {true, false},
		"example.com.":      {false, false},
		".example.com":      {false, false},
		"a..example.com":    {false, false},
		"exa_mple.com":      {false, false},
		"xn--bcher-kva.com": {true, false},
		"bücher.com":        {false, false},
		"a b.com":           {false, false},
		"":                  {false, false},
	} {
		if isHostname(host) != want.hostname || IsLoopbackName(host) != want.loopback {
			t.Errorf("%q is a host name: %t, loopback: %t", host, isHostname(host), IsLoopbackName(host))
		}
	}
}

// The demo's password counts on it.
func TestVisitorsAtThisMachine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		peer, header string
		here         bool
	}{
		{"127.0.0.1:50000", "", true},
		{"[::1]:50000", "", true},
		{"[::ffff:127.0.0.1]:50000", "", true},
		{"127.0.0.1:50000", "X-Forwarded-For", false},
		{"127.0.0.1:50000", "Forwarded", false},
		{"127.0.0.1:50000", "Via", false},
		{"192.0.2.1:50000", "", false},
		{"[2001:db8::1]:50000", "", false},
		{"@", "", false},
		{"", "", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = test.peer
		if test.header != "" {
			r.Header.Set(test.header, "127.0.0.1")
		}
		if IsDirectLoopback(r) != test.here {
			t.Errorf("%s with %q sits here: %t", test.peer, test.header, IsDirectLoopback(r))
		}
	}
}

func TestOriginsOfAConfiguration(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://app.example.com":        "https://app.example.com",
		"https://APP.example.com/":       "https://app.example.com",
		"https://app.example.com:443":    "https://app.example.com",
		"https://bücher.example":         "https://xn--bcher-kva.example",
		"https://BÜCHER.example:8443":    "https://xn--bcher-kva.example:8443",
		"https://\u0301x.example":        "",
		"http://app.example.com:80":      "http://app.example.com",
		"http://app.example.com:443":     "http://app.example.com:443",
		"http://[::1]:8080":              "http://[::1]:8080",
		"app.example.com":                "",
		"https://app.example.com/x":      "",
		"https://app.example.com?x":      "",
		"https://app.example.com#x":      "",
		"https://user@app.example.com":   "",
		"ftp://app.example.com":          "",
		"https://":                       "",
		"https://app.example.com:999999": "",
	} {
		got, err := ParseOrigin(raw)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v, want %q", raw, got, err, want)
		}
	}
}

// Should a realm that hands out links come to run behind a pattern all the same,
// that names no host of a client's choice.
func TestPatternsNameNoHostWhereLinksAreHandedOut(t *testing.T) {
	t.Setenv("ORIGIN_TEST_HOST", "App.Example")
	srv := &caddyhttp.Server{Listen: []string{":80"}, Routes: caddyhttp.RouteList{{MatcherSets: caddyhttp.MatcherSets{{
		&caddyhttp.MatchHost{"One.example", "*.corp.example", "{env.ORIGIN_TEST_HOST}", "*.localhost"},
	}}}}}
	for host, want := range map[string]struct{ any, fixed string }{
		"one.example":       {"one.example", "one.example"},
		"app.example":       {"{env.ORIGIN_TEST_HOST}", "{env.ORIGIN_TEST_HOST}"},
		"evil.corp.example": {"*.corp.example", ""},
		"e_1.corp.example":  {"*.corp.example", ""},
		"_.-.corp.example":  {"", ""},
		"a.localhost":       {"*.localhost", "*.localhost"},
		"other.example":     {"", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://"+host+"/", nil)
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, nil)
		hosts := NewHosts(srv)
		for _, fixed := range []bool{false, true} {
			hosts.exactOnly = fixed
			_, name, err := hosts.Resolve(r, Asked{Host: host})
			if expected := map[bool]string{false: want.any, true: want.fixed}[fixed]; name != expected || (err == nil) != (expected != "") {
				t.Errorf("%s, fixed: %t: %q, %v, want %q", host, fixed, name, err, expected)
			}
		}
	}
}
