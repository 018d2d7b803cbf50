package ldap

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/go-ldap/ldap/v3"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/internal/queue"
	"github.com/caddy-signin/caddy-signin/internal/sampled"
	"github.com/caddy-signin/caddy-signin/providers"
)

// Directory is a [Backend] at work. Who searches and who proves a
// password never share a connection: a bind leaves the connection as the one
// who bound, or as nobody.
type Directory struct {
	config  Backend // resolved
	servers serverList
	readers pool
	binders pool
	turns   *queue.Queue
	nobody  string // a name that no entry has
	sampled *zap.Logger
}

// maxWaiting is how many checks may wait for their turn.
const maxWaiting = 64

// Open makes the directory ready. It connects to nothing.
func (b *Backend) Open(ctx caddy.Context, logger *zap.Logger) (*Directory, error) {
	config, err := b.resolve()
	if err != nil {
		return nil, err
	}
	trust, err := b.tlsConfig(ctx)
	if err != nil {
		return nil, err
	}
	if config.InsecureLDAP {
		logger.Warn("insecure_ldap: whoever sits between this server and the directory reads every password")
	}
	d := &Directory{
		config:  config,
		servers: newServers(config.URLs, config.StartTLS, trust),
		turns:   queue.New(config.MaxConnections, maxWaiting, time.Duration(config.Timeout)),
		nobody:  "cn=" + rand.Text() + "," + config.BaseDN,
		sampled: sampled.Logger(logger),
	}
	d.readers.size, d.binders.size = config.MaxConnections, config.MaxConnections
	d.readers.servers, d.binders.servers = d.servers, d.servers
	d.binders.open = func(ctx context.Context, server *server) (*conn, error) { return server.open(ctx) }
	d.readers.open = func(ctx context.Context, server *server) (*conn, error) {
		return server.openReader(ctx, config.BindDN, config.BindPassword)
	}
	return d, nil
}

// Close closes the connections that nobody uses, and those in use when they
// are given back.
func (d *Directory) Close() {
	d.readers.close()
	d.binders.close()
}

// Authenticate returns the account of who has this name and this password, or
// [providers.ErrWrongCredentials]; every other error means that the answer isn't known. It takes a
// search and a bind, whether the user exists or not.
func (d *Directory) Authenticate(ctx context.Context, username, password string) (providers.Account, error) {
	if password == "" { // such a bind proves nothing, and goes well (RFC 4513 section 5.1.2)
		return providers.Account{}, providers.ErrWrongCredentials
	}
	if err := d.turns.Acquire(ctx); err != nil {
		return providers.Account{}, err
	}
	defer d.turns.Release()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(d.config.Timeout))
	defer cancel()
	account, err := d.searchAndBind(ctx, username, password)
	if err != nil && !errors.Is(err, providers.ErrWrongCredentials) {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %v: %w", time.Duration(d.config.Timeout), err)
		}
		return providers.Account{}, fmt.Errorf("the directory %s: %w", d.servers, err)
	}
	return account, err
}

func (d *Directory) searchAndBind(ctx context.Context, username, password string) (providers.Account, error) {
	entry, err := d.find(ctx, username)
	if err != nil {
		return providers.Account{}, err
	}
	name := d.nobody
	if entry != nil {
		name = entry.DN
	}
	bound, err := d.bind(ctx, name, password)
	switch {
	case err != nil:
		return providers.Account{}, err
	case entry == nil || !bound:
		return providers.Account{}, providers.ErrWrongCredentials
	}
	account, err := d.config.Attributes.account(entry)
	if err != nil {
		return providers.Account{}, fmt.Errorf("the entry %q: %w", excerpt.Of(entry.DN), err)
	}
	for _, unread := range account.Incomplete {
		d.sampled.Warn("a part of an entry can't be read, and whoever denies by that part refuses its user",
			zap.String("entry", excerpt.Of(entry.DN)), zap.Stringer("part", unread))
	}
	if d.config.GroupBaseDN != "" {
		if err := d.addGroups(ctx, &account, entry.DN); err != nil {
			return providers.Account{}, err
		}
	}
	if len(account.Groups) > providers.MaxGroups {
		return providers.Account{}, fmt.Errorf("the entry %q: more than %d groups: make group_filter match fewer", excerpt.Of(entry.DN), providers.MaxGroups)
	}
	return account, nil
}

// find returns the one entry that matches, or nil. An entry without a name is
// none: binding as it would be anonymous (RFC 4513 section 5.1.1).
func (d *Directory) find(ctx context.Context, username string) (*ldap.Entry, error) {
	filter := fillFilter(d.config.UserFilter, placeholderUsername, username)
	found, err := d.search(ctx, d.config.BaseDN, filter, 2, d.config.Attributes.names())
	entries := found.entries
	switch {
	case err != nil:
		return nil, fmt.Errorf("looking for a user: %w", err)
	case found.cut && len(entries) < 2:
		return nil, errors.New("looking for a user: the directory's size limit is below 2, so that it can't be told whether an entry is the only one")
	case len(entries) > 1:
		d.sampled.Warn("several entries match one user name, so nobody can sign in with it: make user_filter match one",
			zap.String("user", excerpt.Of(username)), zap.String("one", excerpt.Of(entries[0].DN)), zap.String("another", excerpt.Of(entries[1].DN)))
		return nil, nil // no entry is an answer
	case len(entries) == 0 || strings.TrimSpace(entries[0].DN) == "":
		return nil, nil // no entry is an answer
	}
	return entries[0], nil
}

// addGroups adds the groups that group_filter finds, each by the first of its
// names. Its other names count for deny.
func (d *Directory) addGroups(ctx context.Context, account *providers.Account, dn string) error {
	filter := fillFilter(d.config.GroupFilter, placeholderDN, dn, placeholderUsername, account.Login)
	attribute := d.config.Attributes.GroupName
	found, err := d.search(ctx, d.config.GroupBaseDN, filter, providers.MaxGroups+1, []string{attribute})
	if err != nil {
		return fmt.Errorf("looking for groups: %w", err)
	}
	if found.cut {
		account.AddIncomplete(providers.AttributeGroups, "the directory's size limit cut the list of groups after %d: raise it for bind_dn, or make group_filter match fewer", len(found.entries))
	}
	if found.elsewhere {
		account.AddIncomplete(providers.AttributeGroups, "the directory refers to another one for a part of what is below group_base_dn, and referrals are not followed")
	}
	var names, others []string
	for _, entry := range found.entries {
		values := entry.GetEqualFoldAttributeValues(attribute)
		if len(values) == 0 || isRanged(entry, attribute) {
			account.AddIncomplete(providers.AttributeGroups, "the group %q has no %s that the searcher may read in full", excerpt.Of(entry.DN), attribute)
		}
		if len(values) > 0 {
			names, others = append(names, values[0]), append(others, values[1:]...)
		}
		others = append(others, valuesWithOptions(entry, attribute)...)
	}
	addGroups(account, "group_filter", names)
	addOtherGroups(account, "group_filter", others)
	return nil
}

// searchResult are the entries that a search gave.
type searchResult struct {
	entries []*ldap.Entry
	// cut: there are more of them than a limit allows. elsewhere: another server
	// may have more (RFC 4511 section 4.5.3).
	cut, elsewhere bool
}

// search returns the matching entries, the limit at most.
func (d *Directory) search(ctx context.Context, base, filter string, limit int, attributes []string) (found searchResult, err error) {
	request := ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
		limit, int(time.Duration(d.config.Timeout)/time.Second)+1, false, filter, attributes, nil)
	err = d.readers.use(ctx, func(conn *ldap.Conn) error {
		result, err := conn.Search(request)
		cut := ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded)
		if cut {
			err = nil
		}
		if err == nil {
			found = searchResult{result.Entries, cut, len(result.Referrals) > 0}
		}
		return err
	})
	return found, err
}

// refusals are the result codes by which a server turns a bind down (RFC 4511
// appendix A); 19 and 53 are how some say that an account is locked.
var refusals = []uint16{
	ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInappropriateAuthentication,
	ldap.LDAPResultConstraintViolation, ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultNoSuchObject,
}

// bind says whether the password is right.
func (d *Directory) bind(ctx context.Context, dn, password string) (bool, error) {
	refused := false
	err := d.binders.use(ctx, func(conn *ldap.Conn) error {
		result, err := conn.SimpleBind(&ldap.SimpleBindRequest{
			Username: dn, Password: password, Controls: []ldap.Control{ldap.NewControlBeheraPasswordPolicy()},
		})
		refused = ldap.IsErrorAnyOf(err, refusals...) || dn == d.nobody && isAnswer(err)
		if err == nil {
			if why := policyError(result.Controls); why != "" {
				refused = true
				d.sampled.Warn("the directory took a password and says that it doesn't count: nobody is signed in by it",
					zap.String("entry", excerpt.Of(dn)), zap.String("password_policy", why))
			}
		}
		if refused {
			return nil
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("checking a password: %w", err)
	}
	return !refused, nil
}

// policyError is what the controls of a successful bind say against the password:
// that it has expired, that the account is locked, or that the password must be
// changed before it is good for anything else (draft-behera-ldap-password-policy
// section 6.2, draft-vchu-ldap-pwd-policy). Warnings don't count.
func policyError(controls []ldap.Control) string {
	for _, control := range controls {
		switch control := control.(type) {
		case *ldap.ControlBeheraPasswordPolicy:
			if control.Error >= 0 {
				return cmp.Or(control.ErrorString, fmt.Sprint("error ", control.Error))
			}
		case *ldap.ControlVChuPasswordMustChange:
			return "the password must be changed"
		}
	}
	return ""
}
