package profile

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
			if err := CheckSources(tc.paths, true); err != nil {
				t.Fatal(err)
			}
			c, err := ParseClaims([]byte(tc.claims))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := firstOf(c, parseSources(tc.paths), Text); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestDiscordAvatars(t *testing.T) {
	t.Parallel()
	for claims, want := range map[string]string{
		`{"id":"80351110224678912","avatar":"abc"}`:                          "https://cdn.discordapp.com/avatars/80351110224678912/abc.png",
		`{"id":"80351110224678912","avatar":"a_abc"}`:                        "https://cdn.discordapp.com/avatars/80351110224678912/a_abc.gif",
		`{"id":"80351110224678912","avatar":null,"discriminator":"1337"}`:    "https://cdn.discordapp.com/embed/avatars/2.png",
		`{"id":"80351110224678912","avatar":null,"discriminator":"0"}`:       "https://cdn.discordapp.com/embed/avatars/5.png",
		`{"id":"80351110224678912","avatar":"../../evil"}`:                   "https://cdn.discordapp.com/avatars/80351110224678912/..%2F..%2Fevil.png",
		`{"id":"not a number","avatar":null}`:                                "",
		`{"id":"80351110224678912","avatar":null,"discriminator":"x' OR 1"}`: "",
	} {
		c, err := ParseClaims([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := firstOf(c, parseSources("discord_avatar()"), ImageURL); got != want {
			t.Errorf("%s: got %q, want %q", claims, got, want)
		}
	}
}

func TestAPictureThatIsEmptyIsNone(t *testing.T) {
	t.Parallel()
	c := Claims{"default_avatar_id": "0/0-0", "is_avatar_empty": true}
	if got, ok := firstOf(c, parseSources("yandex_avatar()"), ImageURL); ok {
		t.Errorf("got %q", got)
	}
}

func TestProfilesThatAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		profile Map
		want    string
	}{
		"an id from the browser":      {Map{ID: "callback.user.id"}, "only the name may come from the callback"},
		"an address from the browser": {Map{Email: "callback.user.email"}, "only the name"},
		"a flag from the browser":     {Map{EmailVerified: "callback.ok"}, "only the name"},
		"groups from the browser":     {Map{Groups: "callback.groups"}, "only the name"},
		"an unknown picture":          {Map{Image: "gravatar()"}, `unknown picture "gravatar()"`},
		"a picture as a name":         {Map{Email: "discord_avatar()"}, "unknown picture"},
		"an empty place":              {Map{Image: "https://i.example/{}"}, "no path in braces"},
		"an empty part":               {Map{Name: "first+"}, "is not a path"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.profile.Check()
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
		c, err := ParseClaims(body)
		if err != nil || CheckSources(paths, true) != nil {
			return
		}
		if image, ok := firstOf(c, parseSources(paths), ImageURL); ok && !strings.HasPrefix(strings.ToLower(image), "http") {
			t.Errorf("%q is no picture", image)
		}
		if name, ok := firstOf(c, parseSources(paths), Text); ok && (name == "" || len(name) > maxText) {
			t.Errorf("%q is no name", name)
		}
	})
}
