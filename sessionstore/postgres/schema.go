package postgres

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// version is that of the tables this package makes and uses. It is stored in
// the database; a newer one there is another node's, and is left alone.
const version = 1

// channel is what the database notifies on, in every schema.
const channel = "caddy_signin"

//go:embed adapter.sql
var adapterSQL string

//go:embed own.sql
var ownSQL string

// table is the name of a table in the schema, or on the search path.
func table(schema, name string) string {
	if schema == "" {
		return pgx.Identifier{name}.Sanitize()
	}
	return pgx.Identifier{schema, name}.Sanitize()
}

// tableNames replaces @name by the table of that name. User data are only ever
// parameters of a statement.
func tableNames(schema string) *strings.Replacer {
	return strings.NewReplacer(
		"@columns", userColumns,
		"@signin_kv", table(schema, "signin_kv"),
		"@signin_users", table(schema, "signin_users"),
		"@signin_tokens", table(schema, "signin_tokens"),
		"@verification_token", table(schema, "verification_token"),
		"@accounts", table(schema, "accounts"),
		"@users", table(schema, "users"),
		"@sessions", table(schema, "sessions"),
	)
}

func (h *handle) sql(statement string) string { return h.tables.Replace(statement) }

// inSchema puts the schema before every name that the script marks with "@.".
func inSchema(script, schema string) string {
	if schema == "" {
		return strings.ReplaceAll(script, "@.", "")
	}
	return strings.ReplaceAll(script, "@.", pgx.Identifier{schema}.Sanitize()+".")
}

// migrate makes the tables that are missing and returns the schema that holds
// the store's own. It writes nothing where everything is there already, so that
// a role without the right to create, and a server that takes no writes, will do.
func (h *handle) migrate(ctx context.Context, pool *pgxpool.Pool) (string, error) {
	if schema, err := h.current(ctx, pool); err != nil || schema != "" {
		return schema, err
	}
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		// One node at a time; the lock ends with the transaction.
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", lockID("migrate", h.options.schema)); err != nil {
			return fmt.Errorf("waiting for other nodes that make tables: %w", err)
		}
		if schema, err := h.current(ctx, tx); err != nil || schema != "" {
			return err
		}
		return h.createTables(ctx, tx)
	})
	if err != nil {
		return "", fmt.Errorf("making the tables: %w", err)
	}
	return h.current(ctx, pool)
}

// querier is a pool or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// current returns the schema of the store's own tables if they are there and
// are as this version needs them, else nothing.
func (h *handle) current(ctx context.Context, db querier) (string, error) {
	var schema string
	err := db.QueryRow(ctx, `select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.oid = to_regclass($1)`, table(h.options.schema, "signin_version")).Scan(&schema)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("looking for the tables: %w", err)
	}
	var found int
	err = db.QueryRow(ctx, "select coalesce(max(version), 0) from "+table(schema, "signin_version")).Scan(&found)
	if err != nil {
		return "", fmt.Errorf("reading the version of the tables: %w", err)
	}
	if found < version {
		return "", nil
	}
	return schema, nil
}

// createTables makes what is missing: each table of the adapter by itself, for
// an Auth.js application may have made some, and all of the store's own.
func (h *handle) createTables(ctx context.Context, tx pgx.Tx) error {
	schema := h.options.schema
	if schema != "" {
		var exists bool
		if err := tx.QueryRow(ctx, "select to_regnamespace(quote_ident($1)) is not null", schema).Scan(&exists); err != nil {
			return fmt.Errorf("looking for schema %s: %w", schema, err)
		}
		if !exists {
			if _, err := tx.Exec(ctx, "create schema "+pgx.Identifier{schema}.Sanitize()); err != nil {
				return fmt.Errorf("creating schema %s: %w", schema, err)
			}
		}
	}
	for part := range strings.SplitSeq(adapterSQL, "-- table ") {
		name, script, found := strings.Cut(part, "\n")
		if !found || strings.HasPrefix(part, "--") {
			continue // the comment at the top
		}
		var exists bool
		if err := tx.QueryRow(ctx, "select to_regclass($1) is not null", table(schema, name)).Scan(&exists); err != nil {
			return fmt.Errorf("looking for table %s: %w", name, err)
		}
		if exists {
			continue
		}
		if _, err := tx.Exec(ctx, inSchema(script, schema)); err != nil {
			return fmt.Errorf("creating table %s: %w", name, err)
		}
	}
	if _, err := tx.Exec(ctx, inSchema(ownSQL, schema)); err != nil {
		return fmt.Errorf("creating the store's own tables: %w", err)
	}
	return nil
}

// lockID is an advisory lock's: the database has one space of numbers for all
// programs, so a digest.
func lockID(parts ...string) int64 {
	digest := sha256.New()
	digest.Write([]byte("caddy-signin"))
	for _, part := range parts {
		digest.Write([]byte{0})
		digest.Write([]byte(part))
	}
	return int64(binary.BigEndian.Uint64(digest.Sum(nil)))
}
