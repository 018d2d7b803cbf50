package providertest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The registered client of every vendor, and what it hands out.
const (
	VendorClientID     = "client-1"
	VendorClientSecret = "a-client-secret-of-over-32-bytes-in-length"
	vendorAccessToken  = "ACCESS-TOKEN"
	vendorCode         = "CODE"
)

// Vendor plays the services of one vendor at their own addresses, as an
// [http.RoundTripper], from what is known of that vendor. It refuses requests
// that the vendor would refuse, and remembers why.
type Vendor struct {
	// Addresses, without a query. Discovery is empty for plain OAuth 2.
	Discovery, Token, Userinfo, Emails string
	// Issuer is what the discovery document says; TokenIssuer what ID tokens
	// say. Default: Issuer.
	Issuer, TokenIssuer string
	// Queries that the requests must have.
	DiscoveryQuery, TokenQuery, UserinfoQuery map[string]string
	UserinfoHeaders                           map[string]string

	Auth                             string // client_secret_basic or client_secret_post
	ClientIDName, SecretName, Code   string // the vendor's names for the parameters
	GrantType                        string
	TokenMethod, UserinfoMethod      string
	UserinfoJSON                     bool   // the userinfo request has a JSON body
	TokenIn                          string // header, path, query:<name>, scheme:<name>
	SignedSecret                     func(secret string) error
	NoTokenType, NoNonce, AnswersIDs bool
	TokenAnswer                      map[string]any // further members

	Profile map[string]any
	// IDTokenOnly are the members of Profile in the ID token. Default: all.
	IDTokenOnly []string
	Alg         string // of ID tokens. Default: RS256
	// Audiences are what ID tokens name besides the client, which is their azp then.
	Audiences      []string
	SignedUserinfo string // the algorithm of a signed userinfo answer

	// Request is the authorization request that the vendor got.
	Request url.Values

	mu       sync.Mutex
	refusals []string
	asked    []string
}

// Asked returns the addresses that were asked, in order.
func (v *Vendor) Asked() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.asked)
}

// Refusals returns why requests were refused.
func (v *Vendor) Refusals() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.refusals)
}

// RoundTrip implements [http.RoundTripper].
func (v *Vendor) RoundTrip(req *http.Request) (*http.Response, error) {
	address := *req.URL
	address.RawQuery = ""
	serve, known := map[string]func(*http.Request) (any, error){
		v.Discovery: v.discover, v.Token: v.redeem, v.Userinfo: v.userinfo, v.Emails: v.emails,
		v.jwks(): func(*http.Request) (any, error) { return map[string]any{"keys": newKeys(0).public()}, nil },
	}[address.String()]
	v.mu.Lock()
	v.asked = append(v.asked, address.String())
	v.mu.Unlock()
	answer, err := any(nil), fmt.Errorf("nothing is at %s", address.String())
	if known {
		answer, err = serve(req)
	}
	w := httptest.NewRecorder()
	if err != nil {
		v.mu.Lock()
		v.refusals = append(v.refusals, err.Error())
		v.mu.Unlock()
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_request"})
	} else if text, ok := answer.(string); ok {
		w.Header().Set("Content-Type", "application/jwt")
		_, _ = w.WriteString(text)
	} else {
		writeJSON(w, http.StatusOK, answer)
	}
	return w.Result(), nil
}

func (v *Vendor) jwks() string { return "https://keys.vendor.example/jwks" }

// Approve plays the person: it takes the authorization request and returns the
// callback's parameters.
func (v *Vendor) Approve(authorizationURL string) (url.Values, error) {
	u, err := url.Parse(authorizationURL)
	if err != nil {
		return nil, fmt.Errorf("the authorization request: %w", err)
	}
	v.Request = u.Query()
	for name, values := range v.Request {
		if len(values) != 1 {
			return nil, fmt.Errorf("%s is sent %d times", name, len(values))
		}
	}
	if v.Request.Get(v.ClientIDName) != VendorClientID || v.Request.Get("redirect_uri") == "" {
		return nil, fmt.Errorf("no %s or redirect_uri in %s", v.ClientIDName, authorizationURL)
	}
	return url.Values{"code": {vendorCode}, "state": {v.Request.Get("state")}}, nil
}

func (v *Vendor) discover(req *http.Request) (any, error) {
	if err := has(req.URL.Query(), v.DiscoveryQuery); err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	alg := v.Alg
	return map[string]any{
		"issuer": v.Issuer, "jwks_uri": v.jwks(),
		"authorization_endpoint": "https://login.vendor.example/authorize",
		"token_endpoint":         v.Token, "userinfo_endpoint": v.Userinfo,
		"id_token_signing_alg_values_supported": []string{alg},
	}, nil
}

func (v *Vendor) redeem(req *http.Request) (any, error) {
	if req.Method != v.TokenMethod {
		return nil, fmt.Errorf("token: %s instead of %s", req.Method, v.TokenMethod)
	}
	if req.Method == http.MethodGet {
		req.Body = nil
	} else if req.URL.RawQuery != "" {
		return nil, fmt.Errorf("token: parameters in the URL: %s", req.URL.RawQuery)
	}
	if err := req.ParseForm(); err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	if err := v.authenticates(req); err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	want := map[string]string{v.Code: vendorCode, "grant_type": v.GrantType, "redirect_uri": v.Request.Get("redirect_uri")}
	maps.Copy(want, v.TokenQuery)
	if err := has(req.Form, want); err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	if challenge := v.Request.Get("code_challenge"); challenge != "" {
		sum := sha256.Sum256([]byte(req.Form.Get("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != challenge {
			return nil, fmt.Errorf("token: the verifier isn't the challenge's")
		}
	} else if req.Form.Has("code_verifier") {
		return nil, fmt.Errorf("token: a verifier without a challenge")
	}
	answer := map[string]any{"access_token": vendorAccessToken, "token_type": "bearer"}
	if v.NoTokenType {
		delete(answer, "token_type")
	}
	if v.Discovery != "" {
		answer["id_token"] = v.idToken()
	}
	maps.Copy(answer, v.TokenAnswer)
	return answer, nil
}

func (v *Vendor) authenticates(req *http.Request) error {
	id, secret, basic := req.BasicAuth()
	if basic != (v.Auth == "client_secret_basic") {
		return fmt.Errorf("the client isn't proven by %s", v.Auth)
	}
	if !basic {
		id, secret = req.Form.Get(v.ClientIDName), req.Form.Get(v.SecretName)
	} else if req.Form.Has("client_secret") {
		return fmt.Errorf("the secret is sent twice")
	}
	if v.SignedSecret != nil {
		return v.SignedSecret(secret)
	}
	if id != VendorClientID || secret != VendorClientSecret {
		return fmt.Errorf("not the registered client: %q", id)
	}
	return nil
}

func (v *Vendor) idToken() string {
	claims := make(map[string]any)
	for name, value := range v.Profile {
		if v.IDTokenOnly == nil || slices.Contains(v.IDTokenOnly, name) {
			claims[name] = value
		}
	}
	now := time.Now().Unix()
	claims["iss"], claims["aud"], claims["iat"], claims["exp"] = v.TokenIssuer, VendorClientID, now, now+300
	if v.Audiences != nil {
		claims["aud"], claims["azp"] = append([]string{VendorClientID}, v.Audiences...), VendorClientID
	}
	if nonce := v.Request.Get("nonce"); nonce != "" && !v.NoNonce {
		claims["nonce"] = nonce
	}
	keys := newKeys(0)
	private := map[string]any{"RS256": keys.rsa, "ES256": keys.ecdsa, "HS256": []byte(VendorClientSecret)}[v.Alg]
	return Sign(v.Alg, private, map[string]any{"kid": keys.kid(v.Alg)}, claims)
}

func (v *Vendor) userinfo(req *http.Request) (any, error) {
	if req.Method != v.UserinfoMethod {
		return nil, fmt.Errorf("userinfo: %s instead of %s", req.Method, v.UserinfoMethod)
	}
	want := maps.Clone(v.UserinfoQuery)
	if want == nil {
		want = make(map[string]string)
	}
	authorization := ""
	switch how, name, _ := strings.Cut(v.TokenIn, ":"); how {
	case "header":
		authorization = "Bearer " + vendorAccessToken
	case "scheme":
		authorization = name + " " + vendorAccessToken
	case "query":
		want[name] = vendorAccessToken
	}
	if got := req.Header.Get("Authorization"); got != authorization {
		return nil, fmt.Errorf("userinfo: Authorization is %q, not %q", got, authorization)
	}
	if err := has(req.URL.Query(), want); err != nil {
		return nil, fmt.Errorf("userinfo: %w", err)
	}
	for name, value := range v.UserinfoHeaders {
		if got := req.Header.Get(name); got != value {
			return nil, fmt.Errorf("userinfo: %s is %q, not %q", name, got, value)
		}
	}
	if v.UserinfoJSON && !isJSONBody(req) {
		return nil, fmt.Errorf("userinfo: no JSON in the body")
	}
	if v.SignedUserinfo != "" {
		claims := maps.Clone(v.Profile)
		claims["iss"], claims["aud"] = v.TokenIssuer, VendorClientID
		return Sign(v.SignedUserinfo, newKeys(0).rsa, map[string]any{"kid": newKeys(0).kid("RS256")}, claims), nil
	}
	return v.Profile, nil
}

func isJSONBody(req *http.Request) bool {
	var body map[string]any
	return req.Header.Get("Content-Type") == "application/json" && json.NewDecoder(req.Body).Decode(&body) == nil && len(body) > 0
}

func (v *Vendor) emails(req *http.Request) (any, error) {
	if req.Header.Get("Authorization") != "Bearer "+vendorAccessToken {
		return nil, fmt.Errorf("emails: no token")
	}
	return []map[string]any{
		{"email": "other@example.com", "primary": false, "verified": true},
		{"email": "ada@example.com", "primary": true, "verified": true},
	}, nil
}

func has(got url.Values, want map[string]string) error {
	for name, value := range want {
		if got.Get(name) != value {
			return fmt.Errorf("%s is %q, not %q", name, got.Get(name), value)
		}
	}
	return nil
}

var _ http.RoundTripper = (*Vendor)(nil)
