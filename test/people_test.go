//go:build services

package test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// peopleSite keeps people in PostgreSQL and knows one OpenID provider under two
// ids; SCHEMA, STRATEGY and MORE are replaced.
func peopleSite(op *providertest.Server, schema, strategy, more string) string {
	return strings.NewReplacer("SCHEMA", schema, "STRATEGY", strategy, "MORE", more).Replace(corpSite(op, `
		{$USERS}
		store postgres {$DATABASE} {
			schema SCHEMA
		}
		session {
			strategy STRATEGY
			expose id provider
		}
		identity_headers {
			X-Who {http.auth.user.id}
			X-Row {http.auth.user.claims.sub}
		}
		MORE`))
}

// comesBack signs in with a provider whose user has these claims.
func (b *browser) comesBack(op *providertest.Server, provider string, claims map[string]any) answer {
	b.t.Helper()
	op.Set(providertest.Behaviour{Claims: claims})
	return b.get(b.approved(op, provider))
}

// approved is the callback of a sign-in that the provider has approved.
func (b *browser) approved(op *providertest.Server, provider string) string {
	b.t.Helper()
	var target struct{ URL string }
	b.decode(b.post("/api/auth/signin/"+provider, b.form("callbackUrl", "/app/", "json", "true")), &target)
	return strings.Replace(approve(b.t, op, target.URL), "/corp?", "/"+provider+"?", 1)
}

// as is alice with other claims.
func as(pairs ...any) map[string]any {
	claims := maps.Clone(providertest.Alice())
	for i := 0; i+1 < len(pairs); i += 2 {
		claims[pairs[i].(string)] = pairs[i+1]
	}
	return claims
}

// who is whom a gate tells the upstream of, and the user's row.
func (b *browser) who(g *gateway) (id, row string) {
	b.t.Helper()
	g.echo.take()
	if got := b.get("/app/"); got.status != http.StatusOK {
		b.t.Fatalf("a gate answers %d", got.status)
	}
	told := g.echo.one(b.t).Header
	return told.Get("X-Who"), told.Get("X-Row")
}

// query returns one value of the database as text; SCHEMA is that of the test.
func query(t *testing.T, server *servers.Postgres, statement string, args ...any) string {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var value any
	if err := conn.QueryRow(ctx, statement, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return fmt.Sprint(value)
}

func execSQL(t *testing.T, server *servers.Postgres, statement string, options ...string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, server.DSN(options...))
	if err == nil {
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, statement)
	}
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// People are rows of the Auth.js adapter's tables, and a person's id is that of
// the account which they came with first.
func TestPeople(t *testing.T) {
	server := servers.StartPostgres(t)
	t.Setenv("DATABASE", server.DSN())
	op, schemas := providertest.New(t), 0
	for _, strategy := range []string{"jwt", "database"} {
		for name, test := range map[string]func(t *testing.T, p *peopleRig){
			"a first sign-in makes a user":           firstSignIn,
			"who is signed in links an account":      linksWhileSignedIn,
			"a sign-in of another session links not": linksInTheSameSessionOnly,
			"addresses that both attest link":        linksByAddress,
			"what the database refuses":              refusedByTheDatabase,
			"rules count what the sign-in attests":   rulesAndLinkedAccounts,
			"a password makes no user":               passwordsMakeNoUser,
			"while the database is away":             awayAtTheCallback,
		} {
			t.Run(strategy+"/"+name, func(t *testing.T) {
				schemas++
				p := &peopleRig{server: server, op: op, schema: fmt.Sprint("people", schemas)}
				p.site = peopleSite(op, p.schema, strategy, "pages {\nnew_user /welcome\n}")
				p.gateway = start(t, p.site)
				test(t, p)
			})
		}
	}
}

// peopleRig is a gateway with the database that keeps its people.
type peopleRig struct {
	*gateway
	server       *servers.Postgres
	op           *providertest.Server
	schema, site string
}

func (p *peopleRig) query(t *testing.T, statement string, args ...any) string {
	t.Helper()
	return query(t, p.server, strings.ReplaceAll(statement, "SCHEMA", p.schema), args...)
}

func firstSignIn(t *testing.T, p *peopleRig) {
	b := p.browser()
	wantLocation(t, b.comesBack(p.op, "corp", as()), "/welcome?callbackUrl="+url.QueryEscape(p.origin+"/app/"))
	row := p.query(t, `select u.id || ' ' || u.name || ' ' || u.email || ' ' || a.type from SCHEMA.users u join SCHEMA.accounts a on a."userId" = u.id
		where a.provider = 'corp' and a."providerAccountId" = 'alice-1' and u."emailVerified" is not null`)
	id, sub := b.who(p.gateway)
	if id != "corp:alice-1" || row != sub+" Alice Example alice@example.com oauth" {
		t.Errorf("the upstream is told of %s, row %s; the database has %s", id, sub, row)
	}
	again := p.browser()
	wantLocation(t, again.comesBack(p.op, "corp", as("name", "Alice Married", "picture", "https://img.example/new.png")), p.origin+"/app/")
	// NextAuth doesn't refresh the stored profile, and shows it.
	if shown := again.session(); !strings.Contains(shown, `"name":"Alice Example"`) || !strings.Contains(shown, "img.example/alice.png") {
		t.Errorf("the session shows %s", shown)
	}
	if id, twice := again.who(p.gateway); id != "corp:alice-1" || twice != sub {
		t.Errorf("coming back is %s, row %s", id, twice)
	}
}

func linksWhileSignedIn(t *testing.T, p *peopleRig) {
	b := p.browser()
	b.comesBack(p.op, "corp", as())
	_, row := b.who(p.gateway)
	work := as("sub", "work-7", "email", "alice@work.example", "name", "A. Example")
	wantLocation(t, b.comesBack(p.op, "other", work), p.origin+"/app/")
	if id, same := b.who(p.gateway); id != "corp:alice-1" || same != row {
		t.Errorf("the linked account is %s, row %s, want row %s", id, same, row)
	}
	if shown := b.session(); !strings.Contains(shown, `"id":"corp:alice-1"`) || !strings.Contains(shown, `"provider":"other"`) ||
		!strings.Contains(shown, `"name":"Alice Example"`) || !strings.Contains(shown, `"email":"alice@work.example"`) {
		t.Errorf("the session shows %s", shown)
	}
	elsewhere := p.browser()
	elsewhere.comesBack(p.op, "other", work)
	if id, _ := elsewhere.who(p.gateway); id != "corp:alice-1" {
		t.Errorf("elsewhere the linked account is %s", id)
	}
	// Both sessions are that person's.
	token := elsewhere.token()
	b.post("/api/auth/signout", b.form("everywhere", "true"))
	if p.browser().withToken(token).signedIn() {
		t.Error("signing out everywhere leaves out a session by a linked account")
	}
}

func linksInTheSameSessionOnly(t *testing.T, p *peopleRig) {
	victim, attacker := p.browser(), p.browser()
	attacker.comesBack(p.op, "corp", as("sub", "mallory", "email", "mallory@evil.example"))
	p.op.Set(providertest.Behaviour{Claims: as("sub", "evil", "email", "evil@evil.example")})
	planted := attacker.approved(p.op, "other")
	pending := attacker.pending()[0]
	victim.comesBack(p.op, "corp", as())
	p.op.Set(providertest.Behaviour{Claims: as("sub", "evil", "email", "evil@evil.example")})
	victim.setCookie(pending, attacker.cookie(pending))
	victim.get(planted)
	if id, _ := victim.who(p.gateway); id != "other:evil" {
		t.Errorf("a planted sign-in makes the victim %s", id)
	}
	p.waitForLog("that says why nothing was linked", func(line logLine) bool {
		return strings.Contains(fmt.Sprint(line["msg"]), "links no account") && line["user"] == "corp:alice-1"
	})
	if n := p.query(t, `select count(*)::text from SCHEMA.accounts a join SCHEMA.accounts b on b."userId" = a."userId"
		where a."providerAccountId" = 'alice-1'`); n != "1" {
		t.Errorf("the victim has %s accounts", n)
	}
	// Begun before signing in, in the same browser.
	p.op.Set(providertest.Behaviour{Claims: as("sub", "early", "email", "early@x.example")})
	tabs := p.browser()
	early := tabs.approved(p.op, "other")
	tabs.comesBack(p.op, "corp", as())
	p.op.Set(providertest.Behaviour{Claims: as("sub", "early", "email", "early@x.example")})
	tabs.get(early)
	if id, _ := tabs.who(p.gateway); id != "other:early" {
		t.Errorf("a sign-in that began before the session is %s", id)
	}
}

func linksByAddress(t *testing.T, p *peopleRig) {
	p.browser().comesBack(p.op, "corp", as())
	attested := p.browser()
	attested.comesBack(p.op, "other", as("sub", "9"))
	if id, _ := attested.who(p.gateway); id != "corp:alice-1" {
		t.Errorf("an address that both attest is %s", id)
	}
	claimed := p.browser()
	wantLocation(t, claimed.comesBack(p.op, "other", as("sub", "10", "email_verified", false)),
		p.origin+"/api/auth/error?error=OAuthAccountNotLinked")
	if claimed.signedIn() {
		t.Error("an address that one side only claims signs in")
	}
	// A person's account is not another's to link.
	bob := p.browser()
	bob.comesBack(p.op, "corp", as("sub", "bob", "email", "bob@example.com"))
	wantLocation(t, bob.comesBack(p.op, "other", as("sub", "9")), p.origin+"/api/auth/error?error=OAuthAccountNotLinked")
	if id, _ := bob.who(p.gateway); id != "corp:bob" {
		t.Errorf("a refused link leaves %s", id)
	}
}

func refusedByTheDatabase(t *testing.T, p *peopleRig) {
	p.browser().comesBack(p.op, "corp", as()) // makes the tables
	execSQL(t, p.server, strings.ReplaceAll(`alter table SCHEMA.users add check (name <> 'Mallory')`, "SCHEMA", p.schema))
	b := p.browser()
	got := b.comesBack(p.op, "corp", as("sub", "m", "name", "Mallory", "email", "m@x.example"))
	wantLocation(t, got, p.origin+"/api/auth/error?error=OAuthCreateAccount")
	if b.signedIn() {
		t.Error("a user who can't be stored is signed in")
	}
}

func rulesAndLinkedAccounts(t *testing.T, p *peopleRig) {
	b := p.browser()
	b.comesBack(p.op, "corp", as())
	b.comesBack(p.op, "other", as("sub", "7", "email", "private@elsewhere.example"))
	p.gateway.reload("", strings.Replace(p.site, "pages {", "allow email *@example.com\npages {", 1))
	if got := b.get("/app/"); got.status != http.StatusUnauthorized {
		t.Errorf("who signed in by an account of another domain is answered %d", got.status)
	}
	wantLocation(t, p.browser().comesBack(p.op, "other", as("sub", "7", "email", "private@elsewhere.example")),
		p.origin+"/api/auth/error?error=AccessDenied")
	work := p.browser()
	work.comesBack(p.op, "corp", as())
	if id, _ := work.who(p.gateway); id != "corp:alice-1" {
		t.Errorf("by the account of the domain they are %s", id)
	}
	p.gateway.reload("", strings.Replace(p.site, "pages {", "deny email *@example.com\npages {", 1))
	nameless := as("sub", "7")
	delete(nameless, "email")
	wantLocation(t, p.browser().comesBack(p.op, "other", nameless), p.origin+"/api/auth/error?error=AccessDenied")
}

func passwordsMakeNoUser(t *testing.T, p *peopleRig) {
	b := p.browser().signIn("alice")
	if id, _ := b.who(p.gateway); id != "credentials:1" {
		t.Errorf("by a password they are %s", id)
	}
	b.comesBack(p.op, "corp", as())
	if id, _ := b.who(p.gateway); id != "corp:alice-1" {
		t.Errorf("after a password the account is %s", id)
	}
	if n := p.query(t, `select count(*)::text from SCHEMA.users`); n != "1" {
		t.Errorf("there are %s users", n)
	}
}

func awayAtTheCallback(t *testing.T, p *peopleRig) {
	p.browser().comesBack(p.op, "corp", as()) // makes the tables
	b := p.browser()
	p.op.Set(providertest.Behaviour{Claims: as()})
	callback := b.approved(p.op, "corp")
	execSQL(t, p.server, strings.ReplaceAll(`alter table SCHEMA.users rename to gone`, "SCHEMA", p.schema))
	got := b.get(callback)
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("a callback is answered %d %v", got.status, got.header)
	}
	execSQL(t, p.server, strings.ReplaceAll(`alter table SCHEMA.gone rename to users`, "SCHEMA", p.schema))
	b.comesBack(p.op, "corp", as())
	if id, _ := b.who(p.gateway); id != "corp:alice-1" {
		t.Errorf("afterwards they are %s", id)
	}
}

// A mailed link signs in the user with that address, and only its hash is stored.
func TestPeopleByMail(t *testing.T) {
	server := servers.StartPostgres(t)
	t.Setenv("DATABASE", server.DSN())
	op := providertest.New(t)
	g, mails := startMail(t, "confirm off", fmt.Sprintf(`oidc corp %s %s %q
		identity_headers {
			X-Who {http.auth.user.id}
		}
		session {
			expose id
		}
		store postgres %q`, op.URL, op.ClientID, op.ClientSecret, server.DSN()))
	p := &peopleRig{gateway: g, server: server, op: op, schema: "public"}
	p.browser().comesBack(op, "corp", as())
	b := p.browser()
	b.ask("alice@example.com")
	link := mails.Wait(t).Link(t)
	kept := p.query(t, `select identifier || ' ' || token from SCHEMA.verification_token`)
	address, hash, _ := strings.Cut(kept, " ")
	if address != "alice@example.com" || len(hash) != 64 || strings.Contains(link, hash) {
		t.Errorf("stored of the link is %s", kept)
	}
	b.get(link)
	if shown := b.session(); !strings.Contains(shown, `"id":"corp:alice-1"`) || !strings.Contains(shown, `"name":"Alice Example"`) {
		t.Errorf("the session shows %s", shown)
	}
	if n := p.query(t, `select count(*)::text from SCHEMA.verification_token`); n != "0" {
		t.Errorf("%s links are left", n)
	}
	stranger := p.browser()
	stranger.ask("new@example.com")
	stranger.get(mails.Wait(t).Link(t))
	if shown := stranger.session(); !strings.Contains(shown, `"id":"email:new@example.com"`) {
		t.Errorf("a new user's session shows %s", shown)
	}
	execSQL(t, server, `alter table users add check (email <> 'm@example.com')`)
	refused := p.browser()
	refused.ask("m@example.com")
	wantLocation(t, refused.get(mails.Wait(t).Link(t)), g.origin+"/api/auth/error?error=EmailCreateAccount")
}
