//go:build services

package postgres

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// account is one at a provider, with an address that it attests, or doesn't.
func account(key, email string, verified bool) sessionstore.Account {
	provider, id, _ := strings.Cut(key, ":")
	kind := "oauth"
	if provider == "email" {
		kind = sessionstore.EmailAccount
	}
	return sessionstore.Account{
		AccountKey: sessionstore.AccountKey{Provider: provider, ID: id}, Type: kind,
		Name: "Name of " + id, Email: email, EmailVerified: verified, Image: "https://img.example/" + id,
	}
}

// step is one sign-in and what comes of it: the user is named by the first
// account, as the gateway does, or the error is.
type step struct {
	account sessionstore.Account
	current string // the first account of who is signed in already
	want    string
	err     error
}

const (
	attested   = true
	unattested = false
)

var linking = map[string][]step{
	"an account finds its user again": {
		{account("github:1", "a@x.example", attested), "", "new github:1", nil},
		{account("github:1", "a@x.example", attested), "", "github:1", nil},
		{account("github:1", "other@x.example", unattested), "", "github:1", nil},
	},
	"accounts without addresses are people of their own": {
		{account("github:1", "", unattested), "", "new github:1", nil},
		{account("github:2", "", attested), "", "new github:2", nil},
		{account("google:1", "", attested), "", "new google:1", nil},
	},
	"an address that both attest links, and the first account's id stays": {
		{account("github:1", "a@x.example", attested), "", "new github:1", nil},
		{account("google:9", "A@X.example", attested), "", "linked github:1", nil},
		{account("google:9", "a@x.example", attested), "", "github:1", nil},
		{account("github:1", "a@x.example", attested), "", "github:1", nil},
	},
	"an address that only the new account attests doesn't link": {
		{account("github:1", "a@x.example", unattested), "", "new github:1", nil},
		{account("google:9", "a@x.example", attested), "", "", sessionstore.ErrNotLinked},
	},
	"an address that only the user's account attests doesn't link": {
		{account("github:1", "a@x.example", attested), "", "new github:1", nil},
		{account("google:9", "a@x.example", unattested), "", "", sessionstore.ErrNotLinked},
	},
	"an address that neither attests doesn't link": {
		{account("github:1", "a@x.example", unattested), "", "new github:1", nil},
		{account("google:9", "a@x.example", unattested), "", "", sessionstore.ErrNotLinked},
	},
	"an address that the user's own account attests later links from then on": {
		{account("github:1", "a@x.example", unattested), "", "new github:1", nil},
		{account("github:1", "a@x.example", attested), "", "github:1", nil},
		{account("google:9", "a@x.example", attested), "", "linked github:1", nil},
	},
	"an account that attests another address attests nothing": {
		{account("github:1", "a@x.example", unattested), "", "new github:1", nil},
		{account("github:1", "b@x.example", attested), "", "github:1", nil},
		{account("google:9", "a@x.example", attested), "", "", sessionstore.ErrNotLinked},
	},
	"who is signed in links whatever account is free": {
		{account("github:1", "a@x.example", attested), "", "new github:1", nil},
		{account("google:9", "b@x.example", unattested), "github:1", "linked github:1", nil},
		{account("google:9", "b@x.example", unattested), "", "github:1", nil},
		{account("google:9", "b@x.example", unattested), "github:1", "github:1", nil},
	},
	"what was linked while signed in attests nothing of the user's address": {
		{account("github:1", "a@x.example", unattested), "", "new github:1", nil},
		{account("google:9", "a@x.example", attested), "github:1", "linked github:1", nil},
		{account("corp:5", "a@x.example", attested), "", "", sessionstore.ErrNotLinked},
	},
	"who is signed in can't link another user's account": {
		{account("github:1", "a@x.example", attested), "", "new github:1", nil},
		{account("google:9", "b@x.example", attested), "", "new google:9", nil},
		{account("google:9", "b@x.example", attested), "github:1", "", sessionstore.ErrNotLinked},
	},
	"a signed-in user who is not known links nothing": {
		{account("google:9", "b@x.example", attested), "github:1", "", sessionstore.ErrNotLinked},
	},
	"a link by e-mail is the user of its address": {
		{account("email:a@x.example", "", attested), "", "new email:a@x.example", nil},
		{account("email:a@x.example", "", attested), "", "email:a@x.example", nil},
		{account("google:9", "a@x.example", attested), "", "linked email:a@x.example", nil},
		{account("github:1", "a@x.example", unattested), "", "", sessionstore.ErrNotLinked},
	},
	"a link by e-mail enters a user whose provider attests the address": {
		{account("google:9", "a@x.example", attested), "", "new google:9", nil},
		{account("email:a@x.example", "", attested), "", "google:9", nil},
	},
	"a link by e-mail doesn't enter a user who only claims the address": {
		{account("github:1", "a@x.example", unattested), "", "new github:1", nil},
		{account("email:a@x.example", "", attested), "", "", sessionstore.ErrNotLinked},
	},
	"ids of different providers are different": {
		{account("a:b:c", "", unattested), "", "new a:b:c", nil},
		{account("a:b", "", unattested), "", "new a:b", nil},
	},
	"an id that doesn't fit is refused, a name is cut": {
		{account("github:"+strings.Repeat("x", 256), "", unattested), "", "", sessionstore.ErrNotCreated},
		{account("github:\x00", "", unattested), "", "", sessionstore.ErrNotCreated},
		{account("github:\xff", "", unattested), "", "", sessionstore.ErrNotCreated},
		{account("github:", "", unattested), "", "", sessionstore.ErrNotCreated},
		{account("github:"+strings.Repeat("é", 255), "", unattested), "", "new github:" + strings.Repeat("é", 255), nil},
	},
	"hostile text is text": {
		{account(`github:'; drop table users; --`, `'"\%_@x.example`, attested), "", `new github:'; drop table users; --`, nil},
		{account(`google:9`, `'"\%_@x.example`, attested), "", `linked github:'; drop table users; --`, nil},
	},
}

func TestLinking(t *testing.T) {
	server := servers.StartPostgres(t)
	for name, steps := range linking {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, server, newSchema())
			for i, step := range steps {
				if step.current != "" {
					step.account.Current = account(step.current, "", false).AccountKey
				}
				user, err := n.SignIn(t.Context(), step.account)
				if !errors.Is(err, step.err) || (err == nil && named(user) != step.want) {
					t.Errorf("step %d: %q, %v, want %q, %v", i, named(user), err, step.want, step.err)
				}
			}
		})
	}
}

// A database that folds as ICU or glibc do takes some letters for ASCII ones.
func TestAnAddressThatFoldsIntoAnotherIsAnother(t *testing.T) {
	server, schema := servers.StartPostgres(t), newSchema()
	if _, err := newNode(t, server, schema).SignIn(t.Context(), account("app:0", "", unattested)); err != nil { // makes the tables
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), fmt.Sprintf(`alter table %s.users alter email type varchar(255) collate "en-x-icu"`, schema)); err != nil {
		t.Fatal(err)
	}
	n := newNode(t, server, schema)
	for i, step := range []step{
		{account("app:1", "\u212aate@x.example", attested), "", "new app:1", nil},
		{account("github:1", "kate@x.example", attested), "", "new github:1", nil},
		{account("app:2", "mallory@g\u0130thub.com", attested), "", "new app:2", nil},
		{account("github:2", "mallory@github.com", attested), "", "new github:2", nil},
		{account("google:2", "Mallory@GitHub.com", attested), "", "linked github:2", nil},
	} {
		user, err := n.SignIn(t.Context(), step.account)
		if err != nil || named(user) != step.want {
			t.Errorf("step %d: %q, %v, want %q", i, named(user), err, step.want)
		}
	}
}

func named(u sessionstore.User) string {
	prefix := ""
	switch {
	case u.New:
		prefix = "new "
	case u.Linked:
		prefix = "linked "
	}
	return prefix + u.First.Provider + ":" + u.First.ID
}

func TestUsers(t *testing.T) {
	server := servers.StartPostgres(t)
	for name, test := range map[string]func(t *testing.T, n *node){
		"concurrent first sign-ins of one account make one user":   signsInTogether,
		"concurrent first sign-ins of one address make one user":   signsInTogetherByAddress,
		"an account that was unlinked elsewhere doesn't come back": losesAccounts,
		"a user who was deleted elsewhere starts anew":             startsAnew,
		"two users with one address are not guessed between":       refusesTwoUsers,
		"tokens of a provider are kept sealed":                     keepsTokens,
		"ids of an application's own users table may be UUIDs":     usesOtherIDs,
		"a database that keeps no user says so":                    tellsOfRefusal,
	} {
		t.Run(name, func(t *testing.T) { test(t, newNode(t, server, newSchema())) })
	}
}

func signsInTogether(t *testing.T, n *node) {
	together(t, n, func(int) sessionstore.Account { return account("github:1", "a@x.example", attested) })
}

func signsInTogetherByAddress(t *testing.T, n *node) {
	together(t, n, func(i int) sessionstore.Account {
		return account([]string{"github:1", "google:2", "corp:3", "email:a@x.example"}[i%4], "a@x.example", attested)
	})
}

// together signs in on two nodes at once and wants one user of it.
func together(t *testing.T, n *node, of func(i int) sessionstore.Account) {
	t.Helper()
	other := newNode(t, n.server, n.options.schema)
	if _, err := n.Get(t.Context(), "k"); !isAnswer(err) { // the tables are made
		t.Fatal(err)
	}
	var all sync.WaitGroup
	users := make([]sessionstore.User, 24)
	for i := range users {
		all.Go(func() {
			var err error
			if users[i], err = []*node{n, other}[i%2].SignIn(t.Context(), of(i)); err != nil {
				t.Errorf("SignIn: %v", err)
			}
		})
	}
	all.Wait()
	made := 0
	for _, user := range users {
		if user.New {
			made++
		}
		if user.Row != users[0].Row || user.First != users[0].First {
			t.Errorf("one is %v, another %v", user, users[0])
		}
	}
	if rows := n.query(t, "select count(*) from @.users"); made != 1 || rows != "1" {
		t.Errorf("%d sign-ins made a user, %s are there", made, rows)
	}
	doubles := n.query(t, `select count(*) - count(distinct (provider, "providerAccountId")) from @.accounts`)
	if doubles != "0" {
		t.Errorf("%s accounts are there twice", doubles)
	}
}

func mustSignIn(t *testing.T, n *node, account sessionstore.Account) sessionstore.User {
	t.Helper()
	user, err := n.SignIn(t.Context(), account)
	if err != nil {
		t.Fatalf("SignIn: %v", err)
	}
	return user
}

func losesAccounts(t *testing.T, n *node) {
	mustSignIn(t, n, account("github:1", "", unattested))
	linked := account("google:9", "", unattested)
	linked.Current = sessionstore.AccountKey{Provider: "github", ID: "1"}
	mustSignIn(t, n, linked)
	n.exec(t, `delete from @.accounts where provider = 'google'`)
	if user := mustSignIn(t, n, account("google:9", "", unattested)); named(user) != "new google:9" {
		t.Errorf("an account that was unlinked is %s", named(user))
	}
	// The first account makes its user's id for good: who comes with it must not
	// be taken for that user, nor for another with the same id.
	n.exec(t, `delete from @.accounts where provider = 'github'`)
	if user, err := n.SignIn(t.Context(), account("github:1", "", unattested)); !errors.Is(err, sessionstore.ErrNotLinked) {
		t.Errorf("SignIn = %s, %v, want ErrNotLinked", named(user), err)
	}
}

func startsAnew(t *testing.T, n *node) {
	old := mustSignIn(t, n, account("github:1", "a@x.example", attested))
	n.exec(t, `delete from @.users; delete from @.accounts`)
	user := mustSignIn(t, n, account("github:1", "a@x.example", attested))
	if named(user) != "new github:1" || user.Row == old.Row {
		t.Errorf("the new user is %s in row %s, the old one was in %s", named(user), user.Row, old.Row)
	}
}

func refusesTwoUsers(t *testing.T, n *node) {
	mustSignIn(t, n, account("github:1", "a@x.example", attested))
	n.exec(t, `insert into @.users (email, "emailVerified") values ('A@x.example', now())`)
	if user, err := n.SignIn(t.Context(), account("google:9", "a@x.example", attested)); !errors.Is(err, sessionstore.ErrNotLinked) {
		t.Errorf("SignIn = %s, %v, want ErrNotLinked", named(user), err)
	}
}

func keepsTokens(t *testing.T, n *node) {
	a := account("github:1", "", unattested)
	user := mustSignIn(t, n, a)
	want := func(when, row, provider, want string) {
		t.Helper()
		got, err := n.SealedTokens(t.Context(), row, provider)
		if want == "" && errors.Is(err, sessionstore.ErrNotFound) {
			return
		}
		if text := got.Provider + ":" + got.ID + " " + string(got.Tokens); err != nil || text != want {
			t.Errorf("%s: %q, %v, want %q", when, text, err, want)
		}
	}
	want("no tokens", user.Row, "github", "")
	for _, tokens := range []string{"one", "two"} {
		a.Tokens = []byte(tokens)
		mustSignIn(t, n, a)
		want("the last sign-in's", user.Row, "github", "github:1 "+tokens)
	}
	a.Tokens = nil
	mustSignIn(t, n, a)
	want("a sign-in without tokens leaves them", user.Row, "github", "github:1 two")
	want("another provider's", user.Row, "google", "")

	second := account("github:2", "", unattested)
	second.Current, second.Tokens = a.AccountKey, []byte("of the second")
	mustSignIn(t, n, second)
	want("of two accounts the later", user.Row, "github", "github:2 of the second")
	other := account("github:3", "", unattested)
	other.Tokens = []byte("of another")
	want("another user's", mustSignIn(t, n, other).Row, "github", "github:3 of another")

	n.exec(t, `delete from @.accounts where "providerAccountId" = '2'`)
	want("an account that was unlinked", user.Row, "github", "github:1 two")
	n.offset.Add(int64(time.Hour))
	n.sweepAll(orphans)
	if got := n.query(t, `select string_agg(account_id, ' ' order by account_id) from @.signin_tokens`); got != "1 3" {
		t.Errorf("after sweeping, tokens are there of %s", got)
	}
	if got := n.query(t, `select count(*) from @.accounts where access_token is not null or refresh_token is not null or id_token is not null`); got != "0" {
		t.Errorf("%s accounts hold tokens in clear", got)
	}
}

func usesOtherIDs(t *testing.T, n *node) {
	n.exec(t, `create schema `+n.options.schema)
	n.exec(t, `create table @.users (id uuid primary key default gen_random_uuid(), name text, email text unique, "emailVerified" timestamptz, image text)`)
	n.exec(t, `create table @.accounts (id uuid default gen_random_uuid(), "userId" uuid references @.users(id) on delete cascade,
		type text, provider text, "providerAccountId" text, primary key (provider, "providerAccountId"))`)
	user := mustSignIn(t, n, account("github:1", "a@x.example", attested))
	again := mustSignIn(t, n, account("google:9", "a@x.example", attested))
	if named(again) != "linked github:1" || again.Row != user.Row || len(user.Row) != 36 {
		t.Errorf("%s in row %s, then %s in row %s", named(user), user.Row, named(again), again.Row)
	}
}

func tellsOfRefusal(t *testing.T, n *node) {
	mustSignIn(t, n, account("github:1", "", unattested))
	n.exec(t, `alter table @.users add constraint adults check (name <> 'Name of 2')`)
	_, err := n.SignIn(t.Context(), account("github:2", "secret@x.example", unattested))
	if !errors.Is(err, sessionstore.ErrNotCreated) || strings.Contains(err.Error(), "secret@x.example") {
		t.Errorf("SignIn = %v, want ErrNotCreated without the address", err)
	}
	if got := n.query(t, `select count(*) from @.users`); got != "1" {
		t.Errorf("%s users are there", got)
	}
}

func TestAuthjsSessions(t *testing.T) {
	server := servers.StartPostgres(t)
	n := newNode(t, server, newSchema())
	s := &authjsStore{n.store}
	user := mustSignIn(t, n, account("github:1", "a@x.example", attested))
	ctx, token := t.Context(), "0b9a8f4e-raw-token"
	if err := s.CreateSession(ctx, token, user.Row, in(time.Hour)); err != nil {
		t.Fatal(err)
	}
	found, err := s.ReadSession(ctx, token)
	if err != nil || found.User.Row != user.Row || found.User.First != user.First || found.User.Email != "a@x.example" || !found.User.EmailVerified {
		t.Errorf("ReadSession = %+v, %v", found, err)
	}
	if err := s.ExtendSession(ctx, token, in(3*time.Hour)); err != nil {
		t.Errorf("ExtendSession: %v", err)
	}
	n.offset.Add(int64(2 * time.Hour))
	if _, err := s.ReadSession(ctx, token); err != nil {
		t.Errorf("ReadSession of a session that was extended: %v", err)
	}
	n.offset.Add(int64(2 * time.Hour))
	for _, gone := range []string{token, "unknown", "", "\x00", "\xff", strings.Repeat("x", 256)} {
		if _, err := s.ReadSession(ctx, gone); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("ReadSession(%q) = %v, want ErrNotFound", gone, err)
		}
		if err := s.ExtendSession(ctx, gone, in(24*time.Hour)); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("ExtendSession(%q) = %v, want ErrNotFound", gone, err)
		}
	}
	n.offset.Store(0)
	for range 2 {
		if err := s.DeleteSession(ctx, token); err != nil {
			t.Errorf("DeleteSession: %v", err)
		}
	}
	if _, err := s.ReadSession(ctx, token); !errors.Is(err, sessionstore.ErrNotFound) {
		t.Errorf("ReadSession of a deleted session = %v", err)
	}
}
