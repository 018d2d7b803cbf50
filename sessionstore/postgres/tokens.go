package postgres

import (
	"context"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// PutToken implements [sessionstore.VerificationTokens].
func (s *store) PutToken(ctx context.Context, identifier, hash string, expires time.Time) error {
	_, err := s.exec(ctx, "storing an e-mail token",
		`insert into @verification_token (identifier, expires, token) values ($1, $2, $3)`, identifier, expires, hash)
	return err
}

// TakeToken implements [sessionstore.VerificationTokens].
func (s *store) TakeToken(ctx context.Context, identifier, hash string) error {
	return s.do(ctx, "spending an e-mail token", func(ctx context.Context, db *database) error {
		var expires time.Time
		err := db.QueryRow(ctx,
			s.sql(`delete from @verification_token where identifier = $1 and token = $2 returning expires`),
			identifier, hash).Scan(&expires)
		if err == nil && !expires.After(s.now()) {
			return sessionstore.ErrNotFound
		}
		return notFound(err)
	})
}

var _ sessionstore.VerificationTokens = (*store)(nil)
