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
