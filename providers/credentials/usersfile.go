package credentials

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
)

const (
	// maxUsersFile is room for about 100,000 users.
	maxUsersFile = 16 << 20
	// lookAgain is how long the file's state is believed without a look.
	lookAgain = time.Second
	// settling is how long a file that was written to may still be incomplete.
	settling = 100 * time.Millisecond
)

// usersFile is a file of users that may change while it is in use. Whoever
// needs the users looks at it, at most once a second: there is nothing that
// watches, and so nothing to stop.
type usersFile struct {
	path string
	next atomic.Int64 // when to look again, Unix nanoseconds
	busy sync.Mutex
	seen os.FileInfo // what was read last, nil if that may have been incomplete
	bad  string      // why the file could not be looked at, told once
}

// read returns the file's users, and keeps in mind what it read.
func (f *usersFile) read(all comparers) ([]User, error) {
	file, err := os.Open(f.path)
	if err != nil {
		f.seen = nil
		return nil, fmt.Errorf("opening the users' file: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("looking at the users' file: %w", err)
	}
	f.seen = info
	if unsettled(info) {
		f.seen = nil
	}
	content, err := io.ReadAll(io.LimitReader(file, maxUsersFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the users' file: %w", err)
	}
	if len(content) > maxUsersFile {
		return nil, fmt.Errorf("the users' file %s is larger than %d MiB: use ldap or http for that many users", f.path, maxUsersFile>>20)
	}
	users, err := parseHtpasswd(content, f.path)
	if err != nil {
		return nil, err
	}
	for i := range users {
		user := &users[i]
		if user.hash, err = all.parse(user.Password); err != nil {
			return nil, fmt.Errorf("%suser %q: %w", user.where, user.Username, err)
		}
	}
	return users, nil
}

// begin says that the file has changed and is to be read now, by the caller
// alone, who calls end afterwards.
func (f *usersFile) begin() bool {
	now := time.Now()
	if now.UnixNano() < f.next.Load() || !f.busy.TryLock() {
		return false
	}
	f.next.Store(now.Add(lookAgain).UnixNano())
	if f.changed() {
		return true
	}
	f.busy.Unlock()
	return false
}

func (f *usersFile) end() { f.busy.Unlock() }

// changed leaves a file alone that is being written to, and looks again soon.
// A file that can't be looked at counts as changed once, so that it is told.
func (f *usersFile) changed() bool {
	info, err := os.Stat(f.path)
	if err != nil {
		first := f.bad != err.Error()
		f.bad = err.Error()
		return first
	}
	if f.bad != "" {
		f.bad, f.seen = "", nil
	}
	if f.seen != nil && os.SameFile(info, f.seen) && info.Size() == f.seen.Size() && info.ModTime().Equal(f.seen.ModTime()) {
		return false
	}
	if unsettled(info) {
		f.next.Store(time.Now().Add(settling).UnixNano())
		return false
	}
	return true
}

func unsettled(info os.FileInfo) bool { return unsettledAt(info, time.Now()) }

func unsettledAt(info os.FileInfo, now time.Time) bool {
	age := now.Sub(info.ModTime())
	return 0 <= age && age < settling
}

var errNoUsers = errors.New("holds no users: write a line `name:hash` for each, as `htpasswd -B` does")

// parseHtpasswd reads users in the form of Apache's htpasswd: a line
// `name:hash[:comment]` for each; empty lines and those that begin with # don't
// count, nor do locked users. Errors name the line, after the file's name. A name that is an e-mail
// address is the user's address, too.
func parseHtpasswd(content []byte, file string) ([]User, error) {
	var users []User
	number, locked := 0, false
	for line := range bytes.Lines(content) {
		number++
		text := strings.TrimRight(string(line), " \t\r\n")
		if number == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if isLocked(text) {
			locked = true
			continue
		}
		user, err := parseHtpasswdLine(text)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, number, err)
		}
		user.where = fmt.Sprintf("%s:%d: ", file, number)
		users = append(users, user)
	}
	if len(users) == 0 && !locked {
		return nil, fmt.Errorf("%s %w", file, errNoUsers)
	}
	return users, nil
}

// isLocked says that no password is right: the hash begins with ! or *, as in
// shadow(5).
func isLocked(line string) bool {
	_, rest, _ := strings.Cut(line, ":")
	rest = strings.TrimSpace(rest)
	return strings.HasPrefix(rest, "!") || strings.HasPrefix(rest, "*")
}

func parseHtpasswdLine(text string) (User, error) {
	name, rest, ok := strings.Cut(text, ":")
	if !ok {
		return User{}, errors.New("no colon: the form is name:hash, as `htpasswd -B` writes it")
	}
	hash, _, _ := strings.Cut(rest, ":")
	user := User{Username: name, Password: strings.TrimSpace(hash)}
	err := user.checkFileName()
	if err == nil {
		err = checkFileHash(user.Password)
	}
	if err != nil {
		return User{}, fmt.Errorf("user %q: %w", excerpt.Of(name), err)
	}
	return user, nil
}

// checkFileName makes a name with an @ the user's e-mail address as well.
func (u *User) checkFileName() error {
	if strings.Contains(u.Username, "@") {
		if _, err := address.Parse(u.Username); err != nil {
			return fmt.Errorf("a login name with an @ must be an e-mail address: %w", err)
		}
		u.Email = u.Username
	}
	return u.check()
}

// weakHashes are what else htpasswd and its relatives write, by prefix.
var weakHashes = []struct{ prefix, name string }{
	{"$apr1$", "an MD5 (apr1) hash"},
	{"$1$", "an MD5 hash"},
	{"{SHA}", "an unsalted SHA-1 hash"},
	{"{SSHA}", "a SHA-1 hash"},
	{"$5$", "a SHA-256 (crypt) hash"},
	{"$6$", "a SHA-512 (crypt) hash"},
	{"$y$", "a yescrypt hash"},
	{"$argon2i$", "an argon2i hash"},
	{"$argon2d$", "an argon2d hash"},
	{"$scrypt$", "an scrypt hash"},
	{"$pbkdf2", "a PBKDF2 hash"},
}

func checkFileHash(hash string) error {
	for _, weak := range weakHashes {
		if strings.HasPrefix(hash, weak.prefix) {
			return fmt.Errorf("%s is not accepted, only bcrypt and argon2id are: set the password anew with `htpasswd -B`, or put in what `caddy hash-password` prints", weak.name)
		}
	}
	return checkPasswordHash(hash)
}
