package test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-signin/caddy-signin"
)

var update = flag.Bool("update", false, "write what the adapter gives into the fixtures")

const fixtureLine = "\n----------\n"

// adapt returns the JSON of a Caddyfile, indented by tabs.
func adapt(t *testing.T, caddyfile, name string) ([]byte, error) {
	t.Helper()
	raw, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": name})
	if err != nil {
		return nil, err
	}
	for _, warning := range warnings {
		t.Errorf("the adapter warns: %v", warning)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, raw, "", "\t"); err != nil {
		t.Fatal(err)
	}
	return pretty.Bytes(), nil
}

// validate provisions a configuration without starting it, as caddy validate does.
func validate(t *testing.T, raw []byte) error {
	t.Helper()
	var config caddy.Config
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	defer enterFolder(t)()
	return caddy.Validate(&config)
}

// enterFolder makes a folder with the files that Caddyfiles of the tests and of
// the documentation name the current one, and returns the way back.
func enterFolder(t *testing.T) func() {
	t.Helper()
	back, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"users.htpasswd":  "carol:" + passwordHash() + "\n",
		"broken.htpasswd": "# old hashes\n\nbob:$apr1$abcdefgh$MsMkLjYm1lQ1vGeHmEiXK/\n",
		"corp-ca.pem":     "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chdir(dir); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Chdir(back); err != nil {
			t.Fatal(err)
		}
	}
}

// Each file in adapt/ is a Caddyfile, a line of ten dashes, and the JSON that it
// adapts to or, behind "error: ", the text with which it is refused: while
// adapting, or by validating what it adapted to.
func TestAdaptFixtures(t *testing.T) {
	files, err := filepath.Glob("adapt/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			isolate(t)
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			caddyfile, want, _ := strings.Cut(string(content), fixtureLine)
			got := outcome(t, caddyfile)
			if *update {
				if err := os.WriteFile(file, []byte(caddyfile+fixtureLine+got+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != strings.TrimSuffix(want, "\n") {
				t.Errorf("adapted to\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func outcome(t *testing.T, caddyfile string) string {
	t.Helper()
	raw, err := adapt(t, caddyfile, "Caddyfile")
	if err == nil {
		if err = validate(t, raw); err == nil {
			return string(raw)
		}
	}
	return "error: " + err.Error()
}

// isolate keeps Caddy's storage and environment of a test to itself.
func isolate(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("XDG_DATA_HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	for _, name := range []string{"GOOGLE", "GITHUB", "OIDC", "ACME", "DISCORD", "AUTH0"} {
		t.Setenv(name+"_ID", "client-of-"+strings.ToLower(name))
		t.Setenv(name+"_SECRET", "secret-of-"+strings.ToLower(name))
	}
	t.Setenv("DATABASE_URL", "postgres://signin@db.example.com/app")
	t.Setenv("SMTP_USER", "mailer")
	t.Setenv("SMTP_PASSWORD", "password-of-mailer")
	t.Setenv("MAIL_KEY", "key-of-mail-service")
	t.Setenv("LDAP_PASSWORD", "the reader's password")
	t.Setenv("AUTH_SECRET", "a secret of the tests, 40 bytes long ....")
	t.Setenv("AUTH_SECRET_OLD", "the secret before, also over 32 bytes ...")
	t.Setenv("REDIS_URL", "redis://gateway:secret-of-redis@localhost:6379")
	t.Setenv("REDIS_PASSWORD", "secret-of-redis")
}

var caddyfileBlock = regexp.MustCompile("(?s)```caddyfile\n(.*?)```")

// Every Caddyfile that the documentation shows must load as it stands.
func TestDocumentedCaddyfiles(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../examples/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	shown := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range caddyfileBlock.FindAllStringSubmatch(string(content), -1) {
			shown++
			checkCaddyfile(t, file, block[1])
		}
	}
	if shown < 2 {
		t.Errorf("the documentation shows %d Caddyfiles", shown)
	}
}

func TestExampleCaddyfiles(t *testing.T) {
	files, err := filepath.Glob("../examples/*/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../Caddyfile.example") {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		checkCaddyfile(t, file, string(content))
	}
}

// What the example comments out for production must be right as well.
func TestExampleCaddyfileForProduction(t *testing.T) {
	content, err := os.ReadFile("../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	option := regexp.MustCompile(`^(\s*)# ((?:url|secret|google|github|oidc|allow) .*)$`)
	opened := 0
	for line := range strings.Lines(string(content)) {
		if match := option.FindStringSubmatch(strings.TrimSuffix(line, "\n")); match != nil {
			line = match[1] + match[2] + "\n"
			opened++
		}
		if trimmed := strings.TrimSpace(line); trimmed != "admin off" && trimmed != "persist_config off" {
			lines = append(lines, line)
		}
	}
	if opened != 6 {
		t.Fatalf("opened %d commented options, want 6", opened)
	}
	production := strings.Join(lines, "")
	production = strings.Replace(production, "# Production: app.example.com {\nhttp://localhost:8080 {", "app.example.com {", 1)
	checkCaddyfile(t, "Caddyfile.example for production", production)
}

func checkCaddyfile(t *testing.T, name, caddyfile string) {
	t.Helper()
	t.Run(filepath.Base(name), func(t *testing.T) {
		isolate(t)
		raw, err := adapt(t, caddyfile, name)
		if err == nil {
			err = validate(t, raw)
		}
		if err != nil {
			t.Errorf("%s shows a Caddyfile that is refused: %v\n%s", name, err, caddyfile)
		}
	})
}
