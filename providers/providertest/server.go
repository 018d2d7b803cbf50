// Package providertest is a fake identity provider for tests: an OpenID Connect
// provider and GitHub's OAuth 2.0 endpoints, on a loopback port. As it comes it
// is a strict and correct provider; [Behaviour] makes it misbehave in one point.
package providertest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
)

// The paths of the endpoints below [Server.URL].
const (
	DiscoveryPath       = "/.well-known/openid-configuration"
	AuthorizePath       = "/authorize"
	TokenPath           = "/token"
	UserinfoPath        = "/userinfo"
	JWKSPath            = "/jwks"
	GitHubAuthorizePath = "/login/oauth/authorize"
	GitHubTokenPath     = "/login/oauth/access_token"
	GitHubUserPath      = "/user"
	GitHubEmailsPath    = "/user/emails"
)

// Server is the fake provider. It approves every authorization request at once
// as the one person whose claims [Behaviour] gives.
type Server struct {
	// URL is the issuer, without a trailing slash.
	URL string
	// ClientID and ClientSecret are the only registered client.
	ClientID, ClientSecret string

	mu        sync.Mutex
	behaviour Behaviour
	keys      []signingKey
	grants    map[string]url.Values // by code: the authorization request
	tokens    map[string]bool       // access tokens issued
	granted   map[string]url.Values // by access token: the authorization request
	requests  map[string][]Request
	serial    int
}

// Request is one that the server got.
type Request struct {
	// Method is the HTTP method, Header the header as it arrived.
	Method string
	Header http.Header
	// Form holds the query's and the body's parameters.
	Form url.Values
}

// Behaviour is how the server answers. The zero value is a correct provider
// of OpenID Connect, with Alice as the person.
type Behaviour struct {
	// Claims of the person, in the ID token. Default: [Alice].
	Claims map[string]any
	// Userinfo is the userinfo endpoint's answer. Default: Claims.
	Userinfo map[string]any
	// GitHubUser and GitHubEmails are the answers of GitHub's endpoints.
	// Default: [Octocat] and her one verified address.
	GitHubUser   map[string]any
	GitHubEmails []map[string]any

	// Alg signs ID tokens: RS256 (default), ES256, EdDSA or HS256.
	Alg string
	// Header adds to an ID token's header; a nil value takes a member out.
	Header map[string]any
	// Sign replaces the signing of ID tokens.
	Sign func(claims map[string]any) string

	// These change a document before it is sent.
	EditDiscovery, EditJWKS, EditIDToken, EditTokenAnswer func(map[string]any)
	// Scoped gives only the claims that the authorization request's scopes stand
	// for, and tells the scopes in the token answer (RFC 6749 section 5.1). TellsNoScope
	// leaves the telling out.
	Scoped, TellsNoScope bool
	// EditAnswer changes the callback's parameters.
	EditAnswer func(url.Values)
	// Handle replaces endpoints, by path.
	Handle map[string]http.HandlerFunc
}

// Alice returns the claims of the default person.
func Alice() map[string]any {
	return map[string]any{
		"sub": "alice-1", "name": "Alice Example",
		"email": "alice@example.com", "email_verified": true,
		"picture": "https://img.example/alice.png", "groups": []any{"admins", "staff"},
	}
}

// Octocat returns the default answer of GitHub's GET /user.
func Octocat() map[string]any {
	return map[string]any{
		"id": 583231, "login": "octocat", "name": nil, "email": nil,
		"avatar_url": "https://avatars.example/u/583231",
	}
}

// New starts a server that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := NewHandler("")
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// NewHandler returns a server that nobody serves yet, for an issuer URL.
func NewHandler(issuer string) *Server {
	return &Server{
		URL:      issuer,
		ClientID: "client-1", ClientSecret: "a-client-secret-of-over-32-bytes-in-length",
		keys:     []signingKey{newKeys(0)},
		grants:   make(map[string]url.Values),
		tokens:   make(map[string]bool),
		granted:  make(map[string]url.Values),
		requests: make(map[string][]Request),
	}
}

// Set replaces how the server answers from now on.
func (s *Server) Set(b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behaviour = b
}

// Requests returns what an endpoint was asked so far.
func (s *Server) Requests(path string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[path]
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "bad form", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	request := Request{Method: r.Method, Header: r.Header.Clone(), Form: maps.Clone(r.Form)}
	s.requests[r.URL.Path] = append(s.requests[r.URL.Path], request)
	b := s.behaviour.withDefaults()
	s.mu.Unlock()

	if handle, ok := b.Handle[r.URL.Path]; ok {
		handle(w, r)
		return
	}
	endpoints := map[string]func(http.ResponseWriter, *http.Request, Behaviour){
		DiscoveryPath:       s.serveDiscovery,
		AuthorizePath:       s.serveAuthorize,
		GitHubAuthorizePath: s.serveAuthorize,
		TokenPath:           s.serveToken,
		GitHubTokenPath:     s.serveGitHubToken,
		UserinfoPath:        s.serveUserinfo,
		JWKSPath:            s.serveJWKS,
		GitHubUserPath:      s.bearer(func(b Behaviour) any { return b.GitHubUser }),
		GitHubEmailsPath:    s.bearer(func(b Behaviour) any { return b.GitHubEmails }),
	}
	serve, ok := endpoints[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	serve(w, r, b)
}

func (b Behaviour) withDefaults() Behaviour {
	if b.Claims == nil {
		b.Claims = Alice()
	}
	if b.Userinfo == nil {
		b.Userinfo = b.Claims
	}
	if b.GitHubUser == nil {
		b.GitHubUser = Octocat()
	}
	if b.GitHubEmails == nil {
		b.GitHubEmails = []map[string]any{{"email": "octocat@example.com", "primary": true, "verified": true}}
	}
	if b.Alg == "" {
		b.Alg = "RS256"
	}
	return b
}

func (s *Server) serveDiscovery(w http.ResponseWriter, _ *http.Request, b Behaviour) {
	document := map[string]any{
		"issuer":                                s.URL,
		"authorization_endpoint":                s.URL + AuthorizePath,
		"token_endpoint":                        s.URL + TokenPath,
		"userinfo_endpoint":                     s.URL + UserinfoPath,
		"jwks_uri":                              s.URL + JWKSPath,
		"id_token_signing_alg_values_supported": []any{"none", "HS256", "RS256", "ES256", "EdDSA"},
		"authorization_response_iss_parameter_supported": true,
	}
	edit(b.EditDiscovery, document)
	writeJSON(w, http.StatusOK, document)
}

func (s *Server) serveJWKS(w http.ResponseWriter, _ *http.Request, b Behaviour) {
	s.mu.Lock()
	var keys []any
	for _, key := range s.keys {
		keys = append(keys, key.public()...)
	}
	s.mu.Unlock()
	document := map[string]any{"keys": keys}
	edit(b.EditJWKS, document)
	writeJSON(w, http.StatusOK, document)
}

// bearer answers requests that carry an access token of this server's in the
// Authorization header.
func (s *Server) bearer(answer func(Behaviour) any) func(http.ResponseWriter, *http.Request, Behaviour) {
	return func(w http.ResponseWriter, r *http.Request, b Behaviour) {
		s.mu.Lock()
		known := r.Method == http.MethodGet && s.tokens[r.Header.Get("Authorization")]
		s.mu.Unlock()
		if !known {
			writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
			return
		}
		writeJSON(w, http.StatusOK, answer(b))
	}
}

func (s *Server) serveUserinfo(w http.ResponseWriter, r *http.Request, b Behaviour) {
	s.mu.Lock()
	request := s.granted[r.Header.Get("Authorization")]
	s.mu.Unlock()
	s.bearer(func(b Behaviour) any { return b.released(b.Userinfo, request) })(w, r, b)
}

func edit(change func(map[string]any), document map[string]any) {
	if change != nil {
		change(document)
	}
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // a client that went away is no concern here
}
