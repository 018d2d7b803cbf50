package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// Ping implements [sessionstore.Pinger]: it connects and logs in, and makes no
// tables.
func (s *store) Ping(caller context.Context) error {
	ctx, cancel := context.WithTimeout(caller, prepareTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, s.options.config.ConnConfig.Copy())
	if err == nil {
		err = conn.Ping(ctx)
		_ = conn.Close(ctx) // it was of no further use
	}
	return s.explain(caller, "connecting", err)
}

var _ sessionstore.Pinger = (*store)(nil)
