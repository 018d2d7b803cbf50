package oauth

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// What isn't a success of RFC 6749 section 5.1 is refused.
func TestTokenAnswersThatAreRefused(t *testing.T) {
	const good = `"access_token":"access-token-x","token_type":"Bearer"`
	for name, tc := range map[string]struct {
		status      int
		contentType string
		body        string
		want        string
	}{
		"status 201":               {201, "application/json", `{` + good + `}`, "status 201"},
		"status 204":               {204, "application/json", ``, "status 204"},
		"status 400":               {400, "application/json", `{"error":"invalid_grant"}`, "invalid_grant: the code is used up"},
		"status 401":               {401, "application/json", `{"error":"invalid_client"}`, "client_auth"},
		"status 500 with a token":  {500, "application/json", `{` + good + `}`, "status 500"},
		"an error of its own":      {400, "application/json", `{"error":"words of the provider"}`, "status 400"},
		"an error with status 200": {200, "application/json", `{"error":"invalid_grant",` + good + `}`, "invalid_grant"},
		"HTML":                     {200, "text/html", `<html>words of the provider</html>`, "not a JSON object"},
		"nothing":                  {200, "application/json", ``, "not a JSON object"},
		"white space":              {200, "application/json", ` `, "not a JSON object"},
		"an array":                 {200, "application/json", `[{` + good + `}]`, "not a JSON object"},
		"null":                     {200, "application/json", `null`, "not a JSON object"},
		"a form":                   {200, "application/x-www-form-urlencoded", `access_token=access-token-x&token_type=Bearer`, "not a JSON object"},
		"a form as plain text":     {200, "text/plain", `access_token=access-token-x&token_type=Bearer`, "not a JSON object"},
		"no access_token":          {200, "application/json", `{"token_type":"Bearer"}`, "no access_token"},
		"an empty access_token":    {200, "application/json", `{"access_token":"","token_type":"Bearer"}`, "no access_token"},
		"a number as access_token": {200, "application/json", `{"access_token":7,"token_type":"Bearer"}`, "wrong type"},
		"no token_type":            {200, "application/json", `{"access_token":"access-token-x"}`, "token_type Bearer"},
		"token_type MAC":           {200, "application/json", `{"access_token":"access-token-x","token_type":"mac"}`, "token_type Bearer"},
		"no id_token":              {200, "application/json", `{` + good + `}`, "no id_token"},
		"a list as id_token":       {200, "application/json", `{` + good + `,"id_token":["a.b.c"]}`, "no id_token"},
		"a redirect":               {302, "", ``, "status 302"},
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			s.Set(providertest.Behaviour{Handle: map[string]http.HandlerFunc{
				providertest.TokenPath: func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", tc.contentType)
					w.WriteHeader(tc.status)
					_, _ = w.Write([]byte(tc.body))
				},
			}})
			_, err := signIn(t, loadOIDC(t, corp(s)), s)
			providertest.MustFail(t, err, tc.want)
		})
	}
}

func TestTokenAnswersAreReadWhateverTheirMediaType(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	s.Set(providertest.Behaviour{Handle: map[string]http.HandlerFunc{
		providertest.GitHubTokenPath: func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept") != "application/json" {
				t.Errorf("Accept is %q", r.Header.Get("Accept"))
			}
			w.Header().Set("Content-Type", "text/plain")
			_, _ = w.Write([]byte(` {"access_token":"access-token-x","token_type":"BEARER"}`))
		},
	}})
	_, err := signIn(t, loadOAuth2(t, octo(s)), s)
	providertest.MustFail(t, err, "userinfo: ") // got as far as the token's first use
}

func TestTheClientProvesItself(t *testing.T) {
	for auth, check := range map[string]func(providertest.Request) bool{
		"client_secret_basic": func(r providertest.Request) bool {
			return strings.HasPrefix(r.Header.Get("Authorization"), "Basic ") && !r.Form.Has("client_secret")
		},
		"client_secret_post": func(r providertest.Request) bool {
			return r.Header.Get("Authorization") == "" && r.Form.Has("client_secret")
		},
		"none": func(r providertest.Request) bool {
			return r.Header.Get("Authorization") == "" && !r.Form.Has("client_secret") && r.Form.Has("client_id")
		},
	} {
		t.Run(auth, func(t *testing.T) {
			s := providertest.New(t)
			c := corp(s).With(config{"client_auth": auth})
			if auth == "none" {
				delete(c, "client_secret")
			}
			if _, err := signIn(t, loadOIDC(t, c), s); err != nil {
				t.Fatal(err)
			}
			request := s.Requests(providertest.TokenPath)[0]
			if !check(request) {
				t.Errorf("the token request was %+v", request)
			}
			if got := request.Form.Get("redirect_uri"); got != newFlow().RedirectURI {
				t.Errorf("redirect_uri is %q", got)
			}
			if got := request.Form.Get("code_verifier"); got != newFlow().Verifier {
				t.Errorf("code_verifier is %q", got)
			}
		})
	}
}
