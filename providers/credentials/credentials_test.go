package credentials

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// watchLocal has a provider with users of its own log into memory.
func watchLocal(c *Provider) *observer.ObservedLogs {
	core, logs := observer.New(zap.DebugLevel)
	c.local.logger = zap.New(core)
	c.local.sampled = c.local.logger
	return logs
}

func TestCredentialsTakeOneBackEnd(t *testing.T) {
	t.Parallel()
	user := []config{{"username": "alice", "password": hashOf(t, "secret", bcrypt.MinCost)}}
	ldap := config{"urls": []string{"ldaps://ldap.example.com"}, "base_dn": "dc=example,dc=com"}
	http := config{"url": "https://backend.example.com/login"}
	for name, tc := range map[string]struct {
		config config
		want   string
	}{
		"none":           {config{}, "no users: add a line"},
		"users and ldap": {config{"users": user, "ldap": ldap}, "users and ldap can't be combined"},
		"file and http":  {config{"file": "x", "http": http}, "users and http can't be combined"},
		"ldap and http":  {config{"ldap": ldap, "http": http}, "ldap and http can't be combined"},
		"ldap":           {config{"ldap": ldap}, ""},
		"http":           {config{"http": http}, ""},
		"users":          {config{"users": user}, ""},
	} {
		_, err := providertest.Load(t, "credentials", tc.config)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCredentialsAreCalledAsTheirIDSays(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ id, name, wantID, wantName string }{
		{"", "", "credentials", "Credentials"},
		{"credentials", "", "credentials", "Credentials"},
		{"staff", "", "staff", "staff"},
		{"staff", "Our staff", "staff", "Our staff"},
	} {
		c := loadCredentials(t, config{"id": tc.id, "name": tc.name, "http": config{"url": "https://backend.example.com"}})
		if got := c.Info(); got.ID != tc.wantID || got.Name != tc.wantName || got.Type != providers.TypeCredentials {
			t.Errorf("%+v: %+v", tc, got)
		}
	}
}

// Names and passwords that no user has reach no back end.
func TestCredentialsRefuseWhatNobodyTypes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1025)
	for name, fields := range map[string]map[string]string{
		"no fields":             {},
		"no password":           {"username": "alice"},
		"an empty password":     {"username": "alice", "password": ""},
		"a long password":       {"username": "alice", "password": long},
		"a NUL in a password":   {"username": "alice", "password": "a\x00b"},
		"invalid UTF-8":         {"username": "alice", "password": "a\xff"},
		"a long name":           {"username": long[:256], "password": "x"},
		"a colon in a name":     {"username": "alice:x", "password": "x"},
		"a line break":          {"username": "alice\n", "password": "x"},
		"white space around it": {"username": " alice", "password": "x"},
	} {
		c := &Provider{backend: untouchable{t, name}}
		if _, err := c.Check(t.Context(), fields); !errors.Is(err, providers.ErrWrongCredentials) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// untouchable is a back end that must not be asked.
type untouchable struct {
	t    *testing.T
	name string
}

func (u untouchable) authenticate(context.Context, map[string]string) (providers.Account, error) {
	u.t.Errorf("%s reaches the back end", u.name)
	return providers.Account{}, nil
}

func (untouchable) extraFields() []providers.Field { return nil }

func (untouchable) probe(context.Context) []providers.Finding { return nil }

func TestBcryptPasswordsThatItCutsNeverMatch(t *testing.T) {
	t.Parallel()
	password := strings.Repeat("p", 72)
	c := loadCredentials(t, config{"users": []config{{"username": "alice", "password": hashOf(t, password, bcrypt.MinCost)}}})
	logs := watchLocal(c)
	if _, err := checks(t, c, "alice", password); err != nil || logs.Len() > 0 {
		t.Errorf("72 bytes: %v, %v", err, logs.All())
	}
	if _, err := checks(t, c, "alice", password+"x"); !errors.Is(err, providers.ErrWrongCredentials) {
		t.Errorf("73 bytes: %v", err)
	}
	if told := logs.FilterMessageSnippet("more than 72 bytes").All(); len(told) != 1 || told[0].ContextMap()["user"] != "alice" {
		t.Errorf("the log has %v", logs.All())
	}
	if _, err := checks(t, c, "bob", password+"x"); !errors.Is(err, providers.ErrWrongCredentials) || logs.Len() != 1 {
		t.Errorf("nobody's password of 73 bytes: %v, %v", err, logs.All())
	}
}

// counting notes the hashes that are compared.
type counting struct {
	mu     sync.Mutex
	hashes []string
}

func (c *counting) Compare(hash, _ []byte) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hashes = append(c.hashes, string(hash))
	return false, nil
}

// An unknown user costs one hash of the cost that most users have (J3).
func TestUnknownUsersCostTheHashOfMostUsers(t *testing.T) {
	t.Parallel()
	cheap, dear := hashOf(t, "x", 4), hashOf(t, "x", 5)
	path, write := usersFileOf(t, "u1:"+dear+"\nu2:"+dear+"\n")
	for _, tc := range []struct{ name, content, want string }{
		{"most users of the file", "u1:" + dear + "\nu2:" + dear + "\n", "bcrypt 5"},
		{"all users together", "u1:" + dear + "\nu2:" + cheap + "\n", "bcrypt 4"},
		{"argon2id", "u1:" + argonHash + "\nu2:" + argonHash + "\n", "argon2id m=64,t=1,p=1 32"},
	} {
		write(tc.content)
		c := loadCredentials(t, config{"file": path, "users": []config{{"username": "alice", "password": cheap}}})
		count := new(counting)
		table := c.local.table.Load()
		table.decoy.comparer = count
		for _, user := range table.users {
			user.hash.comparer = count
		}
		for _, username := range []string{"nobody", "alice", "u1"} {
			if _, err := checks(t, c, username, "wrong"); !errors.Is(err, providers.ErrWrongCredentials) {
				t.Errorf("%s: %v", username, err)
			}
		}
		if len(count.hashes) != 3 {
			t.Fatalf("%s: %d hashes for three checks", tc.name, len(count.hashes))
		}
		if _, cost, err := hashCost(count.hashes[0]); err != nil || cost != tc.want {
			t.Errorf("%s: an unknown user costs %q, %v; want %q", tc.name, cost, err, tc.want)
		}
	}
}

func TestArgon2idHashesAreCompared(t *testing.T) {
	t.Parallel()
	salt := []byte("saltsaltsalt")
	hash := argonOf("secret", salt)
	c := loadCredentials(t, config{"users": []config{{"username": "alice", "password": hash}}})
	if _, err := checks(t, c, "alice", "secret"); err != nil {
		t.Error(err)
	}
	if _, err := checks(t, c, "alice", "Secret"); !errors.Is(err, providers.ErrWrongCredentials) {
		t.Error(err)
	}
}

func argonOf(password string, salt []byte) string {
	parts := strings.Split(argonHash, "$")
	parts[4] = base64.RawStdEncoding.EncodeToString(salt)
	parts[5] = base64.RawStdEncoding.EncodeToString(argon2.IDKey([]byte(password), salt, 1, 64, 1, 32))
	return strings.Join(parts, "$")
}

func TestPlaceholdersOfAFile(t *testing.T) {
	path, _ := usersFileOf(t, "alice:"+hashOf(t, "secret", bcrypt.MinCost)+"\n")
	t.Setenv("USERS_FILE", path)
	c := loadCredentials(t, config{"file": "{env.USERS_FILE}"})
	if c.File != "{env.USERS_FILE}" || !knows(c, "alice") {
		t.Errorf("file %q", c.File)
	}
	os.Unsetenv("USERS_FILE")
	if _, err := providertest.Load(t, "credentials", config{"file": "{env.USERS_FILE}"}); err == nil || !strings.Contains(err.Error(), "file: {env.USERS_FILE} is empty") {
		t.Errorf("a variable that isn't set: %v", err)
	}
}
