// Package credentials signs people in with a user name and a password, which users of
// the configuration or of a file, a directory or an endpoint of the operator's check.
package credentials

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/ldap"
	"github.com/caddy-signin/caddy-signin/providers/probe"
)

func init() {
	caddy.RegisterModule(Provider{})
}

// Provider signs people in with a user name and a password, which one back
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
type Provider struct {
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
	LDAP *ldap.Backend `json:"ldap,omitempty"`

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
	// those of [providers.Checker].
	authenticate(ctx context.Context, fields map[string]string) (providers.Account, error)
	// extraFields are drawn after username and password.
	extraFields() []providers.Field
	// probe asks what can be asked without a user, as [providers.Prober] says.
	probe(ctx context.Context) []providers.Finding
}

// directory is the back end of an LDAP directory.
type directory struct{ *ldap.Directory }

func (d directory) authenticate(ctx context.Context, fields map[string]string) (providers.Account, error) {
	account, err := d.Authenticate(ctx, fields[fieldUsername], fields[fieldPassword])
	if err != nil {
		return providers.Account{}, fmt.Errorf("checking a password: %w", err)
	}
	return account, nil
}

func (d directory) extraFields() []providers.Field { return nil }

func (d directory) probe(ctx context.Context) []providers.Finding { return d.Probe(ctx) }

// CaddyModule returns the Caddy module information.
func (Provider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  providers.Namespace + ".credentials",
		New: func() caddy.Module { return new(Provider) },
	}
}

// Provision makes the back end ready. It hashes nothing and connects to
// nothing, so that start-up doesn't wait for it.
func (p *Provider) Provision(ctx caddy.Context) error {
	p.setDefaults()
	err := p.checkBackend()
	if err == nil {
		err = p.provisionBackend(ctx)
	}
	if err != nil {
		return providers.Named(p.ID, err)
	}
	return nil
}

func (p *Provider) setDefaults() {
	const id, name = "credentials", "Credentials"
	if p.ID == "" || p.ID == id {
		p.Name = cmp.Or(p.Name, name)
	}
	p.ID = cmp.Or(p.ID, id)
	p.Name = cmp.Or(p.Name, p.ID)
}

var errNoBackend = errors.New("no users: add a line with a name and the hash that `caddy hash-password` prints, or one of file, ldap and http")

// checkBackend refuses a provider with no back end, or with several.
func (p *Provider) checkBackend() error {
	var given []string
	if len(p.Users) > 0 || p.File != "" {
		given = append(given, "users")
	}
	if p.LDAP != nil {
		given = append(given, "ldap")
	}
	if p.HTTP != nil {
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

func (p *Provider) provisionBackend(ctx caddy.Context) error {
	logger := ctx.Logger().With(zap.String("provider", p.ID))
	switch {
	case p.LDAP != nil:
		opened, err := p.LDAP.Open(ctx, logger)
		if err != nil {
			return err
		}
		p.backend, p.close = directory{opened}, opened.Close
	case p.HTTP != nil:
		endpoint, err := p.HTTP.open(ctx, logger)
		if err != nil {
			return err
		}
		p.backend = endpoint
	default:
		local, err := newLocalUsers(ctx, p.Users, p.File, logger)
		if err != nil {
			return err
		}
		p.backend, p.local = local, local
	}
	return nil
}

// Cleanup closes the connections of the back end.
func (p *Provider) Cleanup() error {
	if p.close != nil {
		p.close()
	}
	return nil
}

// Info implements [providers.Provider].
func (p *Provider) Info() providers.Info {
	return providers.Info{ID: p.ID, Name: p.Name, Type: providers.TypeCredentials}
}

// The fields that every credentials form has.
const (
	fieldUsername = "username"
	fieldPassword = "password"
)

// Fields implements [providers.Checker].
func (p *Provider) Fields() []providers.Field {
	return append([]providers.Field{
		{Name: fieldUsername, Label: "Username", Type: "text", Autocomplete: "username"},
		{Name: fieldPassword, Label: "Password", Type: "password", Autocomplete: "current-password"},
	}, p.backend.extraFields()...)
}

// Check implements [providers.Checker]. A name or password that no user can have is
// refused without any work.
func (p *Provider) Check(ctx context.Context, fields map[string]string) (providers.Account, error) {
	if !providers.IsLogin(fields[fieldUsername]) || !isPassword(fields[fieldPassword]) {
		return providers.Account{}, providers.ErrWrongCredentials
	}
	return p.backend.authenticate(ctx, fields)
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

// Current implements [providers.Roster]. A directory or an endpoint is asked only when
// somebody signs in.
func (p *Provider) Current(accountID string) (account *providers.Account, known bool) {
	if p.local == nil {
		return nil, false
	}
	return p.local.current().ids[accountID], true
}

// Tells implements [providers.Teller]. Users of a file have no groups.
func (p *Provider) Tells() providers.Parts {
	if l := p.LDAP; l != nil {
		return l.Tells()
	}
	return providers.Parts{Email: true, Groups: p.HTTP != nil || len(p.Users) > 0, Mend: "users of a file have no groups: move them into the Caddyfile"}
}

// Probe implements [providers.Prober]: it asks a directory or an endpoint of the
// operator's. Users in the configuration or in a file were read already.
func (p *Provider) Probe(ctx context.Context) []providers.Finding { return p.backend.probe(ctx) }

func (*localUsers) probe(context.Context) []providers.Finding { return nil }

func (e *httpEndpoint) probe(ctx context.Context) []providers.Finding {
	return probe.Reach(ctx, e.client, e.url)
}

var (
	_ caddy.Module       = Provider{}
	_ caddy.Provisioner  = (*Provider)(nil)
	_ caddy.CleanerUpper = (*Provider)(nil)
	_ providers.Checker  = (*Provider)(nil)
	_ providers.Roster   = (*Provider)(nil)
	_ providers.Teller   = (*Provider)(nil)
	_ providers.Prober   = (*Provider)(nil)
)
