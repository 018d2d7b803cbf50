package providers

import (
	"strings"
	"testing"
)

var sources = map[string]struct{ paths, claims, want string }{
	"a path":                       {"a.b", `{"a":{"b":"x"}}`, "x"},
	"two parts":                    {"first+last", `{"first":"Ada","last":"Lovelace"}`, "Ada Lovelace"},
	"one of two parts":             {"first+last", `{"first":"","last":"Lovelace"}`, "Lovelace"},
	"no part, then an alternative": {"first+last|login", `{"login":"ada"}`, "ada"},
	"an element of a list":         {"list.main=true.name", `{"list":[{"name":"a"},{"main":true,"name":"b"}]}`, "b"},
	"an element by its text":       {"list.kind=work.name", `{"list":[{"kind":"home","name":"a"},{"kind":"work","name":"b"}]}`, "b"},
	"an element that isn't there":  {"list.main=true.name", `{"list":[{"main":"yes","name":"a"}]}`, ""},
	"a template":                   {"https://i.example/{id}/{v}.png", `{"id":7,"v":"x/../y z"}`, "https://i.example/7/x/../y z.png"},
	"a template, escaped":          {"https://i.example/{id}.png", `{"id":"a b?c"}`, "https://i.example/a%20b%3Fc.png"},
	"a template that isn't filled": {"https://i.example/{id}/{v}.png", `{"id":7}`, ""},
}

func TestProfileSources(t *testing.T) {
	for name, tc := range sources {
		t.Run(name, func(t *testing.T) {
			if err := checkSources(tc.paths, true); err != nil {
				t.Fatal(err)
			}
			c, err := parseClaims([]byte(tc.claims))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := firstOf(c, parseSources(tc.paths), text); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestDiscordAvatars(t *testing.T) {
	for claims, want := range map[string]string{
		`{"id":"80351110224678912","avatar":"abc"}`:                          "https://cdn.discordapp.com/avatars/80351110224678912/abc.png",
		`{"id":"80351110224678912","avatar":"a_abc"}`:                        "https://cdn.discordapp.com/avatars/80351110224678912/a_abc.gif",
		`{"id":"80351110224678912","avatar":null,"discriminator":"1337"}`:    "https://cdn.discordapp.com/embed/avatars/2.png",
		`{"id":"80351110224678912","avatar":null,"discriminator":"0"}`:       "https://cdn.discordapp.com/embed/avatars/5.png",
		`{"id":"80351110224678912","avatar":"../../evil"}`:                   "https://cdn.discordapp.com/avatars/80351110224678912/..%2F..%2Fevil.png",
		`{"id":"not a number","avatar":null}`:                                "",
		`{"id":"80351110224678912","avatar":null,"discriminator":"x' OR 1"}`: "",
	} {
		c, err := parseClaims([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := firstOf(c, parseSources("discord_avatar()"), imageURL); got != want {
			t.Errorf("%s: got %q, want %q", claims, got, want)
		}
	}
}

func TestAPictureThatIsEmptyIsNone(t *testing.T) {
	c := claims{"default_avatar_id": "0/0-0", "is_avatar_empty": true}
	if got, ok := firstOf(c, parseSources("yandex_avatar()"), imageURL); ok {
		t.Errorf("got %q", got)
	}
}

func TestProfilesThatAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		profile ProfileMap
		want    string
	}{
		"an id from the browser":      {ProfileMap{ID: "callback.user.id"}, "only the name may come from the callback"},
		"an address from the browser": {ProfileMap{Email: "callback.user.email"}, "only the name"},
		"a flag from the browser":     {ProfileMap{EmailVerified: "callback.ok"}, "only the name"},
		"groups from the browser":     {ProfileMap{Groups: "callback.groups"}, "only the name"},
		"an unknown picture":          {ProfileMap{Image: "gravatar()"}, `unknown picture "gravatar()"`},
		"a picture as a name":         {ProfileMap{Email: "discord_avatar()"}, "unknown picture"},
		"an empty place":              {ProfileMap{Image: "https://i.example/{}"}, "no path in braces"},
		"an empty part":               {ProfileMap{Name: "first+"}, "is not a path"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.profile.check()
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func FuzzProfileSource(f *testing.F) {
	for _, tc := range sources {
		f.Add(tc.paths, []byte(tc.claims))
	}
	f.Add("discord_avatar()|yandex_avatar()", []byte(`{"id":1}`))
	f.Fuzz(func(t *testing.T, paths string, body []byte) {
		c, err := parseClaims(body)
		if err != nil || checkSources(paths, true) != nil {
			return
		}
		if image, ok := firstOf(c, parseSources(paths), imageURL); ok && !strings.HasPrefix(strings.ToLower(image), "http") {
			t.Errorf("%q is no picture", image)
		}
		if name, ok := firstOf(c, parseSources(paths), text); ok && (name == "" || len(name) > maxText) {
			t.Errorf("%q is no name", name)
		}
	})
}

// What a vendor sends can't lead a token elsewhere.
func TestCallValuesStayInTheirPlace(t *testing.T) {
	v := callValues{accessToken: "tok/en?x=1#y", clientID: "client", answer: claims{"id": "../../admin?x", "dots": "..", "n": []any{"x"}}}
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
