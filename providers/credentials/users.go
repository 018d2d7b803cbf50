package credentials

import (
	"errors"
	"fmt"
	"net/url"
	"slices"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/providers"
)

// User is one person who signs in with a password.
type User struct {
	// The login name, compared exactly. It holds no colon and no control
	// character, and an @ only when it is the user's own e-mail address.
	Username string `json:"username"`

	// The password's hash in modular crypt form: bcrypt ($2a$, $2b$, $2x$,
	// $2y$) or argon2id. Placeholders such as {env.ALICE_HASH} are expanded.
	Password string `json:"password"`

	// The account id, which must never change. Default: the login name.
	ID string `json:"id,omitempty"`

	// The name that people read. Default: none.
	Name string `json:"name,omitempty"`

	// The e-mail address, which counts as verified. Default: none.
	Email string `json:"email,omitempty"`

	// The picture, an http or https URL. Default: none.
	Image string `json:"image,omitempty"`

	// The groups that gates and upstreams see. Default: none.
	Groups []string `json:"groups,omitempty"`

	hash  passwordHash
	where string // file and line, empty for a user of the configuration
}

// expandHash resolves the placeholders of a hash in the configuration, and
// checks it.
func (u *User) expandHash(all comparers) error {
	hash := u.Password
	if err := directive.Expand("password hash", &hash); err != nil {
		return err
	}
	var err error
	u.hash, err = all.parse(hash)
	return err
}

func (u *User) accountID() string {
	if u.ID != "" {
		return u.ID
	}
	return u.Username
}

// account is who the user is to the rest of the gateway.
func (u *User) account() *providers.Account {
	return &providers.Account{
		ID:            u.accountID(),
		Login:         u.Username,
		Name:          u.Name,
		Email:         u.Email,
		EmailVerified: u.Email != "",
		Image:         u.Image,
		Groups:        slices.Clone(u.Groups),
		Credential:    u.hash.version(),
		Demo:          u.hash.published(),
	}
}

// check normalises the user's e-mail address and refuses names that an
// upstream could read as something else.
func (u *User) check() error {
	if u.Email != "" {
		email, err := address.Parse(u.Email)
		if err != nil {
			return fmt.Errorf("email: %w", err)
		}
		u.Email = email
	}
	if u.Image != "" {
		image, err := url.Parse(u.Image)
		if err != nil || (image.Scheme != "https" && image.Scheme != "http") || image.Host == "" {
			return errors.New("image must be an http or https URL")
		}
	}
	if err := providers.CheckLogin(u.Username, u.Email); err != nil {
		return err
	}
	if len(u.accountID()) > 255 {
		return errors.New("id is longer than 255 bytes")
	}
	return nil
}

// userTable is a set of users that never changes.
type userTable struct {
	users map[string]*User
	ids   map[string]*providers.Account
	decoy passwordHash
}

func emptyUserTable() *userTable {
	return &userTable{users: make(map[string]*User), ids: make(map[string]*providers.Account)}
}

// newUserTable refuses names and ids that occur twice.
func newUserTable(lists ...[]User) (*userTable, error) {
	t := emptyUserTable()
	for _, list := range lists {
		for i := range list {
			if err := t.add(&list[i]); err != nil {
				return nil, fmt.Errorf("%suser %q: %w", list[i].where, list[i].Username, err)
			}
		}
	}
	var err error
	t.decoy, err = newDecoy(lists...)
	return t, err
}

func (t *userTable) add(user *User) error {
	if _, exists := t.users[user.Username]; exists {
		return errors.New("configured twice: keep one of the two, for they may have different passwords")
	}
	id := user.accountID()
	if _, exists := t.ids[id]; exists {
		return fmt.Errorf("id %q belongs to another user already: give each an id of its own", id)
	}
	t.users[user.Username], t.ids[id] = user, user.account()
	return nil
}

// warnPublished tells of users whose password is in the documentation.
func (t *userTable) warnPublished(logger *zap.Logger) {
	for name, user := range t.users {
		if user.hash.published() {
			logger.Warn("this user's password is published in the documentation: sign-in with it works from this machine only, on a loopback address; make a hash of your own with `caddy hash-password`",
				zap.String("user", name))
		}
	}
}
