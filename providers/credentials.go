package providers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

func init() {
	caddy.RegisterModule(Credentials{})
}

// Credentials signs people in with a user name and a password, which one back
// end checks: users in the configuration or in a file (or both), an LDAP
// directory, or an HTTP endpoint of the operator's own.
//
// Users of the configuration and of a file have hashes that `caddy
// hash-password` makes: bcrypt or argon2id; nothing else is accepted. Password
// checks share a bounded number of processor cores and a bounded queue with
// every other provider of the process.
//
// An unknown user costs the same work as a wrong password, and gets the same
// answer.
type Credentials struct {
	// The provider id: the last path segment of its endpoints, and the first
	// part of its users' ids, so it must not change later. Default: credentials.
	ID string `json:"id,omitempty"`

	// The name that clients show. Default: the id, or Credentials for the
	// default id.
	Name string `json:"name,omitempty"`

	// The users. Default: none.
	Users []User `json:"users,omitempty"`

	// A file of further users, a line `name:hash` for each, as `htpasswd -B`
	// writes it. A change of the file counts from the next request on, without
	// a reload; a file that turns out broken leaves the users as they were, and
	// the log says so. Placeholders such as {env.USERS_FILE} are expanded.
	// Default: none.
	File string `json:"file,omitempty"`

	// A directory that checks the passwords, instead of users and file.
	// Default: none.
	LDAP *LDAPBackend `json:"ldap,omitempty"`

	// An endpoint that checks the passwords, instead of users and file.
	// Default: none.
	HTTP *HTTPBackend `json:"http,omitempty"`

	backend backend
	local   *localUsers // where the users are known
	close   func()      // nil where nothing is open
}

// backend is where a provider's users live.
type backend interface {
	// authenticate returns the account of who typed the fields, among them a
	// username and a password of a form that a user can have. The errors are
	// those of [Checker].
	authenticate(ctx context.Context, fields map[string]string) (Account, error)
	// extraFields are drawn after username and password.
	extraFields() []Field
	// probe asks what can be asked without a user, as [Prober] says.
	probe(ctx context.Context) []Finding
}

// CaddyModule returns the Caddy module information.
func (Credentials) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  Namespace + ".credentials",
		New: func() caddy.Module { return new(Credentials) },
	}
}

// Provision makes the back end ready. It hashes nothing and connects to
// nothing, so that start-up doesn't wait for it.
func (c *Credentials) Provision(ctx caddy.Context) error {
	c.setDefaults()
	err := c.checkBackend()
	if err == nil {
		err = c.provisionBackend(ctx)
	}
	if err != nil {
		return fmt.Errorf("provider %q: %w", c.ID, err)
	}
	return nil
}

func (c *Credentials) setDefaults() {
	const id, name = "credentials", "Credentials"
	if c.ID == "" || c.ID == id {
		setDefault(&c.Name, name)
	}
	setDefault(&c.ID, id)
	setDefault(&c.Name, c.ID)
}

var errNoBackend = errors.New("no users: add a line with a name and the hash that `caddy hash-password` prints, or one of file, ldap and http")

// checkBackend refuses a provider with no back end, or with several.
func (c *Credentials) checkBackend() error {
	var given []string
	if len(c.Users) > 0 || c.File != "" {
		given = append(given, "users")
	}
	if c.LDAP != nil {
		given = append(given, "ldap")
	}
	if c.HTTP != nil {
		given = append(given, "http")
	}
	switch len(given) {
	case 0:
		return errNoBackend
	case 1:
		return nil
	}
	return fmt.Errorf("%s can't be combined: give each a credentials block of its own, with an id line", strings.Join(given, " and "))
}

func (c *Credentials) provisionBackend(ctx caddy.Context) error {
	logger := ctx.Logger().With(zap.String("provider", c.ID))
	switch {
	case c.LDAP != nil:
		directory, err := c.LDAP.open(ctx, logger)
		if err != nil {
			return err
		}
		c.backend, c.close = directory, directory.close
	case c.HTTP != nil:
		endpoint, err := c.HTTP.open(ctx, logger)
		if err != nil {
			return err
		}
		c.backend = endpoint
	default:
		local, err := newLocalUsers(ctx, c.Users, c.File, logger)
		if err != nil {
			return err
		}
		c.backend, c.local = local, local
	}
	return nil
}

// Cleanup closes the connections of the back end.
func (c *Credentials) Cleanup() error {
	if c.close != nil {
		c.close()
	}
	return nil
}

// Info implements [Provider].
func (c *Credentials) Info() Info {
	return Info{ID: c.ID, Name: c.Name, Type: TypeCredentials}
}

// The fields that every credentials form has.
const (
	fieldUsername = "username"
	fieldPassword = "password"
)

// Fields implements [Checker].
func (c *Credentials) Fields() []Field {
	return append([]Field{
		{Name: fieldUsername, Label: "Username", Type: "text", Autocomplete: "username"},
		{Name: fieldPassword, Label: "Password", Type: "password", Autocomplete: "current-password"},
	}, c.backend.extraFields()...)
}

// Check implements [Checker]. A name or password that no user can have is
// refused without any work.
func (c *Credentials) Check(ctx context.Context, fields map[string]string) (Account, error) {
	if !IsLogin(fields[fieldUsername]) || !isPassword(fields[fieldPassword]) {
		return Account{}, ErrWrongCredentials
	}
	return c.backend.authenticate(ctx, fields)
}

// isPassword refuses what is never checked: nothing, more than 1 KiB, and
// control characters. An empty one would be a bind without authentication to
// an LDAP server (RFC 4513 section 5.1.2).
func isPassword(password string) bool {
	return password != "" && len(password) <= maxFieldValue && isPlainText(password)
}

// maxFieldValue is the most bytes that a field's value may have.
const maxFieldValue = 1024

func isPlainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Current implements [Roster]. A directory or an endpoint is asked only when
// somebody signs in.
func (c *Credentials) Current(accountID string) (account *Account, known bool) {
	if c.local == nil {
		return nil, false
	}
	return c.local.current().ids[accountID], true
}

var (
	_ caddy.Module       = Credentials{}
	_ caddy.Provisioner  = (*Credentials)(nil)
	_ caddy.CleanerUpper = (*Credentials)(nil)
	_ Checker            = (*Credentials)(nil)
	_ Roster             = (*Credentials)(nil)
)
