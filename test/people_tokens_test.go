//go:build services

package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// tokensSite hands the access token on, by a line of the operator's own.
func tokensSite(op *providertest.Server, schema, secrets string) string {
	site := peopleSite(op, schema, "jwt", "")
	site = strings.Replace(site, "{$SECRET}", secrets, 1)
	return strings.Replace(site, "reverse_proxy {$ECHO}", `reverse_proxy {$ECHO} {
		header_up Authorization "Bearer {http.auth.session.access_token}"
	}`, 1)
}

// tokenTold is the access token that the upstream is told, empty for none.
func (b *browser) tokenTold(g *gateway) string {
	b.t.Helper()
	g.echo.take()
	b.get("/app/")
	told, isBearer := strings.CutPrefix(g.echo.one(b.t).Header.Get("Authorization"), "Bearer")
	if !isBearer {
		b.t.Error("the upstream is told no bearer token, not even an empty one")
	}
	return strings.TrimSpace(told)
}

// Tokens of providers are sealed with the realm's keys.
func TestTokensOfProviders(t *testing.T) {
	server := servers.StartPostgres(t)
	t.Setenv("DATABASE", server.DSN())
	op := providertest.New(t)
	const one, two = `"the first secret of the tests, 32 bytes"`, `"the second secret of the tests, 32 bytes"`
	p := &peopleRig{server: server, op: op, schema: "tokens"}
	p.gateway = start(t, tokensSite(op, p.schema, one))
	comes := func(b *browser, sub string, expiresIn int) string {
		var given string
		op.Set(providertest.Behaviour{Claims: as("sub", sub, "email", sub+"@example.com"), EditTokenAnswer: func(answer map[string]any) {
			given = fmt.Sprint(answer["access_token"])
			answer["expires_in"], answer["refresh_token"] = expiresIn, "the refresh token of "+sub
		}})
		b.get(b.approved(op, "corp"))
		return given
	}
	want := func(when string, b *browser, want string) {
		t.Helper()
		if got := b.tokenTold(p.gateway); got != want {
			t.Errorf("%s, the upstream is told the token %q, want %q", when, got, want)
		}
	}
	alice, bob := p.browser(), p.browser()
	token := comes(alice, "alice", 300)
	want("signed in", alice, token)
	if shown := alice.session(); strings.Contains(shown, token) {
		t.Errorf("the browser is shown %s", shown)
	}
	stored := p.query(t, `select string_agg(convert_from(sealed, 'UTF8'), ' ') from SCHEMA.signin_tokens`)
	if strings.Contains(stored, token) || strings.Contains(stored, "refresh") || strings.Count(stored, ".") != 4 {
		t.Errorf("the database has %s", stored)
	}

	want("by a password", p.browser().signIn("alice"), "")
	comes(bob, "bob", 0)
	bobs := bob.tokenTold(p.gateway)
	execSQL(t, server, `update tokens.signin_tokens b set sealed = a.sealed from tokens.signin_tokens a where a.account_id = 'alice' and b.account_id = 'bob'`)
	want("with another account's row", bob, "")
	if bobs == "" {
		t.Error("a token that doesn't say when it expires is not told")
	}

	p.gateway.reload("", tokensSite(op, p.schema, two+" "+one))
	want("after a rotation", alice, token)
	execSQL(t, server, `delete from tokens.accounts where "providerAccountId" = 'alice'`)
	want("after the account was unlinked", alice, "")
	execSQL(t, server, `alter table tokens.signin_tokens rename to gone`)
	want("while the table is away", alice, "")
	p.waitForLog("that says why", func(line logLine) bool {
		return strings.Contains(fmt.Sprint(line["error"]), "the access token of corp:alice") && !strings.Contains(fmt.Sprint(line), token)
	})
}
