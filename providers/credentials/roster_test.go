package credentials

import (
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// knows says that the provider has a user with an account id now.
func knows(c *Provider, id string) bool {
	account, known := c.Current(id)
	return known && account != nil
}

// Who signs in is who the roster says that they are.
func TestTheRosterSaysWhatASignInSays(t *testing.T) {
	t.Parallel()
	hash := hashOf(t, "secret", bcrypt.MinCost)
	path, _ := usersFileOf(t, "zoe@example.com:"+hash+"\n")
	c := loadCredentials(t, config{"file": path, "users": []config{{
		"username": "alice", "id": "1", "password": hash, "name": "Alice Example", "email": "Alice@Example.com",
		"image": "https://img.example/a.png", "groups": []string{"admins", "staff"},
	}}})
	for username, id := range map[string]string{"alice": "1", "zoe@example.com": "zoe@example.com"} {
		signedIn, err := checks(t, c, username, "secret")
		if err != nil {
			t.Fatal(err)
		}
		account, known := c.Current(id)
		if !known || account == nil || !reflect.DeepEqual(*account, signedIn) || account.Credential == "" {
			t.Errorf("%s: the roster says %+v, a sign-in %+v", username, account, signedIn)
		}
		if strings.Contains(account.Credential, hash[len(hash)-31:]) {
			t.Error("the credential holds the hash")
		}
		if again, _ := c.Current(id); again != account {
			t.Error("each question makes an account")
		}
	}
	if account, known := c.Current("alice"); account != nil || !known {
		t.Errorf("a login name that is no id: %+v, %t", account, known)
	}
}

// A hash made anew counts as another password, the same password's as well; a
// change of anything else doesn't.
func TestTheCredentialChangesWithTheHash(t *testing.T) {
	t.Parallel()
	first, second := hashOf(t, "secret", bcrypt.MinCost), hashOf(t, "secret", bcrypt.MinCost)
	credential := func(user config) string {
		c := loadCredentials(t, config{"users": []config{user}})
		account, _ := c.Current("1")
		return account.Credential
	}
	before := credential(config{"username": "alice", "id": "1", "password": first})
	if before != credential(config{"username": "ally", "id": "1", "password": first, "groups": []string{"x"}, "email": "a@example.com"}) {
		t.Error("it changes with a name, a group or an address")
	}
	if before == credential(config{"username": "alice", "id": "1", "password": second}) {
		t.Error("another hash has the same credential")
	}
}

// A file that is edited while it is in use counts without a reload.
func TestTheRosterFollowsTheUsersFile(t *testing.T) {
	t.Parallel()
	first, second := hashOf(t, "secret", bcrypt.MinCost), hashOf(t, "other", bcrypt.MinCost)
	path, write := usersFileOf(t, "alice:"+first+"\n")
	synctest.Test(t, func(t *testing.T) {
		c := loadCredentials(t, config{"file": path})
		before, _ := c.Current("alice")
		for _, step := range []struct {
			name, content string
			same          bool
		}{
			{"a broken file", "alice\n", true},
			{"a comment and another user", "# people\nbob:" + second + "\nalice:" + first + ":x\n", true},
			{"another password", "alice:" + second + "\n", false},
		} {
			write(step.content)
			time.Sleep(lookAgain)
			account, known := c.Current("alice")
			if !known || account == nil || (account.Credential == before.Credential) != step.same {
				t.Errorf("%s: %+v", step.name, account)
			}
		}
		write("bob:" + second + "\n")
		time.Sleep(lookAgain)
		if account, known := c.Current("alice"); account != nil || !known {
			t.Errorf("a user who is gone is %+v", account)
		}
	})
}

func TestAskingTheRosterAllocatesNothing(t *testing.T) {
	path, _ := usersFileOf(t, "alice:"+hashOf(t, "secret", bcrypt.MinCost)+"\n")
	c := loadCredentials(t, config{"file": path})
	if got := testing.AllocsPerRun(100, func() { c.Current("alice") }); got > 0 {
		t.Errorf("%v allocations", got)
	}
}

// Who asks somebody else whether a password is right doesn't know who its users are.
func TestARosterOfADirectoryIsNotKnown(t *testing.T) {
	t.Parallel()
	c := loadCredentials(t, config{"ldap": config{"urls": []string{"ldaps://ldap.example.com"}, "base_dn": "dc=example,dc=com"}})
	if account, known := c.Current("anybody"); account != nil || known {
		t.Error("the provider claims to know who its users are now")
	}
}
