package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// SQLSTATE codes that this package acts upon (PostgreSQL's manual, appendix A).
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	adminShutdown        = "57P01"
	undefinedTable       = "42P01"
	undefinedSchema      = "3F000"
)

const poolerAdvice = "a prepared statement is not where it was: behind a pooler in transaction mode, put default_query_exec_mode=exec into the dsn"

// advice is what an operator can do about a SQLSTATE code, or about its class.
var advice = map[string]string{
	"08":           "the connection broke",
	"08P01":        "the server, or a pooler before it, doesn't take the connection's parameters: PgBouncer needs ignore_startup_parameters = statement_timeout",
	"26000":        poolerAdvice,
	"42P05":        poolerAdvice,
	"23":           "a constraint refuses the row",
	"25006":        "the server takes no writes: connect to the primary, or end default_transaction_read_only",
	"28":           "the server refuses this user: check user, password and pg_hba.conf",
	"3D000":        "there is no such database: create it",
	undefinedTable: "a table is missing: it is created again on the next use",
	"42501":        "the role lacks a privilege: docs/operations.md lists the grants",
	"42":           "a table is not as expected: was it altered?",
	"53300":        "the server has no free connection: raise max_connections, or lower pool_max_conns",
	"53":           "the server is out of resources",
	"57014":        "the statement took too long",
	"57":           "the server is stopping or starting",
}

// storeError is a failed operation. Its text names the host and the database,
// and nothing of what was sent: neither the dsn nor a row.
type storeError struct {
	at, doing, why string
	err            error
}

func (e *storeError) Error() string {
	return fmt.Sprintf("postgres store %s: %s: %s", e.at, e.doing, e.why)
}

func (e *storeError) Unwrap() error { return e.err }

// answers are outcomes rather than failures, so they pass as they are.
var answers = []error{sessionstore.ErrNotFound, sessionstore.ErrLength, sessionstore.ErrNotLinked, sessionstore.ErrNotCreated}

func isAnswer(err error) bool {
	return slices.ContainsFunc(answers, func(answer error) bool { return errors.Is(err, answer) })
}

// explain makes err tellable. caller is the context that the caller gave.
func (h *handle) explain(caller context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if isAnswer(err) {
		return err
	}
	if cause := caller.Err(); cause != nil {
		err = cause
	}
	return &storeError{at: h.options.name, doing: doing, why: reason(err), err: err}
}

// reason is err in words that hold no secret and no user data.
func reason(err error) string {
	var server *pgconn.PgError
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &server):
		for _, code := range []string{server.Code, server.Code[:min(2, len(server.Code))]} {
			if hint, ok := advice[code]; ok {
				return fmt.Sprintf("%s (SQLSTATE %s)", hint, server.Code)
			}
		}
		return fmt.Sprintf("the server reports an error (SQLSTATE %s)", server.Code)
	case errors.Is(err, context.Canceled):
		return "given up: " + context.Canceled.Error()
	case errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err):
		return "no answer in time"
	case errors.As(err, &dns):
		return "the host's address is not found"
	case errors.As(err, &op):
		return op.Op + ": " + op.Err.Error()
	case errors.Is(err, errClosed):
		return errClosed.Error()
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return "can't connect: is sslmode right, and the certificate valid for the host?"
	}
	return "the connection broke"
}

// hasCode says that the server reported one of these SQLSTATE codes.
func hasCode(err error, codes ...string) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && slices.Contains(codes, server.Code)
}

// wasBroken says that the connection ended under a call, as it does when the
// server restarts, and not that the server is slow or refuses.
func wasBroken(err error) bool {
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		return server.Code == adminShutdown
	}
	return err != nil && !pgconn.Timeout(err) &&
		!errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled)
}
