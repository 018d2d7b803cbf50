package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// authjsStore is a store that shares the sessions of an Auth.js application.
// They don't pass the near cache: others write them.
type authjsStore struct {
	*store
}

// CreateSession implements [sessionstore.AuthjsSessions].
func (s *authjsStore) CreateSession(ctx context.Context, token, userRow string, expires time.Time) error {
	_, err := s.exec(ctx, "storing a session",
		`insert into @sessions ("userId", expires, "sessionToken") values ($1, $2, $3)`, userRow, inCalendar(expires), token)
	return err
}

// ReadSession implements [sessionstore.AuthjsSessions].
func (s *authjsStore) ReadSession(ctx context.Context, token string) (found sessionstore.AuthjsSession, err error) {
	if !isToken(token) {
		return found, sessionstore.ErrNotFound
	}
	const statement = `select s.expires, coalesce(f.provider, o.provider, ''), coalesce(f.account_id, o."providerAccountId", ''), @columns
		from @sessions s join @users u on u.id = s."userId"
		left join @signin_users f on f.user_id = u.id::text
		left join lateral (select provider, "providerAccountId" from @accounts a where a."userId" = u.id order by a.id limit 1) o on true
		where s."sessionToken" = $1 and s.expires > $2 order by s.id limit 1`
	err = s.read(ctx, "reading a session", func(ctx context.Context, db *database) error {
		u := &found.User
		err := db.QueryRow(ctx, s.sql(statement), token, s.now()).Scan(&found.Expires, &u.First.Provider, &u.First.ID,
			&u.Row, &u.Name, &u.Email, &u.Image, &u.EmailVerified)
		if errors.Is(err, pgx.ErrNoRows) {
			return sessionstore.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("asking for a session: %w", err)
		}
		return nil
	})
	return found, err
}

// ExtendSession implements [sessionstore.AuthjsSessions].
func (s *authjsStore) ExtendSession(ctx context.Context, token string, expires time.Time) error {
	if !isToken(token) {
		return sessionstore.ErrNotFound
	}
	rows, err := s.exec(ctx, "extending a session",
		`update @sessions set expires = $2 where "sessionToken" = $1 and expires > $3`, token, inCalendar(expires), s.now())
	if err == nil && rows == 0 {
		return sessionstore.ErrNotFound
	}
	return err
}

// DeleteSession implements [sessionstore.AuthjsSessions].
func (s *authjsStore) DeleteSession(ctx context.Context, token string) error {
	if !isToken(token) {
		return nil
	}
	_, err := s.exec(ctx, "deleting a session", `delete from @sessions where "sessionToken" = $1`, token)
	return err
}

// isToken says that the column can hold text, which comes from a cookie.
func isToken(text string) bool {
	return text != "" && len(text) <= maxText && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

var _ sessionstore.AuthjsSessions = (*authjsStore)(nil)
