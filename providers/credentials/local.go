package credentials

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/sampled"
	"github.com/caddy-signin/caddy-signin/providers"
)

// localUsers are the users that this machine knows: those of the configuration
// and those of a file.
type localUsers struct {
	configured []User
	file       *usersFile // nil without one
	comparers  comparers
	table      atomic.Pointer[userTable]
	logger     *zap.Logger
	sampled    *zap.Logger
}

func newLocalUsers(ctx caddy.Context, users []User, file string, logger *zap.Logger) (*localUsers, error) {
	all, err := loadComparers(ctx)
	if err != nil {
		return nil, err
	}
	l := &localUsers{configured: slices.Clone(users), comparers: all, logger: logger}
	l.sampled = sampled.Logger(logger)
	for i := range l.configured {
		user := &l.configured[i]
		err := user.check()
		if err == nil {
			err = user.expandHash(all)
		}
		if err != nil {
			return nil, fmt.Errorf("user %q: %w", user.Username, err)
		}
	}
	if file != "" {
		if err := directive.Expand("file", &file); err != nil {
			return nil, err
		}
		l.file = &usersFile{path: file}
	}
	return l, l.load()
}

// load reads the file, where there is one, and replaces the users if all of
// them are right.
func (l *localUsers) load() error {
	var fromFile []User
	if l.file != nil {
		var err error
		if fromFile, err = l.file.read(l.comparers); err != nil {
			return err
		}
	}
	table, err := newUserTable(l.configured, fromFile)
	if err != nil {
		return err
	}
	table.warnPublished(l.logger)
	l.table.Store(table)
	return nil
}

// current returns the users as the file says now.
func (l *localUsers) current() *userTable {
	if l.file == nil || !l.file.begin() {
		return l.table.Load()
	}
	defer l.file.end()
	if err := l.load(); err != nil {
		l.sampled.Error("the users' file is broken, so its last good state goes on to hold: correct it", zap.Error(err))
	} else {
		l.logger.Info("read the users' file anew", zap.String("file", l.file.path), zap.Int("users", len(l.table.Load().users)))
	}
	return l.table.Load()
}

// authenticate costs one hash, whether the user exists or not.
func (l *localUsers) authenticate(ctx context.Context, fields map[string]string) (providers.Account, error) {
	table := l.current()
	user, known := table.users[fields[fieldUsername]]
	hash := table.decoy
	if known {
		hash = user.hash
	}
	matches, err := hash.matches(ctx, fields[fieldPassword])
	if err != nil {
		return providers.Account{}, fmt.Errorf("checking a password: %w", err)
	}
	if known && hash.isTooLong(fields[fieldPassword]) {
		l.sampled.Info("refused a password of more than 72 bytes: bcrypt reads no more, and some tools, such as htpasswd -B, cut a password there without a word; set a shorter one, or hash it with argon2id",
			zap.String("user", user.Username))
	}
	if !known || !matches {
		return providers.Account{}, providers.ErrWrongCredentials
	}
	account := *table.ids[user.accountID()]
	account.Groups = slices.Clone(account.Groups)
	return account, nil
}

func (l *localUsers) extraFields() []providers.Field { return nil }

var _ backend = (*localUsers)(nil)
