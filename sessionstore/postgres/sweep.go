package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	sweepEvery = 30 * time.Second
	// orphansEvery is in how many rounds tokens are looked for whose account is
	// gone: that reads the whole table.
	orphansEvery = 120
	// sweepBatch is how many rows one statement deletes.
	sweepBatch = 500
	// sweepMargin leaves alone what another node, whose clock is behind, may
	// still take for live.
	sweepMargin = 5 * time.Minute
)

// sweep deletes what nobody can use any more, until the handle is closed.
func (h *handle) sweep() {
	for round := 1; h.pause(sweepEvery); round++ {
		h.sweepAll(expired)
		if round%orphansEvery == 0 {
			h.sweepAll(orphans)
		}
	}
}

func (h *handle) sweepAll(statements []string) {
	for _, statement := range statements {
		for deleted := int64(sweepBatch); deleted == sweepBatch; {
			deleted = h.sweepOnce(statement)
		}
	}
}

var expired = []string{
	`delete from @signin_kv where key in (
		select key from @signin_kv where expires < $1 order by expires limit $2 for update skip locked)`,
	`delete from @verification_token where ctid in (
		select ctid from @verification_token where expires < $1 limit $2 for update skip locked)`,
}

// orphans are of accounts that another program unlinked or deleted.
var orphans = []string{
	`delete from @signin_tokens where (provider, account_id) in (
		select t.provider, t.account_id from @signin_tokens t where t.updated < $1 and not exists (
			select 1 from @accounts a where a.provider = t.provider and a."providerAccountId" = t.account_id)
		limit $2 for update skip locked)`,
}

// sweepOnce deletes one batch, unless another node is at it. Failures wait for
// the next time: whoever reads sees them too.
func (h *handle) sweepOnce(statement string) (deleted int64) {
	_ = h.do(h.ctx, "deleting what is of no use any more", func(ctx context.Context, db *database) error {
		return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			var mine bool
			err := tx.QueryRow(ctx, "select pg_try_advisory_xact_lock($1)", lockID("sweep", db.schema)).Scan(&mine)
			if err != nil || !mine {
				return err
			}
			tag, err := tx.Exec(ctx, h.sql(statement), h.now().Add(-sweepMargin), sweepBatch)
			if err != nil {
				return fmt.Errorf("deleting: %w", err)
			}
			deleted = tag.RowsAffected()
			return nil
		})
	})
	return deleted
}
