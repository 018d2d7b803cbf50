package oauth

import (
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// What a vendor sends can't lead a token elsewhere.
func TestCallValuesStayInTheirPlace(t *testing.T) {
	t.Parallel()
	v := callValues{accessToken: "tok/en?x=1#y", clientID: "client", answer: profile.Claims{"id": "../../admin?x", "dots": "..", "n": []any{"x"}}}
	for text, want := range map[string]string{
		"https://v.example/me/{access_token}":      "https://v.example/me/tok%2Fen%3Fx=1%23y",
		"https://v.example/u/{token_response.id}/": "https://v.example/u/..%2F..%2Fadmin%3Fx/",
		"https://v.example/u/{token_response.n.0}": "https://v.example/u/x",
	} {
		if got, err := v.url(text, nil); err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, err, want)
		}
	}
	if got, err := v.url("https://v.example/me", map[string]string{"t": "{access_token}"}); err != nil || got != "https://v.example/me?t=tok%2Fen%3Fx%3D1%23y" {
		t.Errorf("got %s, %v", got, err)
	}
	for _, missing := range []string{"{token_response.dots}", "{token_response.none}", "{token_response.n}"} {
		if got, err := v.url("https://v.example/"+missing, nil); err == nil {
			t.Errorf("%s became %s", missing, got)
		}
	}
}
