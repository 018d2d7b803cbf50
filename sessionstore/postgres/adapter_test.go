//go:build services

package postgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

type object = map[string]any

// row is the id of a user as the adapter gave it: a number, in these tables.
func row(user object) string { return fmt.Sprint(user["id"]) }

func TestPublishedAdapter(t *testing.T) {
	server := servers.StartPostgres(t)
	for name, test := range map[string]func(t *testing.T, n *node, a *servers.AuthjsAdapter){
		"it finds the users that this store makes":         adapterFindsUsers,
		"this store finds the users that it makes":         adapterMakesUsers,
		"e-mail tokens are spent by either, once":          adapterSpendsTokens,
		"sessions are shared where that is switched on":    adapterSharesSessions,
		"users that it deletes are gone, and unlinked too": adapterDeletes,
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, server, newSchema())
			if _, err := n.Get(t.Context(), "k"); !isAnswer(err) { // the tables are made
				t.Fatal(err)
			}
			test(t, n, servers.StartAuthjsAdapter(t, server, n.options.schema))
		})
	}
}

func adapterFindsUsers(t *testing.T, n *node, a *servers.AuthjsAdapter) {
	user := mustSignIn(t, n, account("github:1", "a@x.example", attested))
	for what, found := range map[string]object{
		"account": a.Call("getUserByAccount", object{"provider": "github", "providerAccountId": "1"}),
		"address": a.Call("getUserByEmail", "a@x.example"),
		"id":      a.Call("getUser", user.Row),
	} {
		if row(found) != user.Row || found["email"] != "a@x.example" || found["name"] != "Name of 1" ||
			found["image"] != "https://img.example/1" || found["emailVerified"] == nil {
			t.Errorf("by %s the adapter finds %v, want %+v", what, found, user)
		}
	}
	unverified := mustSignIn(t, n, account("github:2", "b@x.example", unattested))
	if found := a.Call("getUser", unverified.Row); found["emailVerified"] != nil {
		t.Errorf("an address that nobody attests is verified at %v", found["emailVerified"])
	}
	a.Call("linkAccount", object{"userId": user.Row, "type": "oidc", "provider": "google", "providerAccountId": "9"})
	if again := mustSignIn(t, n, account("google:9", "", unattested)); named(again) != "github:1" || again.Row != user.Row {
		t.Errorf("an account that the adapter linked is %s", named(again))
	}
}

func adapterMakesUsers(t *testing.T, n *node, a *servers.AuthjsAdapter) {
	made := a.Call("createUser", object{"name": "Alice", "email": "a@x.example", "emailVerified": time.Now(), "image": nil})
	a.Call("linkAccount", object{"userId": made["id"], "type": "oauth", "provider": "github", "providerAccountId": "1", "access_token": "t", "expires_at": 1795420700})
	user := mustSignIn(t, n, account("github:1", "a@x.example", attested))
	if named(user) != "github:1" || user.Row != row(made) || user.Name != "Alice" || !user.EmailVerified {
		t.Errorf("the user that the adapter made is %+v", user)
	}
	if linked := mustSignIn(t, n, account("google:9", "a@x.example", attested)); named(linked) != "linked github:1" {
		t.Errorf("an address that both attest is %s", named(linked))
	}
	mailed := a.Call("createUser", object{"email": "m@x.example", "emailVerified": time.Now()})
	if user := mustSignIn(t, n, account("email:m@x.example", "", attested)); user.Row != row(mailed) || named(user) != "email:m@x.example" {
		t.Errorf("a user whom the adapter knows by e-mail is %+v", user)
	}
	// Auth.js marks no address of an OAuth user as verified.
	claimed := a.Call("createUser", object{"email": "c@x.example", "emailVerified": nil})
	a.Call("linkAccount", object{"userId": claimed["id"], "type": "oauth", "provider": "github", "providerAccountId": "3"})
	if user, err := n.SignIn(t.Context(), account("google:3", "c@x.example", attested)); err == nil {
		t.Errorf("an address that only one attests is %s", named(user))
	}
}

func adapterSpendsTokens(t *testing.T, n *node, a *servers.AuthjsAdapter) {
	token := object{"identifier": "a@x.example", "token": "hash one"}
	if err := n.PutToken(t.Context(), "a@x.example", "hash one", in(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if used := a.Call("useVerificationToken", token); used["token"] != "hash one" {
		t.Errorf("the adapter gets %v for this store's token", used)
	}
	if err := n.TakeToken(t.Context(), "a@x.example", "hash one"); err == nil {
		t.Error("a token that the adapter has spent is spent again")
	}
	a.Call("createVerificationToken", object{"identifier": "a@x.example", "token": "hash two", "expires": in(time.Hour)})
	if err := n.TakeToken(t.Context(), "a@x.example", "hash two"); err != nil {
		t.Errorf("spending the adapter's token: %v", err)
	}
	if used := a.Call("useVerificationToken", object{"identifier": "a@x.example", "token": "hash two"}); used != nil {
		t.Errorf("the adapter spends again what this store has spent: %v", used)
	}
}

func adapterSharesSessions(t *testing.T, n *node, a *servers.AuthjsAdapter) {
	s, ctx := &authjsStore{n.store}, t.Context()
	user := mustSignIn(t, n, account("github:1", "a@x.example", attested))
	if err := s.CreateSession(ctx, "ours", user.Row, in(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if both := a.Call("getSessionAndUser", "ours"); both == nil || row(both["user"].(object)) != user.Row {
		t.Errorf("the adapter reads this store's session as %v", both)
	}
	a.Call("createSession", object{"sessionToken": "theirs", "userId": user.Row, "expires": in(time.Hour)})
	if found, err := s.ReadSession(ctx, "theirs"); err != nil || found.User.First != user.First {
		t.Errorf("the adapter's session is %+v, %v", found, err)
	}
	later := in(5 * time.Hour)
	a.Call("updateSession", object{"sessionToken": "ours", "expires": later})
	if found, err := s.ReadSession(ctx, "ours"); err != nil || found.Expires.Sub(later).Abs() > time.Second {
		t.Errorf("the adapter's extension gives %v, %v, want %v", found.Expires, err, later)
	}
	a.Call("deleteSession", "ours")
	if _, err := s.ReadSession(ctx, "ours"); !isAnswer(err) {
		t.Errorf("a session that the adapter deleted: %v", err)
	}
	if err := s.DeleteSession(ctx, "theirs"); err != nil {
		t.Fatal(err)
	}
	if both := a.Call("getSessionAndUser", "theirs"); both != nil {
		t.Errorf("the adapter still reads a session that was deleted: %v", both)
	}
	stranger := a.Call("createUser", object{"email": "s@x.example"})
	a.Call("createSession", object{"sessionToken": "stranger", "userId": stranger["id"], "expires": in(time.Hour)})
	if found, err := s.ReadSession(ctx, "stranger"); err != nil || found.User.First != (sessionstore.AccountKey{}) {
		t.Errorf("the session of a user without accounts is %+v, %v", found, err)
	}
}

func adapterDeletes(t *testing.T, n *node, a *servers.AuthjsAdapter) {
	user := mustSignIn(t, n, account("github:1", "a@x.example", attested))
	a.Call("deleteUser", user.Row)
	again := mustSignIn(t, n, account("github:1", "a@x.example", attested))
	if named(again) != "new github:1" || again.Row == user.Row {
		t.Errorf("a user whom the adapter deleted is %s", named(again))
	}
	mustSignIn(t, n, account("google:9", "a@x.example", attested))
	a.Call("unlinkAccount", object{"provider": "google", "providerAccountId": "9"})
	if back := mustSignIn(t, n, account("google:9", "a@x.example", attested)); named(back) != "linked github:1" {
		t.Errorf("an account that the adapter unlinked is %s", named(back))
	}
}
