package providers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"
	"go.uber.org/zap"
)

func init() {
	caddy.RegisterModule(Credentials{})
}

// Credentials signs people in with a user name and a password. Its users stand
// in the configuration, each with a hash that `caddy hash-password` makes:
// bcrypt or argon2id; nothing else is accepted.
//
// An unknown user costs the same work as a wrong password. Password checks
// share a bounded number of processor cores and a bounded queue with every
// other provider of the process.
type Credentials struct {
	// The provider id: the last path segment of its endpoints. Default: credentials.
	ID string `json:"id,omitempty"`

	// The name that clients show. Default: Credentials.
	Name string `json:"name,omitempty"`

	// The users. Default: none, which is refused.
	Users []User `json:"users,omitempty"`

	users  map[string]*User
	ids    map[string]struct{}
	decoy  passwordHash
	logger *zap.Logger
}

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

	hash passwordHash
}

// CaddyModule returns the Caddy module information.
func (Credentials) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  Namespace + ".credentials",
		New: func() caddy.Module { return new(Credentials) },
	}
}

// Provision reads and checks the users. It hashes nothing, so that start-up
// doesn't wait for it.
func (c *Credentials) Provision(ctx caddy.Context) error {
	c.logger = ctx.Logger()
	if c.ID == "" {
		c.ID = "credentials"
	}
	if c.Name == "" {
		c.Name = "Credentials"
	}
	comparers, err := loadComparers(ctx)
	if err != nil {
		return fmt.Errorf("provider %q: %w", c.ID, err)
	}
	c.users = make(map[string]*User, len(c.Users))
	c.ids = make(map[string]struct{}, len(c.Users))
	for i := range c.Users {
		if err := c.addUser(&c.Users[i], comparers); err != nil {
			return fmt.Errorf("provider %q: user %q: %w", c.ID, c.Users[i].Username, err)
		}
	}
	c.decoy, err = newDecoy(c.Users)
	if err != nil {
		return fmt.Errorf("provider %q: %w", c.ID, err)
	}
	return nil
}

// Validate refuses a provider without users.
func (c *Credentials) Validate() error {
	if len(c.Users) == 0 {
		return fmt.Errorf("provider %q: no users: add a line with a name and the hash that `caddy hash-password` prints", c.ID)
	}
	return nil
}

func (c *Credentials) addUser(user *User, comparers comparers) error {
	if err := user.check(); err != nil {
		return err
	}
	if _, exists := c.users[user.Username]; exists {
		return errors.New("configured twice")
	}
	id := user.accountID()
	if _, exists := c.ids[id]; exists {
		return fmt.Errorf("id %q belongs to another user already", id)
	}
	hash, err := caddy.NewReplacer().ReplaceOrErr(user.Password, true, true)
	if err != nil {
		return fmt.Errorf("expanding the password hash: %w", err)
	}
	user.hash, err = comparers.parse(hash)
	if err != nil {
		return err
	}
	if user.hash.published() {
		c.logger.Warn("this user's password is published in the documentation: sign-in with it works from this machine only, on a loopback address; make a hash of your own with `caddy hash-password`",
			zap.String("provider", c.ID), zap.String("user", user.Username))
	}
	c.users[user.Username], c.ids[id] = user, struct{}{}
	return nil
}

func (u *User) accountID() string {
	if u.ID != "" {
		return u.ID
	}
	return u.Username
}

// check normalises the user's e-mail address and refuses names that an
// upstream could read as something else.
func (u *User) check() error {
	if u.Email != "" {
		email, err := ParseEmail(u.Email)
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
	switch {
	case !isLoginName(u.Username):
		return errors.New("a login name has 1 to 255 printable characters, no colon and no space around it")
	case strings.Contains(u.Username, "@") && !strings.EqualFold(u.Username, u.Email):
		return errors.New("a login name with an @ must be the user's own email: add the line `email " + u.Username + "`")
	case len(u.accountID()) > 255:
		return errors.New("id is longer than 255 bytes")
	}
	return nil
}

func isLoginName(name string) bool {
	return name != "" && len(name) <= 255 && utf8.ValidString(name) &&
		strings.TrimSpace(name) == name &&
		!strings.ContainsFunc(name, func(r rune) bool { return r == ':' || unicode.IsControl(r) })
}

// Info implements [Provider].
func (c *Credentials) Info() Info {
	return Info{ID: c.ID, Name: c.Name, Type: TypeCredentials}
}

// Fields implements [Checker].
func (c *Credentials) Fields() []Field {
	return []Field{
		{Name: "username", Label: "Username", Type: "text", Autocomplete: "username"},
		{Name: "password", Label: "Password", Type: "password", Autocomplete: "current-password"},
	}
}

// Check implements [Checker]. A name or password that no user can have is
// refused without any work; everything else costs one hash, whether the user
// exists or not.
func (c *Credentials) Check(ctx context.Context, fields map[string]string) (Account, error) {
	username, password := fields["username"], fields["password"]
	if !isLoginName(username) || !isPassword(password) {
		return Account{}, ErrWrongCredentials
	}
	user, known := c.users[username]
	hash := c.decoy
	if known {
		hash = user.hash
	}
	matches, err := hash.matches(ctx, password)
	if err != nil {
		return Account{}, fmt.Errorf("checking a password: %w", err)
	}
	if !known || !matches {
		return Account{}, ErrWrongCredentials
	}
	return Account{
		ID:            user.accountID(),
		Login:         user.Username,
		Name:          user.Name,
		Email:         user.Email,
		EmailVerified: user.Email != "",
		Image:         user.Image,
		Groups:        slices.Clone(user.Groups),
		Demo:          user.hash.published(),
	}, nil
}

// isPassword refuses what is never hashed: nothing, more than 1 KiB, and
// control characters.
func isPassword(password string) bool {
	return password != "" && len(password) <= 1024 && utf8.ValidString(password) &&
		!strings.ContainsFunc(password, unicode.IsControl)
}

// Knows implements [Roster].
func (c *Credentials) Knows(accountID string) bool {
	_, ok := c.ids[accountID]
	return ok
}

// comparers are Caddy's password hash modules by name.
type comparers map[string]caddyauth.Comparer

func loadComparers(ctx caddy.Context) (comparers, error) {
	all := make(comparers)
	for _, name := range []string{"bcrypt", "argon2id"} {
		mod, err := ctx.LoadModuleByID("http.authentication.hashes."+name, json.RawMessage("{}"))
		if err != nil {
			return nil, fmt.Errorf("loading Caddy's %s hash module: %w", name, err)
		}
		comparer, ok := mod.(caddyauth.Comparer)
		if !ok {
			return nil, fmt.Errorf("the %s hash module of Caddy can't compare", name)
		}
		all[name] = comparer
	}
	return all, nil
}

var (
	_ caddy.Module      = Credentials{}
	_ caddy.Provisioner = (*Credentials)(nil)
	_ caddy.Validator   = (*Credentials)(nil)
	_ Checker           = (*Credentials)(nil)
	_ Roster            = (*Credentials)(nil)
)
