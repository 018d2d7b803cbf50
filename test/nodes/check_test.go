package nodes

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// checked runs caddy signin check on a Caddyfile, without a Caddy that runs.
func checked(t *testing.T, caddyfile string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	n := &node{t: t, dir: t.TempDir()}
	config := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(config, []byte("{\n\tadmin off\n}\n"+caddyfile), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr = n.run(append([]string{"signin", "check", "--config", config, "--adapter", "caddyfile"}, args...)...)
	if left, err := os.ReadDir(n.dir); err != nil || len(left) > 0 {
		t.Errorf("the check leaves %v behind: %v", left, err)
	}
	return code, stdout, stderr
}

const mistaken = `
https://app.example.com, https://www.example.com {
	signin {
		oidc fine ISSUER id a-client-secret {
			token_endpoint CLOSED/token
		}
		oidc other ISSUER/ id a-client-secret
		oidc secure SECURE id a-client-secret
		oauth2 acme id a-client-secret {
			authorization_endpoint CLOSED/authorize
			token_endpoint ISSUER/token
			userinfo_endpoint CLOSED/me
			profile {
				id id
			}
		}
		email {
			from no-reply@example.com
			smtp MAIL {
				tls off
			}
		}
		credentials {
			http CLOSED/login
		}
	}
}
`

// What the command prints, in full: whoever answers first, the order is that of
// the configuration.
const complaint = `realm https://app.example.com https://www.example.com
  ok   store
  provider fine (fine)
    redirect URI to register: https://app.example.com/api/auth/callback/fine
    redirect URI to register: https://www.example.com/api/auth/callback/fine
    ok   discovery of issuer ISSUER
    ok   keys
    ok   connection to ISSUER
    FAIL connection to CLOSED: dial tcp ADDRESS: connect: connection refused (nothing listens there: is it up, and are host and port right?)
  provider other (other)
    redirect URI to register: https://app.example.com/api/auth/callback/other
    redirect URI to register: https://www.example.com/api/auth/callback/other
    FAIL discovery of issuer ISSUER/: the provider writes its issuer ISSUER: set issuer to exactly that
  provider secure (secure)
    redirect URI to register: https://app.example.com/api/auth/callback/secure
    redirect URI to register: https://www.example.com/api/auth/callback/secure
    FAIL discovery of issuer SECURE: asking SECURE/.well-known/openid-configuration: tls: failed to verify certificate: x509: certificate signed by unknown authority (its certificate must be for this name, not expired, and of an authority that this machine, or tls_trust_pool, trusts)
  provider acme (acme)
    redirect URI to register: https://app.example.com/api/auth/callback/acme
    redirect URI to register: https://www.example.com/api/auth/callback/acme
    FAIL connection to CLOSED: dial tcp ADDRESS: connect: connection refused (nothing listens there: is it up, and are host and port right?)
    ok   connection to ISSUER
  provider email (Email)
    WARN who may come in: anyone in the world with an account at this provider can sign in: add a line such as ` + "`allow email *@example.com`" + ` to the signin block, or rules to require_signin
    ok   mail from no-reply@example.com
  provider credentials (Credentials)
    FAIL connection to CLOSED: dial tcp ADDRESS: connect: connection refused (nothing listens there: is it up, and are host and port right?)
`

func TestCheckSaysWhatIsWrong(t *testing.T) {
	issuer := providertest.New(t)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	mail := providertest.NewMailServer(t, providertest.MailOptions{})
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	fill := strings.NewReplacer("ISSUER", issuer.URL, "SECURE", secure.URL, "MAIL", mail.Address,
		"CLOSED", closed.URL, "ADDRESS", strings.TrimPrefix(closed.URL, "http://"))
	for range 3 {
		code, out, errs := checked(t, fill.Replace(mistaken))
		if want := ordered(fill.Replace(complaint)); code != 1 || ordered(out) != want || !strings.Contains(errs, "checks that failed: 5") {
			t.Fatalf("it ends with %d:\n%s\nwant\n%s\n%s", code, ordered(out), want, errs)
		}
		if strings.Contains(out+errs, "a-client-secret") {
			t.Error("a secret is printed")
		}
	}
	if n := len(mail.Mails()); n > 0 {
		t.Errorf("%d mails were sent", n)
	}
}

// ordered sorts neighbouring lines about connections, whose order is that of
// port numbers.
func ordered(text string) string {
	lines := strings.Split(text, "\n")
	for i := 1; i < len(lines); i++ {
		if strings.Contains(lines[i-1], "connection to http:") && strings.Contains(lines[i], "connection to http:") && lines[i-1] > lines[i] {
			lines[i-1], lines[i] = lines[i], lines[i-1]
		}
	}
	return strings.Join(lines, "\n")
}

type checkReport struct {
	Realms []struct {
		Realm     string
		Addresses []string
		Findings  []checkFinding
		Providers []struct {
			ID           string
			RedirectURIs []string `json:"redirect_uris"`
			Findings     []checkFinding
		}
	}
	Failed int
}

type checkFinding struct{ Level, What, Problem string }

// The redirect URIs are those that a sign-in at each of the addresses sends.
func TestCheckPrintsRedirectURIs(t *testing.T) {
	t.Setenv("CHECKED_HOST", "example.com")
	issuer := providertest.New(t)
	const block = "{\n\toidc corp ISSUER id a-client-secret\n}"
	for name, test := range map[string]struct {
		caddyfile string
		want      []string // without the path
		warns     string
	}{
		"url": {
			"example.com, example.org {\n\tsignin {\n\turl https://auth.example.com\n\toidc corp ISSUER id a-client-secret\n}\n}",
			[]string{"https://auth.example.com"},
			"",
		},
		"hosts of the site": {
			"example.com, a.example.com {\n\tsignin " + block + "\n}",
			[]string{"https://a.example.com", "https://example.com"},
			"",
		},
		"another port":     {"example.com:8443 {\n\tsignin " + block + "\n}", []string{"https://example.com:8443"}, ""},
		"plain http":       {"http://example.com {\n\tsignin " + block + "\n}", []string{"http://example.com"}, ""},
		"plain http, port": {"http://localhost:8080 {\n\tsignin " + block + "\n}", []string{"http://localhost:8080"}, ""},
		"IPv6":             {"http://[::1]:8080 {\n\tsignin " + block + "\n}", []string{"http://[::1]:8080"}, ""},
		"deep in a site":   {"example.com {\n\thandle /a/* {\n\troute {\n\tsignin " + block + "\n}\n}\n}", []string{"https://example.com"}, ""},
		"where a snippet is imported": {
			"(s) {\n\tsignin " + block + "\n}\nexample.com {\n\t@h host example.com\n\thandle @h {\n\timport s\n}\n}",
			[]string{"https://example.com"},
			"",
		},
		"a named route": {"&(s) {\n\tsignin " + block + "\n}\nexample.com {\n\tinvoke s\n}", []string{"https://example.com"}, ""},
		"an error page": {"example.com {\n\thandle_errors {\n\tsignin " + block + "\n}\n}", []string{"https://example.com"}, ""},
		"no host":       {":8080 {\n\tsignin " + block + "\n}", nil, "a site of it names no host"},
		"a host of the environment": {
			"https:// {\n\t@h host {env.CHECKED_HOST}\n\thandle @h {\n\tsignin " + block + "\n}\n}", []string{"https://example.com"}, "",
		},
		"many hosts": {"http://*.localhost:8080 {\n\tsignin " + block + "\n}", nil, "the host *.localhost stands for many"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := checked(t, strings.ReplaceAll(test.caddyfile, "ISSUER", issuer.URL), "--json")
			var report checkReport
			if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || len(report.Realms) != 1 || report.Failed != 0 {
				t.Fatalf("it ends with %d %s%s: %v", code, out, errs, err)
			}
			realm := report.Realms[0]
			want := make([]string, 0, len(test.want))
			for _, origin := range test.want {
				want = append(want, origin+"/api/auth/callback/corp")
			}
			if got := realm.Providers[0].RedirectURIs; !slices.Equal(got, want) || !slices.Equal(realm.Addresses, test.want) {
				t.Errorf("%v at %v, want %v", got, realm.Addresses, want)
			}
			if problem := realm.Findings[0].Problem; test.warns != "" && (realm.Findings[0].Level != "warn" || !strings.Contains(problem, test.warns)) {
				t.Errorf("the first finding is %+v", realm.Findings[0])
			}
		})
	}
}

// Behind a proxy that the server believes, the address asked may be an https one.
func TestCheckWarnsBehindProxies(t *testing.T) {
	issuer := providertest.New(t)
	for name, test := range map[string]struct {
		site, url string
		warns     bool
	}{
		"plain http":          {"http://example.com", "", true},
		"plain http, and url": {"http://example.com", "url https://example.com", false},
		"https":               {"https://example.com", "", false},
	} {
		n := &node{t: t, dir: t.TempDir()}
		config := filepath.Join(n.dir, "Caddyfile")
		text := "{\n\tadmin off\n\tservers {\n\ttrusted_proxies static 10.0.0.0/8\n}\n}\n" + test.site + " {\n\tsignin {\n\t" + test.url + "\n\toidc corp " + issuer.URL + " id a-client-secret\n}\n}\n"
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := n.run("signin", "check", "--config", config, "--adapter", "caddyfile")
		if warned := strings.Contains(out, "WARN public address: trusted_proxies may be asked for example.com by https"); code != 0 || warned != test.warns {
			t.Errorf("%s ends with %d %s%s", name, code, out, errs)
		}
	}
}

// Global realms are checked once, with the addresses of all their sites.
func TestCheckOfGlobalRealms(t *testing.T) {
	issuer := providertest.New(t)
	oidc := "oidc corp " + issuer.URL + " id a-client-secret"
	n := &node{t: t, dir: t.TempDir()}
	config := filepath.Join(n.dir, "Caddyfile")
	text := "{\n\tadmin off\n\tsignin {\n\t" + oidc + "\n}\n\tsignin spare {\n\t" + oidc + "\n}\n}\nb.example.com {\n\tsignin\n}\na.example.com {\n\tsignin default\n}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := n.run("signin", "check", "--json", "--config", config, "--adapter", "caddyfile")
	var report checkReport
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || len(report.Realms) != 2 {
		t.Fatalf("it ends with %d %s%s: %v", code, out, errs, err)
	}
	if first := report.Realms[0]; first.Realm != "default" || !slices.Equal(first.Addresses, []string{"https://a.example.com", "https://b.example.com"}) {
		t.Errorf("the first realm is %+v", first)
	}
	if second := report.Realms[1]; second.Realm != "spare" || len(second.Addresses) != 0 || !strings.Contains(second.Findings[0].Problem, "no site of it was found") {
		t.Errorf("the second realm is %+v", second)
	}
}

// A Caddy that runs keeps its store and its sessions, and so does the check.
func TestCheckBesideARunningCaddy(t *testing.T) {
	n := start(t, echo(t), oneSite, "STRATEGY", "jwt")
	bob := n.browser().signIn(t, "bob")
	config := filepath.Join(n.dir, "Caddyfile")
	code, out, errs := n.run("signin", "check", "--config", config, "--adapter", "caddyfile")
	if code != 0 || !strings.Contains(out, "ok   store") || !strings.Contains(out, "realm "+n.origin+"\n") {
		t.Errorf("it ends with %d %s%s", code, out, errs)
	}
	if !bob.passes(t, "bob") {
		t.Error("the check ended a session")
	}
}

func TestCheckOfWhatCannotBeLoaded(t *testing.T) {
	for name, test := range map[string]struct{ caddyfile, says string }{
		"a mistake in the Caddyfile": {"example.com {\n\tsignin {\n\tgogle a b\n}\n}", "did you mean google"},
		"an unset variable":          {"example.com {\n\tsignin {\n\tgoogle {env.NOT_SET_ANYWHERE} b\n}\n}", "NOT_SET_ANYWHERE"},
		"no signin":                  {"example.com {\n\trespond ok\n}", "nothing to check"},
	} {
		if code, out, errs := checked(t, test.caddyfile); code != 2 || out != "" || !strings.Contains(errs, test.says) {
			t.Errorf("%s ends with %d %s%s", name, code, out, errs)
		}
	}
	n := &node{t: t, dir: t.TempDir()}
	if code, _, errs := n.run("signin", "check", "--config", filepath.Join(n.dir, "missing")); code != 2 || !strings.Contains(errs, "missing") {
		t.Errorf("without a file it ends with %d %s", code, errs)
	}
}

// A store that is down is a failure.
func TestCheckOfAStoreThatIsDown(t *testing.T) {
	port := servers.FreePort(t)
	for _, store := range []string{"redis redis://127.0.0.1:PORT", "postgres postgres://user:a-client-secret@127.0.0.1:PORT/db", "bolt CLOSED"} {
		dir := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer("PORT", strconv.Itoa(port), "CLOSED", dir+"/state.db").Replace(
			"example.com {\n\tsignin {\n\tstore " + store + "\n\tcredentials {\n\talice " + hash + "\n}\n}\n}")
		if code, out, errs := checked(t, text); code != 1 || !strings.Contains(out, "FAIL store: ") || strings.Contains(out+errs, "a-client-secret") {
			t.Errorf("%s ends with %d %s%s", store, code, out, errs)
		}
	}
}

// A realm that anyone could enter gets a warning, as at start; rules take it away.
func TestCheckWarnsOfOpenRealms(t *testing.T) {
	mail := providertest.NewMailServer(t, providertest.MailOptions{})
	site := "example.com {\n\tsignin {\n\temail {\n\tfrom no-reply@example.com\n\tsmtp " + mail.Address + " {\n\ttls off\n}\n}\n\tALLOW\n}\n\tGATE\n}\n"
	for name, test := range map[string]struct {
		allow, gate string
		warns       bool
	}{
		"open":             {"", "require_signin", true},
		"a rule":           {"allow email *@example.com", "require_signin", false},
		"a rule of a gate": {"", "require_signin {\n\temail *@example.com\n}", false},
	} {
		code, out, errs := checked(t, strings.NewReplacer("ALLOW", test.allow, "GATE", test.gate).Replace(site))
		if code != 0 || strings.Contains(out, "WARN who may come in") != test.warns || !strings.Contains(out, "ok   mail from no-reply@example.com") {
			t.Errorf("%s ends with %d %s%s", name, code, out, errs)
		}
	}
}
