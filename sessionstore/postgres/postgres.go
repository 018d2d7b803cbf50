// Package postgres keeps a realm's state in PostgreSQL, beside the people,
// accounts and e-mail tokens of the published Auth.js PostgreSQL adapter.
package postgres

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

func init() {
	caddy.RegisterModule(Postgres{})
}

// Postgres keeps a realm's state in a PostgreSQL database (12 or newer) that
// several nodes may share. People, their accounts and the tokens of e-mail links
// are in the tables of the Auth.js PostgreSQL adapter, so that an Auth.js
// application on the same database knows the same people; everything else is in
// tables whose names begin with signin_. Tables that are missing are created on
// first use.
//
// Each node keeps what it has read in memory, and the database tells it what
// others change (LISTEN/NOTIFY); while that connection is lost, every look-up
// asks the database.
type Postgres struct {
	// Where the database is: a URL such as postgres://user@host/database, or
	// libpq's keyword=value form. Placeholders such as {env.DATABASE_URL} are
	// expanded. A host that is not this machine must show a certificate for its
	// name (sslmode=verify-full), unless sslmode says disable, require or
	// verify-ca. Default: none, which is refused.
	DSN string `json:"dsn,omitempty"`

	// The schema that holds the tables; it is created if absent. Realms that
	// share a schema share people. Default: the first of the role's search path,
	// usually public.
	Schema string `json:"schema,omitempty"`

	// Share the sessions table of an Auth.js application too. Its tokens are
	// stored as they are, so that whoever reads the database, or a backup, can
	// act for everybody in it. It needs the realm's strategy database. Default: false.
	InsecureAuthjsSessions bool `json:"insecure_authjs_sessions,omitempty"`

	logger  *zap.Logger
	options *options
	handle  *handle // set by Open: the reference that Cleanup gives back
}

// CaddyModule returns the Caddy module information.
func (Postgres) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  sessionstore.Namespace + ".postgres",
		New: func() caddy.Module { return new(Postgres) },
	}
}

// handles holds one handle per database and schema, so that a reload finds the
// old one's connections.
var handles = caddy.NewUsagePool()

var errNoDSN = errors.New("no database: write postgres {env.DATABASE_URL}, or dsn in JSON")

// Provision reads the options. It doesn't connect.
func (p *Postgres) Provision(ctx caddy.Context) error {
	p.logger = ctx.Logger()
	if p.DSN == "" {
		return fmt.Errorf("postgres store: %w", errNoDSN)
	}
	dsn := p.DSN
	err := directive.Expand("dsn", &dsn)
	if err != nil {
		return fmt.Errorf("postgres store: %w", err)
	}
	if p.options, err = parseOptions(dsn, p.Schema); err != nil {
		return fmt.Errorf("postgres store: %w", err)
	}
	return nil
}

// Open implements [sessionstore.Module].
func (p *Postgres) Open(string) (sessionstore.Store, error) {
	if p.handle != nil {
		return nil, fmt.Errorf("postgres store %s: already open", p.options.name)
	}
	v, _, err := handles.LoadOrNew(p.options.key, func() (caddy.Destructor, error) {
		return newHandle(p.options), nil
	})
	if err != nil {
		return nil, fmt.Errorf("postgres store %s: %w", p.options.name, err)
	}
	p.handle = v.(*handle)
	if !p.InsecureAuthjsSessions {
		return newStore(p.handle), nil
	}
	p.logger.Warn("insecure_authjs_sessions is on: session tokens are stored as they are, and whoever reads the database or a backup of it can act for everybody in it")
	return &authjsStore{store: newStore(p.handle)}, nil
}

// Cleanup gives the connections back; the last reference closes them.
func (p *Postgres) Cleanup() error {
	if p.handle == nil {
		return nil
	}
	_, err := handles.Delete(p.options.key)
	return err
}

// UnmarshalCaddyfile sets up the store from Caddyfile tokens. Syntax:
//
//	postgres <dsn> {
//		schema <name>
//		insecure_authjs_sessions
//	}
//
// A dsn that has a password belongs into the environment or a file:
// {env.DATABASE_URL}, {file./run/secrets/database_url}.
func (p *Postgres) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the module's name
	if !d.NextArg() {
		return d.WrapErr(errNoDSN)
	}
	p.DSN = d.Val()
	if d.NextArg() {
		return d.Errf("postgres: more than one argument: quote a dsn that has spaces")
	}
	if !directive.IsDynamic(p.DSN) {
		if _, err := parseOptions(p.DSN, ""); err != nil {
			return d.WrapErr(err)
		}
	}
	block := directive.Section{
		Unknown: "postgres: %q is not known: write schema or insecure_authjs_sessions; everything about the connection goes into the dsn",
	}
	return block.Read(d, directive.Options{
		"schema":                   directive.Checked(&p.Schema, checkSchema),
		"insecure_authjs_sessions": directive.Flag(&p.InsecureAuthjsSessions),
	})
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Postgres)(nil)
	_ caddy.CleanerUpper    = (*Postgres)(nil)
	_ caddyfile.Unmarshaler = (*Postgres)(nil)
	_ sessionstore.Module   = (*Postgres)(nil)
)
