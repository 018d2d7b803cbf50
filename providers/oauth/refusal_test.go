package oauth

import (
	"maps"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

func TestATokenAnswerOrUserinfoThatIsBothIsRefused(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	for _, more := range []map[string]any{
		{"error": "invalid_grant"}, {"error": map[string]any{"message": "x"}}, {"error": true}, {"ok": false}, {"success": false},
	} {
		s.Set(providertest.Behaviour{EditTokenAnswer: func(answer map[string]any) {
			maps.Copy(answer, more)
		}})
		if _, err := signIn(t, loadOIDC(t, corp(s)), s); err == nil {
			t.Errorf("%v beside an access_token is a success", more)
		}
		user := providertest.Octocat()
		maps.Copy(user, more)
		s.Set(providertest.Behaviour{GitHubUser: user})
		if _, err := signIn(t, loadOAuth2(t, octo(s)), s); err == nil {
			t.Errorf("%v beside a profile is a success", more)
		}
		lacking := providertest.Alice()
		delete(lacking, "groups")
		userinfo := providertest.Alice()
		maps.Copy(userinfo, more)
		s.Set(providertest.Behaviour{Claims: lacking, Userinfo: userinfo})
		_, err := signIn(t, loadOIDC(t, corp(s)), s)
		providertest.MustFail(t, err, "userinfo")
	}
	denying := providertest.Alice()
	denying["email_verified"] = false
	lacking := providertest.Alice()
	delete(lacking, "groups")
	s.Set(providertest.Behaviour{Claims: lacking, Userinfo: denying})
	_, err := signIn(t, loadOIDC(t, corp(s)), s)
	providertest.MustFail(t, err, "userinfo that it isn't")
	deniesInToken := providertest.Alice()
	delete(deniesInToken, "groups")
	deniesInToken["email_verified"] = false
	s.Set(providertest.Behaviour{Claims: deniesInToken, Userinfo: providertest.Alice()})
	_, err = signIn(t, loadOIDC(t, corp(s)), s)
	providertest.MustFail(t, err, "the ID token that it isn't")
	delete(deniesInToken, "email_verified")
	if account, err := signIn(t, loadOIDC(t, corp(s)), s); err != nil || !account.EmailVerified {
		t.Errorf("an ID token that says nothing of it: %+v, %v", account, err)
	}
}
