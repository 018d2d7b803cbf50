package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// maxText is what the adapter's varchar columns hold, in characters.
const maxText = 255

// SignIn implements [sessionstore.Users].
func (s *store) SignIn(ctx context.Context, account sessionstore.Account) (sessionstore.User, error) {
	account, err := storable(account)
	if err != nil {
		return sessionstore.User{}, err
	}
	var user sessionstore.User
	err = s.do(ctx, "signing a user in", func(ctx context.Context, db *database) error {
		for attempt := 1; ; attempt++ {
			err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) (err error) {
				user, err = (&people{s.handle, tx}).signIn(ctx, db.schema, account)
				return err
			})
			// Another program that makes the same rows takes no locks of ours.
			if attempt == 1 && hasCode(err, uniqueViolation, serializationFailure, deadlockDetected) {
				continue
			}
			return refused(err)
		}
	})
	if err != nil {
		return sessionstore.User{}, err
	}
	return user, nil
}

// SealedTokens implements [sessionstore.Users].
func (s *store) SealedTokens(ctx context.Context, userRow, provider string) (found sessionstore.SealedTokens, err error) {
	found.Provider = provider
	err = s.read(ctx, "reading an account's tokens", func(ctx context.Context, db *database) error {
		return notFound(db.QueryRow(ctx, s.sql(`select t.account_id, t.sealed from @signin_tokens t
			join @accounts a on a.provider = t.provider and a."providerAccountId" = t.account_id
			where a."userId" = $1 and t.provider = $2 order by t.updated desc limit 1`),
			userRow, provider).Scan(&found.ID, &found.Tokens))
	})
	return found, err
}

// storable is account with a name and an image that fit, or the refusal of one
// whose id or address doesn't: cut off, they would be another's.
func storable(account sessionstore.Account) (sessionstore.Account, error) {
	for _, text := range []string{account.Provider, account.ID, account.Email, account.Type} {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) || utf8.RuneCountInString(text) > maxText {
			return account, fmt.Errorf("an account's id or address is no text of up to %d characters: %w", maxText, sessionstore.ErrNotCreated)
		}
	}
	if account.Provider == "" || account.ID == "" {
		return account, fmt.Errorf("an account without provider or id: %w", sessionstore.ErrNotCreated)
	}
	account.Name, account.Image = cleaned(account.Name, maxText), cleaned(account.Image, len(account.Image))
	if account.Type == sessionstore.EmailAccount {
		account.Email, account.EmailVerified, account.Current = account.ID, true, sessionstore.AccountKey{}
	}
	return account, nil
}

func cleaned(text string, most int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

// refused tells a database that won't keep a row from one that can't be asked.
func refused(err error) error {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return err
	}
	switch server.Code[:min(2, len(server.Code))] {
	case "22", "23": // the data, or a constraint
		return fmt.Errorf("the database refuses the row (SQLSTATE %s): %w", server.Code, sessionstore.ErrNotCreated)
	}
	return err
}

// people is users and accounts within a transaction.
type people struct {
	*handle
	tx pgx.Tx
}

func (p *people) signIn(ctx context.Context, schema string, account sessionstore.Account) (sessionstore.User, error) {
	if err := p.lock(ctx, schema, account); err != nil {
		return sessionstore.User{}, err
	}
	user, err := p.find(ctx, account)
	if err != nil {
		return sessionstore.User{}, err
	}
	if user.Row == "" {
		if user, err = p.create(ctx, account); err != nil {
			return sessionstore.User{}, err
		}
	}
	if err := p.attest(ctx, &user, account); err != nil {
		return sessionstore.User{}, err
	}
	// The first account is found before this one joins the others.
	if user.First, err = p.first(ctx, user.Row, account.AccountKey); err != nil {
		return sessionstore.User{}, err
	}
	if (user.New || user.Linked) && account.Type != sessionstore.EmailAccount {
		_, err := p.exec(ctx, `insert into @accounts ("userId", type, provider, "providerAccountId") values ($1, $2, $3, $4)`,
			user.Row, account.Type, account.Provider, account.ID)
		if err != nil {
			return sessionstore.User{}, err
		}
	}
	if account.Tokens != nil {
		_, err = p.exec(ctx, `insert into @signin_tokens (provider, account_id, sealed) values ($1, $2, $3)
			on conflict (provider, account_id) do update set sealed = excluded.sealed, updated = now()`,
			account.Provider, account.ID, account.Tokens)
	}
	return user, err
}

// lock makes concurrent sign-ins of one account, or of one address, take turns.
// Both locks are taken in the order of their numbers, so that no two wait for
// each other; they end with the transaction.
func (p *people) lock(ctx context.Context, schema string, account sessionstore.Account) error {
	ids := []int64{lockID("account", schema, account.Provider, account.ID)}
	if account.Email != "" {
		ids = append(ids, lockID("email", schema, strings.ToLower(account.Email)))
	}
	slices.Sort(ids)
	for _, id := range ids {
		if _, err := p.exec(ctx, "select pg_advisory_xact_lock($1)", id); err != nil {
			return err
		}
	}
	return nil
}

// find returns the user whom the account belongs to, or is to be linked to; one
// without a row where nobody is known.
func (p *people) find(ctx context.Context, account sessionstore.Account) (none sessionstore.User, err error) {
	current, err := p.current(ctx, account)
	if err != nil {
		return none, err
	}
	if account.Type != sessionstore.EmailAccount {
		known, err := p.users(ctx, `select @columns from @accounts a join @users u on u.id = a."userId"
			where a.provider = $1 and a."providerAccountId" = $2 order by a.id limit 1`, account.Provider, account.ID)
		switch {
		case err != nil:
			return none, err
		case len(known) == 1 && current.Row != "" && current.Row != known[0].Row:
			return none, fmt.Errorf("another user has this account: %w", sessionstore.ErrNotLinked)
		case len(known) == 1:
			return known[0], nil
		case current.Row != "":
			current.Linked = true
			return current, nil
		}
	}
	return p.byAddress(ctx, account)
}

// byAddress returns the user with the account's address, if both attest it.
func (p *people) byAddress(ctx context.Context, account sessionstore.Account) (none sessionstore.User, err error) {
	if account.Email == "" {
		return none, nil
	}
	// The first condition has an index. It may take other letters for ASCII ones
	// (U+0130 for i), as the database's locale has it; the second folds those alone.
	same, err := p.users(ctx, `select @columns from @users u where lower(u.email) = lower($1)
		and lower(u.email collate "C") = lower($1 collate "C") order by u.id limit 2`, account.Email)
	switch {
	case err != nil || len(same) == 0:
		return none, err
	case len(same) > 1:
		return none, fmt.Errorf("several users have this address: %w", sessionstore.ErrNotLinked)
	case !same[0].EmailVerified || !account.EmailVerified:
		return none, fmt.Errorf("another user has this address, and not both attest it: %w", sessionstore.ErrNotLinked)
	}
	same[0].Linked = account.Type != sessionstore.EmailAccount
	return same[0], nil
}

// current is the user who is signed in already, if there is one.
func (p *people) current(ctx context.Context, account sessionstore.Account) (none sessionstore.User, err error) {
	if account.Current == none.First {
		return none, nil
	}
	user, err := p.byFirst(ctx, account.Current)
	if err != nil {
		return none, err
	}
	if user.Row == "" {
		return none, fmt.Errorf("the user who is signed in is not known: %w", sessionstore.ErrNotLinked)
	}
	return user, nil
}

// byFirst is the user whose first account this is.
func (p *people) byFirst(ctx context.Context, first sessionstore.AccountKey) (user sessionstore.User, err error) {
	var row string
	err = p.tx.QueryRow(ctx, p.sql(`select user_id from @signin_users where provider = $1 and account_id = $2`),
		first.Provider, first.ID).Scan(&row)
	if errors.Is(err, pgx.ErrNoRows) {
		return user, nil
	}
	if err != nil {
		return user, fmt.Errorf("looking for a user by the first account: %w", err)
	}
	found, err := p.users(ctx, `select @columns from @users u where u.id = $1`, row)
	if err != nil || len(found) == 0 {
		return user, err
	}
	return found[0], nil
}

func (p *people) create(ctx context.Context, account sessionstore.Account) (sessionstore.User, error) {
	made, err := p.users(ctx, `insert into @users as u (name, email, "emailVerified", image)
		values (nullif($1, ''), nullif($2, ''), case when $3 then $4::timestamptz end, nullif($5, '')) returning @columns`,
		account.Name, account.Email, account.EmailVerified && account.Email != "", p.now(), account.Image)
	if err != nil {
		return sessionstore.User{}, err
	}
	if len(made) != 1 {
		return sessionstore.User{}, fmt.Errorf("the database gave back %d rows for a new user: %w", len(made), sessionstore.ErrNotCreated)
	}
	made[0].New = true
	return made[0], nil
}

// sameAddress compares without the case of ASCII letters, as byAddress does.
func sameAddress(a, b string) bool { return address.LowerASCII(a) == address.LowerASCII(b) }

// attest notes that an account of the user attests the address that is stored.
func (p *people) attest(ctx context.Context, user *sessionstore.User, account sessionstore.Account) error {
	if user.EmailVerified || !account.EmailVerified || user.Linked || user.Email == "" ||
		!sameAddress(user.Email, account.Email) {
		return nil
	}
	_, err := p.exec(ctx, `update @users set "emailVerified" = $2 where id = $1 and "emailVerified" is null`, user.Row, p.now())
	user.EmailVerified = err == nil
	return err
}

// first returns the account that the user came with first, and keeps it: the
// one that is stored, else the oldest that another program linked, else this.
func (p *people) first(ctx context.Context, row string, account sessionstore.AccountKey) (sessionstore.AccountKey, error) {
	first, known, err := p.account(ctx, storedFirst, row)
	if err != nil || known {
		return first, err
	}
	first, known, err = p.account(ctx, oldestAccount, row)
	if err != nil {
		return first, err
	}
	if !known {
		first = account
	}
	// The id that it makes may be taken: by a user who is gone, or by one who
	// has lost this account since.
	holder, err := p.byFirst(ctx, first)
	if err != nil {
		return first, err
	}
	if holder.Row != "" {
		return first, fmt.Errorf("another user came with this account first: %w", sessionstore.ErrNotLinked)
	}
	if _, err := p.exec(ctx, `delete from @signin_users where provider = $1 and account_id = $2`, first.Provider, first.ID); err != nil {
		return first, err
	}
	_, err = p.exec(ctx, `insert into @signin_users (user_id, provider, account_id) values ($1, $2, $3)`, row, first.Provider, first.ID)
	return first, err
}

const (
	storedFirst   = `select provider, account_id from @signin_users where user_id = $1`
	oldestAccount = `select provider, "providerAccountId" from @accounts where "userId" = $1 order by id limit 1`
)

// account is the one that a query finds.
func (p *people) account(ctx context.Context, statement string, args ...any) (key sessionstore.AccountKey, found bool, err error) {
	err = p.tx.QueryRow(ctx, p.sql(statement), args...).Scan(&key.Provider, &key.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		return key, false, nil
	}
	if err != nil {
		return key, false, fmt.Errorf("looking for an account: %w", err)
	}
	return key, true, nil
}

// userColumns are what a user is read from; the id may be of any type.
const userColumns = `u.id::text, coalesce(u.name, ''), coalesce(u.email, ''), coalesce(u.image, ''), u."emailVerified" is not null`

// users are those that a query finds, by its @columns.
func (p *people) users(ctx context.Context, statement string, args ...any) ([]sessionstore.User, error) {
	rows, err := p.tx.Query(ctx, p.sql(statement), args...)
	if err != nil {
		return nil, fmt.Errorf("asking for a user: %w", err)
	}
	users, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u sessionstore.User, err error) {
		err = row.Scan(&u.Row, &u.Name, &u.Email, &u.Image, &u.EmailVerified)
		return u, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading a user: %w", err)
	}
	return users, nil
}

func (p *people) exec(ctx context.Context, statement string, args ...any) (rows int64, err error) {
	tag, err := p.tx.Exec(ctx, p.sql(statement), args...)
	if err != nil {
		return 0, fmt.Errorf("changing users: %w", err)
	}
	return tag.RowsAffected(), nil
}

var _ sessionstore.Users = (*store)(nil)
