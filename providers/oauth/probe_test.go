package oauth

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// plainServer speaks no TLS, and nothing of HTTP that TLS could recognize.
func plainServer(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	go func() {
		for {
			conn, err := server.Listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "220 mail.example.com ESMTP\r\n")
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = server.Listener.Close() })
	return "http://" + server.Listener.Addr().String()
}

func TestProbe(t *testing.T) {
	fails := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	for name, tc := range map[string]struct {
		behaviour providertest.Behaviour
		config    config
		want      string
	}{
		"all is well":  {providertest.Behaviour{}, nil, ""},
		"no discovery": {providertest.Behaviour{Handle: map[string]http.HandlerFunc{providertest.DiscoveryPath: fails}}, nil, "answered with status 502"},
		"it leads elsewhere": {providertest.Behaviour{Handle: map[string]http.HandlerFunc{providertest.DiscoveryPath: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}}}, nil, "answered with status 302 (redirects are not followed"},
		"another issuer":    {providertest.Behaviour{EditDiscovery: func(d map[string]any) { d["issuer"] = "https://other.example" }}, nil, "set issuer to https://other.example if that is yours"},
		"no keys":           {providertest.Behaviour{Handle: map[string]http.HandlerFunc{providertest.JWKSPath: fails}}, nil, "/jwks answered with status 502"},
		"keys aren't used":  {providertest.Behaviour{Handle: map[string]http.HandlerFunc{providertest.JWKSPath: fails}}, config{"id_token_signed_response_alg": "HS256"}, ""},
		"nowhere to push":   {providertest.Behaviour{}, config{"pushed_authorization_request_endpoint": "discovered"}, "names no pushed_authorization_request_endpoint"},
		"no usable signing": {providertest.Behaviour{EditDiscovery: func(d map[string]any) { d["id_token_signing_alg_values_supported"] = []any{"none"} }}, nil, "offers none of RS256"},
		"a token endpoint without TLS": {
			providertest.Behaviour{},
			config{"token_endpoint": strings.Replace(plainServer(t), "http:", "https:", 1)},
			"(what answers there speaks no TLS: is the port right?)",
		},
		"a token endpoint that is gone": {
			providertest.Behaviour{},
			config{"token_endpoint": providertest.ClosedPort() + "/token"},
			"connection refused (nothing listens there: is it up, and are host and port right?)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			s.Set(tc.behaviour)
			_, err := providertest.Probe(t, loadOIDC(t, corp(s).With(tc.config)))
			if tc.want != "" {
				providertest.MustFail(t, err, tc.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// Only the first page of each server is asked, and without credentials.
func TestProbeOfOAuth2AsksNothingOfTheEndpoints(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	looked, err := providertest.Probe(t, loadOAuth2(t, octo(s).With(config{"email_endpoint": "off"})))
	if err != nil || looked != "connection to "+s.URL {
		t.Errorf("%q: %v", looked, err)
	}
	for _, path := range []string{providertest.GitHubTokenPath, providertest.GitHubUserPath} {
		if asked := s.Requests(path); len(asked) != 0 {
			t.Errorf("%s was asked %v", path, asked)
		}
	}
	if asked := s.Requests("/"); len(asked) != 1 || asked[0].Method != http.MethodHead || asked[0].Header.Get("Authorization") != "" {
		t.Errorf("the server was asked %v", asked)
	}
}
