// Package ldap checks passwords at an LDAP directory, and reads there who somebody is. It
// is a back end of package credentials.
package ldap

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
	"github.com/go-ldap/ldap/v3"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// Backend checks passwords by search and bind (RFC 4513 section 5.1.3): it
// finds the one entry that a filter matches, as a reader or anonymously, and
// binds as that entry with the password that was typed, on a connection that is
// used for nothing else. Connections are made when somebody signs in and kept
// for the next; referrals are not followed.
//
// Several servers of one directory are tried in the order in which they are
// written, until one can be reached and answers; each gets an equal share of
// the time that is left. One that failed is asked last for half a minute. Who
// an entry is and which password it has must be the same at all of them.
//
// The directory is asked only at sign-in: a session lives on, within its
// limits, when its user is removed there.
//
// urls, bind_dn, bind_password, base_dn and group_base_dn may hold placeholders such as
// {env.LDAP_PASSWORD}, which are resolved when the configuration is loaded and
// don't show in it.
type Backend struct {
	// The servers: ldaps://host[:636] or ldap://host[:389], the preferred one
	// first. Default: none, required.
	URLs []string `json:"urls,omitempty"`

	// Encrypt an ldap:// connection before anything is sent (RFC 4511 section
	// 4.14); an ldaps:// connection is encrypted without it. Default: false.
	StartTLS bool `json:"start_tls,omitempty"`

	// Who searches. Default: nobody, an anonymous search.
	BindDN string `json:"bind_dn,omitempty"`

	// The searcher's password. Default: none, required with bind_dn.
	BindPassword string `json:"bind_password,omitempty"`

	// Where people are, at any depth. Default: none, required.
	BaseDN string `json:"base_dn,omitempty"`

	// Which entry is the user's (RFC 4515). {username} stands for what was
	// typed, escaped. Default: (uid={username}).
	UserFilter string `json:"user_filter,omitempty"`

	// Where groups are, at any depth. Default: none, no groups are looked for.
	GroupBaseDN string `json:"group_base_dn,omitempty"`

	// Which entries are groups of the user. {dn} stands for the user's
	// distinguished name and {username} for the login name, escaped.
	// Default: (member={dn}).
	GroupFilter string `json:"group_filter,omitempty"`

	// Which attributes say what. Default: see its fields.
	Attributes Attributes `json:"attributes,omitzero"`

	// The authorities that the server's certificate is trusted from: a module of
	// tls.ca_pool.source. Default: those of the system.
	TrustPoolRaw json.RawMessage `json:"tls_trust_pool,omitempty" caddy:"namespace=tls.ca_pool.source inline_key=provider"`

	// The name that the server's certificate must have. Default: the URL's host.
	ServerName string `json:"tls_server_name,omitempty"`

	// How long one check may take in all. Default: 5s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How many checks may be under way at once; up to 64 more wait.
	// Default: 8.
	MaxConnections int `json:"max_connections,omitempty"`

	// Permit ldap:// without start_tls to hosts other than this machine. Whoever
	// sits on the way reads every password. Default: false.
	InsecureLDAP bool `json:"insecure_ldap,omitempty"`
}

const (
	defaultTimeout     = 5 * time.Second
	defaultConnections = 8
	maxConnections     = 256
)

// check finds what can't work. It runs on what the Caddyfile says, for the line
// number in the error, and again on what is loaded.
func (b *Backend) check() error {
	if err := b.checkURLs(); err != nil {
		return err
	}
	if err := b.checkNames(); err != nil {
		return err
	}
	if err := checkFilter("user_filter", b.UserFilter, placeholderUsername); err != nil {
		return err
	}
	if err := checkFilter("group_filter", b.GroupFilter, placeholderDN, placeholderUsername); err != nil {
		return err
	}
	switch {
	case b.GroupFilter != "" && b.GroupBaseDN == "":
		return errors.New("group_filter needs group_base_dn, where groups are")
	case strings.Contains(b.GroupFilter, placeholderUsername) && b.Attributes.Login == profile.Off:
		return errors.New("group_filter has {username}, but attributes login is off: there is no login name to put in")
	case b.Timeout < 0 || b.Timeout > caddy.Duration(time.Minute):
		return errors.New("timeout must be at most 1m")
	case b.MaxConnections < 0 || b.MaxConnections > maxConnections:
		return fmt.Errorf("max_connections must be 1 to %d", maxConnections)
	}
	return b.Attributes.check()
}

const maxServers = 8

func (b *Backend) checkURLs() error {
	if len(b.URLs) == 0 || len(b.URLs) > maxServers {
		return fmt.Errorf("ldap takes 1 to %d URLs of one directory's servers, such as ldaps://ldap.example.com", maxServers)
	}
	for i, raw := range b.URLs {
		if err := b.checkURL(raw); err != nil {
			return err
		}
		if slices.Contains(b.URLs[:i], raw) {
			return fmt.Errorf("ldap %s is written twice", excerpt.Of(raw))
		}
	}
	return nil
}

func (b *Backend) checkURL(raw string) error {
	if directive.IsDynamic(raw) {
		return nil
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || (u.Scheme != "ldap" && u.Scheme != "ldaps") || u.Hostname() == "":
		return fmt.Errorf("ldap must be a URL such as ldaps://ldap.example.com, got %q", excerpt.Of(raw))
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("ldap %s://%s must end after the host: names and filters have options of their own", u.Scheme, u.Host)
	case u.Scheme == "ldap" && !b.StartTLS && !b.InsecureLDAP && !outgoing.IsLoopback(u.Hostname()):
		return errors.New("ldap:// sends passwords in clear text: write ldaps://, or add start_tls; insecure_ldap permits it, and whoever sits on the way reads every password")
	}
	return nil
}

func (b *Backend) checkNames() error {
	if b.BaseDN == "" {
		return errors.New("base_dn is missing: write where people are, such as ou=people,dc=example,dc=com")
	}
	if (b.BindDN == "") != (b.BindPassword == "") {
		return errors.New("bind_dn and bind_password go together: write both, or none to search anonymously")
	}
	for _, name := range []struct{ option, value string }{
		{"bind_dn", b.BindDN}, {"base_dn", b.BaseDN}, {"group_base_dn", b.GroupBaseDN},
	} {
		// Active Directory also binds by user@domain and DOMAIN\user.
		if name.value == "" || directive.IsDynamic(name.value) || name.option == "bind_dn" && strings.ContainsAny(name.value, `@\`) {
			continue
		}
		if _, err := ldap.ParseDN(name.value); err != nil {
			return fmt.Errorf("%s %q is not a distinguished name such as ou=people,dc=example,dc=com", name.option, excerpt.Of(name.value))
		}
	}
	return nil
}

// What a filter may hold in braces.
const (
	placeholderUsername = "{username}"
	placeholderDN       = "{dn}"
)

// checkFilter demands the first of the placeholders, or another one of them,
// and none that isn't known: as a literal it would match nobody.
func checkFilter(option, filter string, placeholders ...string) error {
	if filter == "" {
		return nil
	}
	filled, found := filter, false
	for _, placeholder := range placeholders {
		before := strings.Split(filter, placeholder)
		for _, part := range before[:len(before)-1] {
			found = true
			// In the place of an attribute a visitor would choose which one counts.
			if item := part[strings.LastIndex(part, "(")+1:]; !strings.Contains(item, "=") {
				return fmt.Errorf("%s %s must hold %s after an =, as in (uid={username})", option, excerpt.Of(filter), placeholder)
			}
		}
		filled = strings.ReplaceAll(filled, placeholder, "x")
	}
	if !found || strings.ContainsAny(filled, "{}") {
		return fmt.Errorf("%s %s must hold %s, and nothing else in braces", option, excerpt.Of(filter), strings.Join(placeholders, " or "))
	}
	if _, err := ldap.CompileFilter(filled); err != nil {
		return fmt.Errorf("%s %s is not a filter such as (uid={username}) (RFC 4515)", option, excerpt.Of(filter))
	}
	return nil
}

// fillFilter puts escaped values (RFC 4515 section 3) in the place of
// placeholders. What a value holds is not looked at again.
func fillFilter(filter string, pairs ...string) string {
	for i := 1; i < len(pairs); i += 2 {
		pairs[i] = ldap.EscapeFilter(pairs[i])
	}
	return strings.NewReplacer(pairs...).Replace(filter)
}

// resolve returns the configuration with its placeholders and defaults filled
// in, and leaves what was written as it is.
func (b Backend) resolve() (Backend, error) {
	b.URLs = slices.Clone(b.URLs)
	for i := range b.URLs {
		if err := directive.Expand("ldap", &b.URLs[i]); err != nil {
			return b, err
		}
	}
	for _, field := range []struct {
		name  string
		value *string
	}{
		{"bind_dn", &b.BindDN},
		{"bind_password", &b.BindPassword},
		{"base_dn", &b.BaseDN},
		{"group_base_dn", &b.GroupBaseDN},
	} {
		if err := directive.Expand(field.name, field.value); err != nil {
			return b, err
		}
	}
	if err := b.check(); err != nil {
		return b, err
	}
	b.UserFilter = cmp.Or(b.UserFilter, "(uid="+placeholderUsername+")")
	b.GroupFilter = cmp.Or(b.GroupFilter, "(member="+placeholderDN+")")
	if b.Timeout == 0 {
		b.Timeout = caddy.Duration(defaultTimeout)
	}
	if b.MaxConnections == 0 {
		b.MaxConnections = defaultConnections
	}
	b.Attributes = b.Attributes.withDefaults()
	return b, nil
}

func (b *Backend) tlsConfig(ctx caddy.Context) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: b.ServerName}
	if b.TrustPoolRaw == nil {
		return config, nil
	}
	loaded, err := ctx.LoadModule(b, "TrustPoolRaw")
	if err != nil {
		return nil, fmt.Errorf("tls_trust_pool: %w", err)
	}
	authorities, ok := loaded.(caddytls.CA)
	if !ok {
		return nil, fmt.Errorf("tls_trust_pool: %T holds no certificates", loaded)
	}
	config.RootCAs = authorities.CertPool()
	return config, nil
}
