package test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// identitySite guards /app and has further options in its realm.
func identitySite(options string) string {
	return strings.Replace(onePasswordSite, "{$USERS}", "{$USERS}\n"+options, 1)
}

// identity are those request headers that say who the user is.
func identity(header http.Header) map[string][]string {
	told := make(map[string][]string)
	for name, values := range header {
		lower := strings.ToLower(name)
		for _, part := range []string{"remote", "user", "email", "groups", "assertion", "x-auth", "x-who"} {
			if strings.Contains(lower, part) && lower != "user-agent" {
				told[name] = values
			}
		}
	}
	return told
}

// Upstreams are told who somebody is in the documented forms, and nothing else
// (requirements F1, F5 and F6).
func TestIdentityHeaders(t *testing.T) {
	const name = "Zo%C3%AB %C3%85ngstr%C3%B6m"
	const groups = "a%2Cb,c%25d,%C3%BCber"
	for _, test := range []struct {
		name, options, user string
		want                map[string]string
	}{
		{"the set remote, by default", "", "alice", map[string]string{
			"Remote-User": "alice", "Remote-Email": "alice@example.com", "Remote-Name": "Alice Example", "Remote-Groups": "admins,staff",
		}},
		{"what a person does not have is not sent", "", "bob", map[string]string{"Remote-User": "bob", "Remote-Groups": "staff"}},
		{"what is not ASCII, a percent and a comma in a group are encoded", "", "zoe", map[string]string{
			"Remote-User": "zoe", "Remote-Email": "zoe@other.example", "Remote-Name": name, "Remote-Groups": groups,
		}},
		{"a list of more than 4 KiB is not sent", "", "big", map[string]string{
			"Remote-User": "big", "Remote-Email": "big@example.com", "Remote-Name": strings.TrimSpace(strings.Repeat("Long Name ", 300)),
			"Remote-Groups": strings.ReplaceAll(manyGroups(400), " ", ","),
		}},
		{"the set x-forwarded", "identity_headers x-forwarded", "alice", map[string]string{
			"X-Forwarded-User": "credentials:1", "X-Forwarded-Email": "alice@example.com",
			"X-Forwarded-Groups": "admins,staff", "X-Forwarded-Preferred-Username": "alice",
		}},
		{"the set x-auth-request", "identity_headers x-auth-request", "alice", map[string]string{
			"X-Auth-Request-User": "credentials:1", "X-Auth-Request-Email": "alice@example.com",
			"X-Auth-Request-Groups": "admins,staff", "X-Auth-Request-Preferred-Username": "alice",
		}},
		{"off", "identity_headers off", "alice", nil},
		{"a map of one's own", `identity_headers {
				X-Auth-User {http.auth.user.id}
				x-auth-text "{http.auth.user.name} <{http.auth.user.email}>"
				X-Auth-Missing {http.auth.user.claims.department}
				X-Auth-Groups {http.auth.user.groups}
			}`, "zoe", map[string]string{
			"X-Auth-User": "credentials:zoe", "X-Auth-Text": name + " <zoe@other.example>", "X-Auth-Groups": groups,
		}},
		{"claims that are lists, and in a text of one's own", `identity_headers {
				X-Auth-Groups {http.auth.user.claims.groups}
				X-Auth-Text "% {http.auth.user.claims.groups}; {http.auth.user.groups}"
				X-Auth-Object {http.auth.user.claims}
				X-Auth-Flag {http.auth.user.claims.email_verified}
			}`, "zoe", map[string]string{"X-Auth-Groups": groups, "X-Auth-Text": "%25 " + groups + "; " + groups, "X-Auth-Flag": "true"}},
		{"a set and a map", `identity_headers x-auth-request {
				X-Who {http.auth.user.username}
			}`, "bob", map[string]string{
			"X-Auth-Request-User": "credentials:bob", "X-Auth-Request-Groups": "staff",
			"X-Auth-Request-Preferred-Username": "bob", "X-Who": "bob",
		}},
		{"username id", "username id", "alice", map[string]string{
			"Remote-User": "credentials:1", "Remote-Email": "alice@example.com", "Remote-Name": "Alice Example", "Remote-Groups": "admins,staff",
		}},
		{"username email", "username email", "alice", map[string]string{
			"Remote-User": "alice@example.com", "Remote-Email": "alice@example.com", "Remote-Name": "Alice Example", "Remote-Groups": "admins,staff",
		}},
		{"username email of one who has none", "username email", "bob", map[string]string{"Remote-User": "credentials:bob", "Remote-Groups": "staff"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := start(t, identitySite(test.options))
			b := g.browser().signIn(test.user)
			forged := []string{
				"Remote-User: forged", "Remote-Email: forged", "Remote-Name: forged", "Remote-Groups: forged", "X-Signin-Assertion: forged",
			}
			for name := range test.want {
				forged = append(forged, name+": forged")
			}
			if strings.Contains(test.options, "Missing") {
				forged = append(forged, "X-Auth-Missing: forged")
			}
			b.get("/app/", forged...)
			want := make(map[string][]string)
			for name, value := range test.want {
				if len(value) <= 4<<10 {
					want[name] = []string{value}
				}
			}
			if told := identity(g.echo.one(t).Header); !maps.EqualFunc(told, want, slices.Equal) {
				t.Errorf("the upstream is told %v, want %v", told, want)
			}
			// Without a gate they are only removed, for a session and for none.
			for _, visitor := range []*browser{b, g.browser()} {
				visitor.get("/open", forged...)
				if told := identity(g.echo.one(t).Header); len(told) > 0 {
					t.Errorf("on an open path the upstream is told %v", told)
				}
			}
		})
	}
}

// What a provider says can't write lines of its own into the request.
func TestIdentityCannotInjectHeaders(t *testing.T) {
	g := start(t, rulesSite("", "require_signin"))
	claims := g.claimsOf()
	claims.Provider = "corp"
	claims.Name = authjs.TextOrMissing("Al\r\nX-Injected: yes\x00\x7f\tice ")
	claims.Groups = []string{"a\nb", "c,d", ""}
	got := g.browser().withToken(seal(t, secret, claims)).get("/")
	seen := g.echo.one(t)
	if got.status != http.StatusOK || seen.Header.Get("X-Injected") != "" {
		t.Fatalf("status %d, the upstream got %v", got.status, seen.Header)
	}
	if name := seen.Header.Get("Remote-Name"); name != "AlX-Injected: yesice" {
		t.Errorf("Remote-Name is %q", name)
	}
	if groups := seen.Header.Get("Remote-Groups"); groups != "ab,c%2Cd," && groups != "ab,c%2Cd" {
		t.Errorf("Remote-Groups is %q", groups)
	}
}

// The placeholders have their values wherever Caddy expands them.
func TestPlaceholders(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
	}
	require_signin /app/*
	header {
		X-Id "{http.auth.user.id}"
		defer
	}
	respond <<TEXT
		id={http.auth.user.id}
		email={http.auth.user.email}
		name={http.auth.user.name}
		image={http.auth.user.image}
		groups={http.auth.user.groups}
		provider={http.auth.user.provider}
		username={http.auth.user.username}
		claim={http.auth.user.claims.email}
		group={http.auth.user.claims.groups}
		nothing={http.auth.user.claims.none.at.all}
		session={http.auth.session.provider}
		visit={http.vars.caddy_signin}
		TEXT
}
`)
	want := "id=credentials:1\nemail=alice@example.com\nname=Alice Example\nimage=https://img.example/alice.png\n" +
		"groups=admins,staff\nprovider=credentials\nusername=alice\nclaim=alice@example.com\n" +
		"group=[admins staff]\nnothing=\nsession=credentials\nvisit="
	b := g.browser().signIn("alice")
	for _, path := range []string{"/app/", "/open"} {
		got := b.get(path)
		if got.body != want || got.header.Get("X-Id") != "credentials:1" {
			t.Errorf("%s: X-Id %q and\n%s\nwant\n%s", path, got.header.Get("X-Id"), got.body, want)
		}
	}
	empty := "id=\nemail=\nname=\nimage=\ngroups=\nprovider=\nusername=\nclaim=\ngroup=\nnothing=\nsession=\nvisit="
	if got := g.browser().get("/open"); got.body != empty {
		t.Errorf("a stranger's placeholders:\n%s", got.body)
	}
}

// In expressions groups are a list, and what a stranger does not have is null.
func TestPlaceholdersInExpressions(t *testing.T) {
	g := start(t, strings.Replace(onePasswordSite, "reverse_proxy {$ECHO}", `
	@stranger expression "{http.auth.user.id} == null"
	@admin expression "'admins' in {http.auth.user.groups} && {http.auth.user.email}.endsWith('@example.com')"
	handle @stranger {
		respond stranger
	}
	handle @admin {
		respond admin
	}
	handle {
		respond other
	}`, 1))
	for user, want := range map[string]string{"": "stranger", "alice": "admin", "bob": "other"} {
		b := g.browser()
		if user != "" {
			b.signIn(user)
		}
		if got := b.get("/open"); got.body != want {
			t.Errorf("%q is %q, want %q", user, got.body, want)
		}
	}
}

// {http.auth.user.email} is for decisions, so it is empty unless the address is
// verified; the claim shows what the provider said.
func TestUnverifiedEmailPlaceholder(t *testing.T) {
	g := start(t, strings.Replace(rulesSite("", "require_signin"), "reverse_proxy {$ECHO}",
		`respond "{http.auth.user.email}|{http.auth.user.claims.email}|{http.auth.user.username}"`, 1))
	claims := g.claimsOf()
	claims.Provider, claims.EmailVerified, claims.Login = "corp", false, ""
	got := g.browser().withToken(seal(t, secret, claims)).get("/")
	if got.body != "|alice@example.com|corp:1" {
		t.Errorf("the placeholders are %q", got.body)
	}
}

// The access log names the person whom a gate let pass, and nobody else.
func TestAccessLogNamesTheUser(t *testing.T) {
	g := start(t, strings.Replace(onePasswordSite, "require_signin", "log\n\trequire_signin", 1))
	b := g.browser().signIn("alice")
	for path, want := range map[string]string{"/app/logged": "credentials:1", "/open/logged": ""} {
		b.get(path)
		line := g.waitForLog("of access to "+path, func(line logLine) bool {
			request, _ := line["request"].(map[string]any)
			return line["logger"] == "http.log.access" && request["uri"] == path
		})
		if user, _ := line["user_id"].(string); user != want {
			t.Errorf("%s: user_id is %q, want %q", path, user, want)
		}
	}
}
