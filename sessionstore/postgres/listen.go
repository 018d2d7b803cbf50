package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

const (
	// heartbeat is how long the listening connection may be quiet before it is
	// asked whether it lives: a frozen server, or a cut cable, says nothing.
	heartbeat = 500 * time.Millisecond
	// redial is the pause before listening is tried again.
	redial = 100 * time.Millisecond
	// probePrefix begins a notification that a node sends to itself.
	probePrefix = "probe "
)

var errDeaf = errors.New("what the database notifies doesn't arrive: a connection pooler in transaction mode can't pass it on")

// listen tells the near cache what others write, until the handle is closed.
// While it can't, the near cache is suspended.
func (h *handle) listen() {
	told := false
	for {
		err := h.hear()
		h.near.Suspend()
		if h.ctx.Err() != nil {
			return
		}
		// Once per trouble: a server that is away is heard of at every request.
		if lost := errors.Is(err, errLost); lost || !told {
			told = true
			h.log().Warn("the database doesn't tell what other nodes write, so every look-up asks it until it does",
				zap.String("database", h.options.name), zap.String("reason", hearingFailure(err)))
		}
		wait := redial
		if errors.Is(err, errDeaf) {
			wait = time.Minute // a matter of configuration
		}
		if !h.pause(wait) {
			return
		}
	}
}

var errReplaced = errors.New("the tables were dropped or replaced")

// errLost says that listening worked, and ended.
var errLost = errors.New("the connection that listens was lost")

func hearingFailure(err error) string {
	for _, known := range []error{errDeaf, errReplaced} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return reason(err)
}

// hear listens until the connection is lost.
func (h *handle) hear() error {
	ctx, cancel := context.WithTimeout(h.ctx, connectTimeout)
	defer cancel()
	db, err := h.database(ctx)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, h.options.config.ConnConfig.Copy())
	if err != nil {
		return fmt.Errorf("connecting to listen: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(h.ctx), pingTimeout)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, "listen "+channel); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	if err := h.probe(ctx, conn, db); err != nil {
		return err
	}
	h.near.Resume()
	for {
		if err := h.hearOne(conn, db); err != nil {
			db.Reset() // what broke this connection broke the others
			return fmt.Errorf("%w: %w", errLost, err)
		}
	}
}

// probe finds out whether what one connection notifies arrives at conn.
func (h *handle) probe(ctx context.Context, conn *pgx.Conn, db *database) error {
	var token [16]byte
	_, _ = rand.Read(token[:]) // never fails (crypto/rand)
	sent := probePrefix + hex.EncodeToString(token[:])
	if _, err := db.Exec(ctx, "select pg_notify($1, $2)", channel, sent); err != nil {
		return fmt.Errorf("notifying: %w", err)
	}
	short, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	for {
		n, err := conn.WaitForNotification(short)
		switch {
		case err != nil && short.Err() != nil && conn.Ping(ctx) == nil:
			return errDeaf
		case err != nil:
			return fmt.Errorf("waiting for a notification: %w", err)
		case n.Payload == sent:
			return nil
		}
	}
}

// hearOne waits for one notification, or for a sign of life.
func (h *handle) hearOne(conn *pgx.Conn, db *database) error {
	ctx, cancel := context.WithTimeout(h.ctx, heartbeat)
	n, err := conn.WaitForNotification(ctx)
	cancel()
	switch {
	case err == nil:
		h.heard(db.schema, n.Payload)
		return nil
	case h.ctx.Err() != nil || conn.IsClosed() || !errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("waiting for a notification: %w", err)
	}
	ctx, cancel = context.WithTimeout(h.ctx, pingTimeout)
	defer cancel()
	table, err := h.valuesTable(ctx, conn)
	if err == nil && table != db.table {
		h.ready.CompareAndSwap(db, nil)
	}
	if err == nil && h.ready.Load() != db { // by this, or by a statement that missed a table
		err = errReplaced
	}
	return err
}

// valuesTable is the object id of the table of values, 0 when it isn't there:
// dropping a table, or putting back another, fires no trigger.
func (h *handle) valuesTable(ctx context.Context, db querier) (id uint32, err error) {
	err = db.QueryRow(ctx, "select coalesce(to_regclass($1)::oid, 0)", table(h.options.schema, "signin_kv")).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("asking for the table of values: %w", err)
	}
	return id, nil
}

// heard acts upon a notification: "<schema> <key in hex>", or "*" for all keys.
func (h *handle) heard(schema, payload string) {
	key, all, ok := parsePayload(schema, payload)
	switch {
	case all:
		h.near.InvalidateAll()
	case ok:
		h.near.Invalidate(key)
	}
}

// parsePayload returns what a notification is about; ok is false for those
// about other schemas. One about this schema that isn't understood is about
// everything.
func parsePayload(schema, payload string) (key string, all, ok bool) {
	text, mine := strings.CutPrefix(payload, schema+" ")
	if !mine {
		return "", false, false
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return "", true, true
	}
	return string(raw), false, true
}
