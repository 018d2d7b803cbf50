package providertest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Authorize plays the browser: it follows an authorization URL to the server
// and returns the parameters with which the server sends it back.
func (s *Server) Authorize(authorizationURL string) (url.Values, error) {
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(authorizationURL) // a test's browser
	if err != nil {
		return nil, fmt.Errorf("going to the provider: %w", err)
	}
	defer resp.Body.Close()
	target, err := resp.Location()
	if err != nil {
		return nil, fmt.Errorf("the provider answered %s to %s: %w", resp.Status, authorizationURL, err)
	}
	return target.Query(), nil
}

// serveAuthorize approves a request of the registered client. It insists on
// what a strict provider insists on.
func (s *Server) serveAuthorize(w http.ResponseWriter, r *http.Request, b Behaviour) {
	q := r.URL.Query()
	target, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || target.Host == "" || q.Get("client_id") != s.ClientID || q.Get("response_type") != "code" {
		http.Error(w, "bad authorization request", http.StatusBadRequest)
		return
	}
	code := s.remember(q)
	answer := url.Values{"code": {code}, "state": {q.Get("state")}}
	if r.URL.Path == AuthorizePath {
		answer.Set("iss", s.URL)
	}
	if b.EditAnswer != nil {
		b.EditAnswer(answer)
	}
	target.RawQuery = answer.Encode()
	http.Redirect(w, r, target.String(), http.StatusFound)
}

func (s *Server) remember(request url.Values) (code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	code = fmt.Sprintf("code-%d", s.serial)
	s.grants[code] = request
	return code
}

// redeem checks a token request and spends its code. The error is an error
// code of RFC 6749 section 5.2.
func (s *Server) redeem(r *http.Request) (request url.Values, errorCode string) {
	if r.Method != http.MethodPost || r.PostForm.Get("grant_type") != "authorization_code" {
		return nil, "invalid_request"
	}
	if !s.authenticates(r) {
		return nil, "invalid_client"
	}
	s.mu.Lock()
	request, ok := s.grants[r.PostForm.Get("code")]
	delete(s.grants, r.PostForm.Get("code"))
	s.mu.Unlock()
	if !ok || request.Get("redirect_uri") != r.PostForm.Get("redirect_uri") {
		return nil, "invalid_grant"
	}
	if challenge := request.Get("code_challenge"); challenge != "" {
		sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != challenge {
			return nil, "invalid_grant"
		}
	}
	return request, ""
}

// authenticates accepts client_secret_basic, client_secret_post, any assertion,
// and a public client, which sends its client_id alone.
func (s *Server) authenticates(r *http.Request) bool {
	if id, secret, basic := r.BasicAuth(); basic {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
		return id == s.ClientID && secret == s.ClientSecret && !r.PostForm.Has("client_secret")
	}
	if r.PostForm.Has("client_assertion") {
		return r.PostForm.Get("client_id") == s.ClientID // the test looks at it
	}
	secret, sent := r.PostForm["client_secret"]
	return r.PostForm.Get("client_id") == s.ClientID && (!sent || secret[0] == s.ClientSecret)
}

func (s *Server) serveToken(w http.ResponseWriter, r *http.Request, b Behaviour) {
	request, errorCode := s.redeem(r)
	if errorCode != "" {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": errorCode, "error_description": "words of the provider"})
		return
	}
	accessToken := s.newAccessToken()
	now := time.Now().Unix()
	claims := b.released(b.Claims, request)
	claims["iss"], claims["aud"], claims["iat"], claims["exp"] = s.URL, s.ClientID, now, now+300
	if nonce := request.Get("nonce"); nonce != "" {
		claims["nonce"] = nonce
	}
	claims["at_hash"] = atHash(b.Alg, accessToken)
	edit(b.EditIDToken, claims)
	answer := map[string]any{"access_token": accessToken, "token_type": "bearer", "expires_in": 300, "id_token": s.idToken(b, claims)}
	if b.Scoped && !b.TellsNoScope {
		answer["scope"] = request.Get("scope")
	}
	s.mu.Lock()
	s.granted["Bearer "+accessToken] = request
	s.mu.Unlock()
	edit(b.EditTokenAnswer, answer)
	writeJSON(w, http.StatusOK, answer)
}

// released are the claims that a request's scopes stand for.
func (b Behaviour) released(all map[string]any, request url.Values) map[string]any {
	claims := maps.Clone(all)
	if !b.Scoped || request == nil {
		return claims
	}
	scopes := strings.Fields(request.Get("scope"))
	for _, scope := range []string{"email", "groups"} {
		if !slices.Contains(scopes, scope) {
			delete(claims, scope)
			delete(claims, scope+"_verified")
		}
	}
	return claims
}

// serveGitHubToken answers as GitHub does: errors have status 200, and only a
// client that asks for JSON gets it.
func (s *Server) serveGitHubToken(w http.ResponseWriter, r *http.Request, b Behaviour) {
	answer := map[string]any{"access_token": "", "token_type": "bearer", "scope": "read:user,user:email"}
	if _, errorCode := s.redeem(r); errorCode != "" {
		answer = map[string]any{"error": "bad_verification_code", "error_description": "words of the provider"}
	} else {
		answer["access_token"] = s.newAccessToken()
	}
	edit(b.EditTokenAnswer, answer)
	if r.Header.Get("Accept") == "application/json" {
		writeJSON(w, http.StatusOK, answer)
		return
	}
	form := make(url.Values)
	for name, value := range answer {
		form.Set(name, fmt.Sprint(value))
	}
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	fmt.Fprint(w, form.Encode())
}

func (s *Server) newAccessToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	token := fmt.Sprintf("access-token-%d", s.serial)
	s.tokens["Bearer "+token] = true
	return token
}
