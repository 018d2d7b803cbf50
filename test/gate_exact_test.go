package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A path without an asterisk guards itself in every spelling that upstreams serve
// as the same page, in the directive and in a named matcher.
func TestSpellingsOfAnExactPath(t *testing.T) {
	const graphql = "/graphql=401 /graphql/=401 /graphql;x=401 /graphql/;x=401 /GraphQL/=401 /graphql//=401 /graphql?x=401 " +
		"/graphql/x=200 /graphqls=200 /x/graphql=200 /=200"
	for gate, want := range map[string]string{
		"require_signin /graphql":                                                   graphql,
		"require_signin /graphql/":                                                  graphql,
		"@g path /graphql\nrequire_signin @g":                                       graphql,
		"@g path /other /graphql/\nrequire_signin @g":                               graphql + " /other/=401",
		"@g {\npath /graphql\nmethod GET\n}\nrequire_signin @g":                     graphql,
		"@g {\npath /graphql\nnot path /other\n}\nrequire_signin @g":                graphql,
		"require_signin /":                                                          "/=401 /;x=401 /x=200",
		"@g path /reports/* /wiki\nrequire_signin @g":                               "/reports=401 /reports/=401 /reports/x=401 /reports;x=401 /wiki=401 /wiki/=401 /wiki;x=401 /wiki/x=200 /reportsx=200",
		"@g not path /open /public/*\nrequire_signin @g":                            "/open=200 /open/=401 /open;x=401 /public/x=200 /public=401 /x=401",
		"require_signin /api/v1.0/me":                                               "/api/v1.0/me=401 /api;x/v1.0/me/=401 /API;x/v1.0;y/me;z=401 /api;x/v1.0/me/;z=401 /api/v1.0/me/x=200 /api;x/v1.0/mexico=200 /api;x/v1x0/me=200",
		"@g path /api/v1/me /deep/x/*\nrequire_signin @g":                           "/api;x/v1/me=401 /deep;x/x/y=401 /deep;x/x=401 /deep;x/xy=200 /api;x/v1/me/x=200",
		"@g {\npath /api/v1/me\nmethod GET\n}\nrequire_signin @g":                   "/api;x/v1/me=401 /api/v1/me/=401",
		"@g {\npath /api/v1/*\nnot path /api/v1/open\n}\nrequire_signin @g":         "/api;x/v1/me=401 /api/v1=401 /api/v1/open=200",
		"@g path /admin /admin/* *.php/admin*\nrequire_signin @g":                   "/admin=401 /index.php/admin/x=401 /index.php=200 /admin;x=401",
		"handle_path /strip/* {\nrequire_signin /graphql\nreverse_proxy {$ECHO}\n}": "/strip/graphql/=401 /strip/graphql/x=200 /graphql=200",
		"@g path /graphql\nhandle @g {\nrespond open 404\n}\nrequire_signin @g":     graphql, // the matcher of others stays as it is
		"@g {\npath /a/b\npath_regexp ^/a\n}\nrequire_signin @g":                    "/a/b=401 /a/b/=401 /a;x/b=401 /x/a/b=200 /a;x/c=200",
		"@g {\npath /a/b\npath_regexp ^/a\nnot path /x\n}\nrequire_signin @g":       "/a/b=401 /a;x/b=401 /a;x/c=200",
		"require_signin /users/*/private":                                           "/users/1/private=401 /users/1/private/=401 /USERS/1%2F2/Private=401 /users/1;x/private;y=401 /users/1/private/x=200 /users/1/public=200",
		"@g path /users/*/private/*\nrequire_signin @g":                             "/users/1/private=401 /users/1/private/a/b=401 /users/1%2F2/private/x=401 /users;x/1/private/=401 /users/1/privates=200",
		"require_signin /a/b*":                                                      "/a/b=401 /a;x/bc/d=401 /a/c=200",
		"@g {\npath /a/b\nheader X-Not-There x\n}\nrequire_signin @g":               "/a/b=200 /a;x/b=200",
		"route {\nrequire_signin /graphql\nreverse_proxy {$ECHO}\n}":                graphql,
		"handle {\nhandle {\nrequire_signin /graphql\nreverse_proxy {$ECHO}\n}\n}":  graphql,
	} {
		t.Run(strings.NewReplacer("\n", " ", "{", "", "}", "").Replace(gate), func(t *testing.T) {
			g := start(t, strings.Replace(onePasswordSite, "require_signin /app/*", gate, 1))
			for pair := range strings.FieldsSeq(want) {
				target, status, _ := strings.Cut(pair, "=")
				if got := g.raw("GET " + target + " HTTP/1.1"); fmt.Sprint(got.status) != status {
					t.Errorf("%s: status %d, want %s", target, got.status, status)
				}
			}
		})
	}
}

// What an exact path leaves open below it is told at start, unless it is guarded
// as well.
func TestWhatExactPathsLeaveOpenIsTold(t *testing.T) {
	realm := "signin {\n\t\tsecret {$SECRET}\n\t\t{$USERS}\n\t}\n"
	const admins = " {\ngroup admins\n}\n"
	gates := map[string]string{
		"require_signin /graphql":                                              "/graphql",
		"require_signin /graphql/":                                             "/graphql",
		"@g path /reports/* /wiki /a/b/\nrequire_signin @g":                    "/wiki /a/b",
		"require_signin /":                                                     "",
		"require_signin /admin" + admins + "require_signin":                    "/admin", // to everybody who is signed in
		"require_signin /graphql\nrequire_signin /graphql/x":                   "/graphql /graphql/x",
		"require_signin /graphql\nrequire_signin /graphql/* {\noptional\n}":    "/graphql",
		"handle /x/* {\nrequire_signin\n}\nhandle {\nrequire_signin /y\n}":     "/y",
		"@g path /graphql /graphql/*\nrequire_signin @g":                       "none",
		"require_signin /graphql\nrequire_signin /graphql/*":                   "none",
		"require_signin /graphql/*" + admins + "require_signin /graphql":       "none",
		"require_signin /graphql" + admins + "require_signin /graph*" + admins: "none",
		"require_signin /graphql\nrequire_signin":                              "none",
		"require_signin /graphql {\noptional\n}":                               "none",
		"@g not path /open\nrequire_signin @g":                                 "none",
		"@g path *.php /x*\nrequire_signin @g":                                 "none",
		"require_signin /users/*/private":                                      "/users/*/private",
		"require_signin /users/*/private\nrequire_signin /users/*/private/*":   "none",
		"require_signin": "none",
	}
	var sites strings.Builder
	wanted := make(map[string]string)
	for gate, want := range gates {
		host := fmt.Sprintf("s%d.example", len(wanted))
		fmt.Fprintf(&sites, "http://%s:{$HTTP} {\n%s%s\nrespond ok\n}\n", host, realm, gate)
		wanted[host] = gate + ": " + want
	}
	g := start(t, sites.String())
	told := make(map[string][]string)
	for _, line := range g.logs() {
		if write, ok := line["write"].(string); ok && line["level"] == "warn" {
			host := strings.Trim(fmt.Sprint(line["hosts"]), "[]")
			path := strings.TrimSuffix(write, "/*")
			told[host] = append(told[host], path)
			if line["open"] != path+"/…" || line["guarded"] != path && path != "" {
				t.Errorf("the line says %v", line)
			}
		}
	}
	for host, want := range wanted {
		gate, paths, _ := strings.Cut(want, ": ")
		if slices.Sort(told[host]); strings.Join(told[host], " ") != strings.Join(sorted(paths), " ") || (paths == "none") != (told[host] == nil) {
			t.Errorf("%s: told of %q, want %q", gate, told[host], paths)
		}
	}
}

func sorted(words string) []string {
	if words == "none" {
		return nil
	}
	return slices.Sorted(slices.Values(strings.Fields(words)))
}
