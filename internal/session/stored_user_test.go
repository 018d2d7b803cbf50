package session

import (
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

func TestClaimsOfAStoredUser(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "database")
	first := sessionstore.AccountKey{Provider: "github", ID: "1"}
	attested := authjs.Claims{
		Provider: "google", Subject: "9", Name: authjs.TextOf("By Google"), Picture: authjs.TextOf("https://img.example/g.png"),
		Email: authjs.TextOf("a@work.example"), EmailVerified: true,
	}
	silent := authjs.Claims{Provider: "google", Subject: "9"}
	for name, test := range map[string]struct {
		claims                     authjs.Claims
		user                       sessionstore.User
		id, name, picture, address string
		verified                   bool
	}{
		"name and picture are the stored ones": {
			attested,
			sessionstore.User{Row: "7", First: first, Name: "Stored", Image: "https://img.example/s.png", Email: "old@x.example", EmailVerified: true},
			"github:1", "Stored", "https://img.example/s.png", "a@work.example", true,
		},
		"what is not stored is the account's": {
			attested, sessionstore.User{Row: "7", First: first}, "github:1", "By Google", "https://img.example/g.png", "a@work.example", true,
		},
		"a stored address is shown, and not verified by this sign-in": {
			silent, sessionstore.User{Row: "7", First: first, Email: "old@x.example", EmailVerified: true}, "github:1", "", "", "old@x.example", false,
		},
		"a picture that is no web address, or too long, is left out": {
			silent, sessionstore.User{Row: "7", First: first, Image: "data:image/png;base64,AAAA"}, "github:1", "", "", "", false,
		},
		"an account of a password user, which only an application can have stored": {
			silent, sessionstore.User{Row: "7", First: sessionstore.AccountKey{Provider: "credentials", ID: "alice"}}, "google:7", "", "", "", false,
		},
		"a user without accounts": {
			silent, sessionstore.User{Row: "7", Image: "https://img.example/" + strings.Repeat("x", maxPicture)}, "google:7", "", "", "", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := test.claims
			s.TakeUser(&c, &test.user)
			if UserID(&c) != test.id || c.Subject != "7" || c.Name.String() != test.name || c.Picture.String() != test.picture ||
				c.Email.String() != test.address || c.EmailVerified != test.verified {
				t.Errorf("the claims are %+v", c)
			}
		})
	}
}
