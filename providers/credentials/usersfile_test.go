package credentials

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// hashOf is a cheap hash, for tests check passwords often.
func hashOf(t testing.TB, password string, cost int) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

// argonHash is of the password "secret": m=64, t=1, p=1.
const argonHash = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$KpKM9mAaZO4M0S0y6ZsIsR9e3WD2h7DZmjQVJZ9uL4g"

// usersFileOf writes a file of users, with a time of change long ago, and
// returns its path and how to write it anew, each time a second younger.
func usersFileOf(t testing.TB, content string) (path string, write func(content string)) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "users.htpasswd")
	changed := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	write = func(content string) {
		t.Helper()
		changed = changed.Add(time.Second)
		if err := errors.Join(os.WriteFile(path, []byte(content), 0o600), os.Chtimes(path, changed, changed)); err != nil {
			t.Fatal(err)
		}
	}
	write(content)
	return path, write
}

func loadCredentials(t testing.TB, c config) *Provider {
	t.Helper()
	p, err := providertest.Load(t, "credentials", c)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*Provider)
}

func checks(t testing.TB, c *Provider, username, password string) (providers.Account, error) {
	t.Helper()
	return c.Check(t.Context(), map[string]string{"username": username, "password": password})
}

func TestUsersOfAFile(t *testing.T) {
	t.Parallel()
	hash := hashOf(t, "secret", bcrypt.MinCost)
	path, _ := usersFileOf(t, "\ufeff# people\r\n\r\nalice:"+hash+"\r\nbob:"+strings.Replace(hash, "$2a$", "$2y$", 1)+":a comment\n  \t\nZoe@Example.com:"+hash)
	c := loadCredentials(t, config{"file": path, "users": []config{{"username": "carol", "password": hash, "groups": []string{"staff"}}}})
	for _, username := range []string{"alice", "bob", "carol", "Zoe@Example.com"} {
		account, err := checks(t, c, username, "secret")
		if err != nil || account.ID != username || account.Login != username || !knows(c, username) {
			t.Errorf("%s: %+v, %v", username, account, err)
		}
		if _, err := checks(t, c, username, "Secret"); !errors.Is(err, providers.ErrWrongCredentials) {
			t.Errorf("%s with a wrong password: %v", username, err)
		}
	}
	if zoe, _ := checks(t, c, "Zoe@Example.com", "secret"); zoe.Email != "zoe@example.com" || !zoe.EmailVerified {
		t.Errorf("%+v", zoe)
	}
	for _, username := range []string{"", "Alice", "alice ", "# people", "nobody"} {
		if _, err := checks(t, c, username, "secret"); !errors.Is(err, providers.ErrWrongCredentials) || knows(c, username) {
			t.Errorf("%q: %v", username, err)
		}
	}
}

// As in shadow(5), a hash that begins with ! or * locks its user.
func TestLockedUsersOfAFileAreOut(t *testing.T) {
	t.Parallel()
	hash := hashOf(t, "secret", bcrypt.MinCost)
	path, _ := usersFileOf(t, "alice:!"+hash+"\nbob:"+hash+"\ncarol:*\ndave:!!\neve:*:a comment\n")
	c := loadCredentials(t, config{"file": path})
	for username, in := range map[string]bool{"alice": false, "bob": true, "carol": false, "dave": false, "eve": false} {
		if _, err := checks(t, c, username, "secret"); (err == nil) != in || knows(c, username) != in {
			t.Errorf("%s: %v", username, err)
		}
	}
	alone, _ := usersFileOf(t, "alice:!"+hash+"\n")
	if knows(loadCredentials(t, config{"file": alone}), "alice") {
		t.Error("the only user of a file can't be locked")
	}
	if users, err := parseHtpasswd([]byte("alice:!"+hash+"\n"), "users.htpasswd"); err != nil || len(users) != 0 {
		t.Errorf("all are locked: %v, %v", users, err)
	}
}

func TestUsersFilesThatAreRefused(t *testing.T) {
	hash := hashOf(t, "secret", bcrypt.MinCost)
	good := "alice:" + hash + "\n"
	for name, tc := range map[string]struct{ content, want string }{
		"nothing in it":            {"# nobody\n", "users.htpasswd holds no users"},
		"an MD5 hash":              {good + "bob:$apr1$abc$def\n", `users.htpasswd:2: user "bob": an MD5 (apr1) hash is not accepted, only bcrypt and argon2id are: set the password anew`},
		"an unsalted SHA-1 hash":   {"bob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", "an unsalted SHA-1 hash is not accepted"},
		"crypt":                    {"bob:$6$salt$hash\n", "a SHA-512 (crypt) hash is not accepted"},
		"clear text":               {good + "\nbob:pass\n", `users.htpasswd:3: user "bob": the password must be a bcrypt or argon2id hash, neither clear text`},
		"no colon":                 {"bob\n", "users.htpasswd:1: no colon"},
		"no name":                  {":" + hash + "\n", "a login name has 1 to 255 printable characters"},
		"space around a name":      {" bob:" + hash + "\n", "no space around it"},
		"an @ that isn't a mail's": {"bob@corp:" + hash + "\n", "a login name with an @ must be an e-mail address"},
		"a user twice":             {good + "bob:" + hash + "\n" + good, `users.htpasswd:3: user "alice": configured twice`},
		"a user of both places":    {"carol:" + hash + "\n", `users.htpasswd:1: user "carol": configured twice`},
		"an id of the other place": {"42:" + hash + "\n", `users.htpasswd:1: user "42": id "42" belongs to another user already`},
		"a bcrypt cost of minutes": {"bob:$2a$20" + hash[6:] + "\n", "cost 20, more than 16"},
		"argon2id without rounds":  {"bob:" + strings.Replace(argonHash, "t=1", "t=0", 1) + "\n", "parameters out of bounds"},
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := usersFileOf(t, tc.content)
			users := []config{{"username": "carol", "password": hash, "id": "42"}}
			_, err := providertest.Load(t, "credentials", config{"id": "staff", "file": path, "users": users})
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), `provider "staff"`) {
				t.Errorf("error %v; want one with %q", err, tc.want)
			}
			if err != nil && (strings.Contains(err.Error(), "pass\n") || strings.Contains(err.Error(), hash)) {
				t.Errorf("the error holds a password or a hash: %v", err)
			}
		})
	}
	if _, err := providertest.Load(t, "credentials", config{"file": filepath.Join(t.TempDir(), "none")}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a file that isn't there: %v", err)
	}
}

// Under the clock of a bubble a second passes when the test says so.
func TestUsersFileIsReadAnewWhenItChanges(t *testing.T) {
	t.Parallel()
	alice, bob := hashOf(t, "secret", bcrypt.MinCost), hashOf(t, "secret", bcrypt.MinCost)
	path, write := usersFileOf(t, "alice:"+alice+"\n")
	synctest.Test(t, func(t *testing.T) {
		c := loadCredentials(t, config{"file": path})
		expect := func(when string, names ...string) {
			t.Helper()
			for _, name := range []string{"alice", "bob", "carol"} {
				want := false
				for _, known := range names {
					want = want || known == name
				}
				if knows(c, name) != want {
					t.Errorf("%s: %s is known: %t", when, name, !want)
				}
			}
		}
		expect("at first", "alice")
		for _, step := range []struct {
			when, content string
			names         []string
		}{
			{"another user of the same length", "carol:" + alice + "\n", []string{"carol"}},
			{"a user more", "alice:" + alice + "\nbob:" + bob + "\n", []string{"alice", "bob"}},
			{"a line that is broken", "bob:" + bob + "\nalice\n", []string{"alice", "bob"}},
			{"an empty file, as while it is written", "", []string{"alice", "bob"}},
			{"whole again", "bob:" + bob + "\n", []string{"bob"}},
		} {
			write(step.content)
			time.Sleep(lookAgain)
			expect(step.when, step.names...)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookAgain)
		expect("the file is gone", "bob")
		write("alice:" + alice + "\n")
		time.Sleep(lookAgain)
		expect("the file is back", "alice")
		if _, err := checks(t, c, "alice", "secret"); err != nil {
			t.Error(err)
		}
	})
}

func TestUsersFileIsLookedAtOnceASecond(t *testing.T) {
	t.Parallel()
	hash := hashOf(t, "secret", bcrypt.MinCost)
	path, write := usersFileOf(t, "alice:"+hash+"\n")
	synctest.Test(t, func(t *testing.T) {
		c := loadCredentials(t, config{"file": path})
		knows(c, "alice") // looks
		write("bob:" + hash + "\n")
		if !knows(c, "alice") {
			t.Error("the file is looked at for every request")
		}
		time.Sleep(lookAgain)
		if knows(c, "alice") {
			t.Error("a second later alice, who is gone, is known")
		}
	})
}

// A file that replaces another one has a new inode; its time and length may be
// the old one's.
func TestUsersFileThatIsReplacedIsSeen(t *testing.T) {
	t.Parallel()
	hash := hashOf(t, "secret", bcrypt.MinCost)
	path, _ := usersFileOf(t, "alice:"+hash+"\n")
	other, _ := usersFileOf(t, "carol:"+hash+"\n")
	synctest.Test(t, func(t *testing.T) {
		c := loadCredentials(t, config{"file": path})
		if err := os.Rename(other, path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookAgain)
		if knows(c, "alice") || !knows(c, "carol") {
			t.Error("the new file is not seen")
		}
	})
}

func TestBrokenUsersFileIsToldOnceUntilItChanges(t *testing.T) {
	t.Parallel()
	hash := hashOf(t, "secret", bcrypt.MinCost)
	path, write := usersFileOf(t, "alice:"+hash+"\n")
	synctest.Test(t, func(t *testing.T) {
		c := loadCredentials(t, config{"file": path})
		logs := watchLocal(c)
		write("alice\n")
		for range 5 {
			time.Sleep(lookAgain)
			knows(c, "alice")
		}
		if said := providertest.LogText(t, logs); strings.Count(said, "no colon") != 1 || !strings.Contains(said, "users.htpasswd:1") {
			t.Errorf("the log says %q", said)
		}
	})
}

func TestUsersFileThatIsBeingWrittenIsLeftAlone(t *testing.T) {
	now := time.Now()
	for age, want := range map[time.Duration]bool{0: true, settling / 2: true, 2 * settling: false, -time.Hour: false} {
		path, _ := usersFileOf(t, "x")
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := unsettledAt(info, now); got != want {
			t.Errorf("written %v ago: %t", age, got)
		}
	}
}

// What parses has users that the rest of the program can rely on.
func FuzzHtpasswd(f *testing.F) {
	f.Add([]byte("alice:$2a$10$M3J41gg0P4GBx89E5gJr5ebsjrbIPOVL18phE0miqtSbjHaJCRSde\n# x\r\n\nbob:" + argonHash + ":comment"))
	f.Add([]byte("alice@example.com:" + argonHash))
	f.Add([]byte("\ufeffbob:{SHA}x"))
	f.Add([]byte(":::\x00\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		users, err := parseHtpasswd(content, "users")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "users") {
				t.Errorf("the error doesn't name the file: %v", err)
			}
			return
		}
		for i, user := range users {
			if err := user.check(); err != nil {
				t.Errorf("user %d: %v", i, err)
			}
			if _, _, err := hashCost(user.Password); err != nil {
				t.Errorf("user %d: %v", i, err)
			}
			var line int
			if _, err := fmt.Sscanf(user.where, "users:%d: ", &line); err != nil || line < 1 {
				t.Errorf("user %d is at %q", i, user.where)
			}
		}
		if len(users) == 0 {
			t.Error("no users and no error")
		}
	})
}
