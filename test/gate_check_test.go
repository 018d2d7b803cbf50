package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// What a start says of gates that nobody can pass, by the hosts of their sites.
func TestShutGatesAreTold(t *testing.T) {
	realm := `signin {
		secret {$SECRET}
		{$USERS}
	}
	`
	g := start(t, "http://:{$HTTP} {\nrespond ok\n}\n"+
		"http://none.example:{$HTTP} {\n\trequire_signin /x/*\n\trespond ok\n}\n"+
		"http://beside.example:{$HTTP} {\n\thandle /a/* {\n\t"+realm+"}\n\thandle /b/* {\n\t\trequire_signin\n\t}\n}\n"+
		"http://rule.example:{$HTTP} {\n\t"+realm+"require_signin {\n\t\tprovider gogle\n\t}\n\trespond ok\n}\n"+
		"http://fine.example:{$HTTP} {\n\t"+realm+"require_signin {\n\t\tprovider credentials\n\t}\n\thandle {\n\t\trequire_signin\n\t}\n\trespond ok\n}\n"+
		"http://route.example:{$HTTP} {\n\troute {\n\t\t"+realm+"\n\t\trequire_signin\n\t\trespond ok\n\t}\n}\n")
	var got []string
	for _, line := range g.logs() {
		if line["logger"] == "signin" && line["level"] == "error" {
			got = append(got, fmt.Sprint(line["hosts"], line["error"], line["providers"]))
		}
	}
	slices.Sort(got)
	want := []string{
		"[beside.example] <nil> <nil>",
		"[none.example] <nil> <nil>",
		`[rule.example]provider "gogle" is not in this realmcredentials`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// The warning names the site: a Caddyfile has many realms without a name.
func TestOpenRealmsAreTold(t *testing.T) {
	github := "signin {\n\t\tgithub id secret\n"
	g := startGlobal(t, "signin staff {\n\tgithub id secret\n}\n", "http://:{$HTTP} {\nrespond ok\n}\n"+
		"http://open.example:{$HTTP} {\n\t"+github+"\t}\n}\n"+
		"http://allow.example:{$HTTP} {\n\t"+github+"\t\tallow email *@example.com\n\t}\n}\n"+
		"http://staff.example:{$HTTP} {\n\tsignin staff\n\trequire_signin staff {\n\t\tgroup a\n\t}\n}\n")
	var got []string
	for _, line := range g.logs() {
		if line["level"] == "warn" && line["provider"] == "github" {
			got = append(got, fmt.Sprint(line["realm"]))
		}
	}
	port := g.origin[strings.LastIndex(g.origin, ":"):]
	if want := []string{"http://open.example" + port}; !slices.Equal(got, want) {
		t.Errorf("warned of %q, want %q", got, want)
	}
}

// Realms in place at one address share their sessions: alice of one block would
// be alice of the other.
func TestRealmsThatMixAreTold(t *testing.T) {
	block := func(path, users string) string {
		return "\thandle " + path + " {\n\tsignin {\n\t\tsecret {$SECRET}\n\t\t" + users + "\n\t}\n\t}\n"
	}
	others := "credentials {\n\t\t\tbob $2a$04$M8sUdgdnmIyAhm4RGMv0PubGiihoXBJb9FIYyHkPKFYA3LvOVM5tK\n\t\t}"
	renamed := strings.Replace(others, "{", "{\n\t\t\tid other", 1)
	g := start(t, "http://:{$HTTP} {\nrespond ok\n}\n"+
		"http://mixed.example:{$HTTP} {\n"+block("/a/*", "{$USERS}")+block("/b/*", others)+"}\n"+
		"http://same.example:{$HTTP} {\n"+block("/a/*", "{$USERS}")+block("/b/*", "{$USERS}")+"}\n"+
		"http://renamed.example:{$HTTP} {\n"+block("/a/*", "{$USERS}")+block("/b/*", renamed)+"}\n"+
		"http://one.example:{$HTTP} {\n"+block("/a/*", others)+"}\n")
	var got []string
	for _, line := range g.logs() {
		if line["logger"] == "signin" && line["level"] == "warn" {
			got = append(got, fmt.Sprint(line["address"], " ", line["provider"]))
		}
	}
	port := g.origin[strings.LastIndex(g.origin, ":"):]
	if want := []string{"http://mixed.example" + port + " credentials"}; !slices.Equal(got, want) {
		t.Errorf("warned of %q, want %q", got, want)
	}
}

// A gate protects the whole block in which it stands, and no more.
func TestProxiesBesideGatesThatNothingProtectsAreTold(t *testing.T) {
	g := startGlobal(t, "signin {\n\tsecret {$SECRET}\n\t{$USERS}\n}\n", "http://:{$HTTP} {\nrespond ok\n}\n"+
		"http://part.example:{$HTTP} {\n\trequire_signin /x/*\n\treverse_proxy {$ECHO}\n}\n"+
		"http://handle.example:{$HTTP} {\n\thandle /x/* {\n\t\trequire_signin default\n\t\trespond ok\n\t}\n\treverse_proxy {$ECHO}\n}\n"+
		"http://behind.example:{$HTTP} {\n\trequire_signin /y/*\n\thandle /x/* {\n\t\trequire_signin default\n\t}\n\trespond ok\n}\n"+
		"http://whole.example:{$HTTP} {\n\trequire_signin\n\trespond ok\n}\n"+
		"http://sibling.example:{$HTTP} {\n\thandle /x/* {\n\t\treverse_proxy {$ECHO}\n\t}\n\thandle {\n\t\trequire_signin default\n\t\treverse_proxy {$ECHO}\n\t}\n}\n"+
		"http://inside.example:{$HTTP} {\n\thandle /x/* {\n\t\tsignin\n\t\trequire_signin\n\t\treverse_proxy {$ECHO}\n\t}\n\treverse_proxy {$ECHO}\n}\n"+
		"http://route.example:{$HTTP} {\n\troute {\n\t\treverse_proxy /x/* {$ECHO}\n\t\trequire_signin default\n\t\treverse_proxy {$ECHO}\n\t}\n}\n"+
		"http://each.example:{$HTTP} {\n\thandle /x/* {\n\t\trequire_signin default\n\t\treverse_proxy {$ECHO}\n\t}\n\thandle {\n\t\tsignin\n\t\treverse_proxy {$ECHO}\n\t}\n}\n"+
		"http://fine.example:{$HTTP} {\n\tsignin\n\trequire_signin /x/*\n\trespond ok\n}\n")
	var got []string
	for _, line := range g.logs() {
		if message, _ := line["msg"].(string); line["level"] == "warn" && strings.Contains(message, "came through no signin") {
			got = append(got, fmt.Sprint(line["hosts"]))
		}
	}
	if want := []string{"[handle.example]", "[inside.example]", "[route.example]", "[sibling.example]"}; !slices.Equal(got, want) {
		t.Errorf("warned of %q, want %q", got, want)
	}
	host := "Host: handle.example" + g.origin[strings.LastIndex(g.origin, ":"):]
	g.raw("GET /open HTTP/1.1", host, "Remote-User: forged")
	if user := g.echo.one(t).Header["Remote-User"]; !slices.Equal(user, []string{"forged"}) {
		t.Errorf("the upstream is told %q: then the warning is wrong", user)
	}
}
