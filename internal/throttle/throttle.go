package throttle

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// Throttle slows down guessing. Failures are counted for an account as seen
// from one client address, for an account from everywhere, and for a client
// address; a count allows some failures at once and then demands a pause that
// doubles. No count locks an account: from an address with no failures of its
// own, the right password goes through however often others guessed wrong, so
// the account's own count only paces failing addresses.
type Throttle struct {
	store  sessionstore.Store
	prefix string // of its keys in the store
}

// New counts in a store, under keys of the realm with this key. A store that is full
// may forget them: strangers can make any number of them, and must not crowd out what
// ends sessions.
func New(store sessionstore.Store, realm string) *Throttle {
	return &Throttle{store, sessionstore.EvictablePrefix + "throttle|" + realm + "|"}
}

const (
	// forgetAfter is the quiet time after which a count of failures starts anew.
	forgetAfter = 30 * time.Minute
	// keptLonger is how much longer a store keeps a count than it holds. A full store
	// first drops what expires soonest. Spent sign-ins, which strangers make at the
	// least cost, expire within 15 minutes, and so are dropped before any count that holds.
	keptLonger = 15 * time.Minute
)

// throttleLimit is how many failures one budget allows before it demands pauses.
type throttleLimit struct {
	free  int           // failures without a pause
	pause time.Duration // after the first failure beyond free; doubles with each
	most  time.Duration // the longest pause
}

var (
	limitPair    = throttleLimit{free: 4, pause: 2 * time.Second, most: 5 * time.Minute}
	limitAddress = throttleLimit{free: 20, pause: 2 * time.Second, most: 5 * time.Minute}
	limitAccount = throttleLimit{free: 50, pause: time.Second, most: time.Minute}
)

type throttleBudget struct {
	key   string
	limit throttleLimit
}

// Attempt is one sign-in attempt's budgets.
type Attempt struct {
	throttle *Throttle
	pair     string
	address  string
	account  string
	charged  []string // keys of the budgets that begin charged
}

// Attempt names the budgets of a try to sign in as user from address. Case,
// padding and Unicode variants of a name share one budget, and so do the
// addresses of one IPv6 /64, which is what one customer gets.
func (t *Throttle) Attempt(site, provider, user, address string) Attempt {
	user = canonicalUser(user)
	address = canonicalAddress(address)
	return Attempt{
		throttle: t,
		pair:     t.prefix + "pair|" + keys.Digest(site, provider, user, address),
		address:  t.prefix + "address|" + keys.Digest(site, address),
		account:  t.prefix + "account|" + keys.Digest(site, provider, user),
	}
}

// canonicalUser folds together what some back end may take for one name:
// directories ignore repeated spaces (RFC 4518 section 2.6), characters that
// don't show (section 2.2), and some of them accents.
func canonicalUser(user string) string {
	folded := norm.NFKD.String(cases.Fold().String(norm.NFKC.String(user)))
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Mn) {
			return -1
		}
		return r
	}, folded)
}

func canonicalAddress(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	addr = addr.Unmap()
	if addr.Is6() {
		if prefix, err := addr.WithZone("").Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return addr.String()
}

// Begin counts the attempt as a failure beforehand, so that parallel guesses
// can't share one budget, and returns how long the client has to wait: nothing
// is to be checked before that, and an attempt that has to wait counts nowhere.
// A success takes the count back.
func (a *Attempt) Begin(ctx context.Context) (wait time.Duration, err error) {
	budgets := []throttleBudget{{a.pair, limitPair}, {a.address, limitAddress}}
	for i := 0; i < len(budgets); i++ {
		state, err := a.throttle.read(ctx, budgets[i].key)
		if err != nil {
			return 0, err
		}
		if i == 0 && state.failures > 0 {
			// Only an address that already failed here is paced by the account's count.
			budgets = append(budgets, throttleBudget{a.account, limitAccount})
		}
		wait = max(wait, state.wait(budgets[i].limit, time.Now()))
	}
	if wait > 0 {
		return wait, nil
	}
	for _, budget := range budgets {
		// Another attempt may have been quicker since.
		wait, err := a.throttle.spend(ctx, budget.key, budget.limit)
		if err != nil {
			return 0, err
		}
		if wait > 0 {
			return wait, a.Refund(ctx)
		}
		a.charged = append(a.charged, budget.key)
	}
	return 0, nil
}

// Refund returns what begin charged.
func (a *Attempt) Refund(ctx context.Context) error {
	for _, key := range a.charged {
		if err := a.throttle.refund(ctx, key); err != nil {
			return err
		}
	}
	a.charged = nil
	return nil
}

// Succeed forgets the failures of this account from this address, and what begin
// charged to other budgets.
func (a *Attempt) Succeed(ctx context.Context) error {
	if err := a.throttle.clear(ctx, a.pair); err != nil {
		return err
	}
	a.charged = slices.DeleteFunc(a.charged, func(key string) bool { return key == a.pair })
	return a.Refund(ctx)
}

// tally is a budget's state: how many failures, and when the last was.
type tally struct {
	failures uint32
	last     time.Time
}

func decodeTally(b []byte) tally {
	if len(b) != 12 {
		return tally{}
	}
	return tally{binary.BigEndian.Uint32(b), time.Unix(0, int64(binary.BigEndian.Uint64(b[4:])))}
}

func (t tally) encode() []byte {
	b := binary.BigEndian.AppendUint32(nil, t.failures)
	return binary.BigEndian.AppendUint64(b, uint64(t.last.UnixNano()))
}

// decodeFailures is decodeTally for a count of failures, which quiet time ends.
func decodeFailures(b []byte, now time.Time) tally {
	state := decodeTally(b)
	if !now.Before(state.last.Add(forgetAfter)) {
		return tally{}
	}
	return state
}

// failuresExpire is when the store may forget a count of failures.
func (t tally) failuresExpire() time.Time { return t.last.Add(forgetAfter + keptLonger) }

// wait is how much longer the next attempt has to wait.
func (t tally) wait(limit throttleLimit, now time.Time) time.Duration {
	beyond := int(t.failures) - limit.free
	if beyond <= 0 {
		return 0
	}
	pause := limit.most
	if shift := beyond - 1; shift < 20 {
		pause = min(limit.pause<<shift, limit.most)
	}
	return max(0, t.last.Add(pause).Sub(now))
}

var errMustWait = errors.New("must wait")

// spend charges one failure to a budget, or returns how long to wait when the
// budget has none to give now.
func (t *Throttle) spend(ctx context.Context, key string, limit throttleLimit) (wait time.Duration, err error) {
	ctx, done := deadline.Step(ctx)
	defer done()
	err = t.store.Update(ctx, key, func(old []byte) ([]byte, time.Time, error) {
		now := time.Now()
		state := decodeFailures(old, now)
		if wait = state.wait(limit, now); wait > 0 {
			return nil, time.Time{}, errMustWait
		}
		if state.failures < math.MaxUint32 {
			state.failures++
		}
		state.last = now
		return state.encode(), state.failuresExpire(), nil
	})
	if errors.Is(err, errMustWait) {
		return wait, nil
	}
	if err != nil {
		return 0, fmt.Errorf("counting a sign-in attempt: %w", err)
	}
	return 0, nil
}

func (t *Throttle) refund(ctx context.Context, key string) error {
	ctx, done := deadline.Step(ctx)
	defer done()
	err := t.store.Update(ctx, key, func(old []byte) ([]byte, time.Time, error) {
		state := decodeFailures(old, time.Now())
		if state.failures <= 1 {
			return nil, time.Time{}, nil
		}
		state.failures--
		return state.encode(), state.failuresExpire(), nil
	})
	if err != nil {
		return fmt.Errorf("counting a sign-in: %w", err)
	}
	return nil
}

func (t *Throttle) clear(ctx context.Context, key string) error {
	ctx, done := deadline.Step(ctx)
	defer done()
	if err := t.store.Delete(ctx, key); err != nil {
		return fmt.Errorf("clearing the throttle: %w", err)
	}
	return nil
}

func (t *Throttle) read(ctx context.Context, key string) (tally, error) {
	ctx, done := deadline.Step(ctx)
	defer done()
	value, err := t.store.Get(ctx, key)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return tally{}, nil
	}
	if err != nil {
		return tally{}, fmt.Errorf("reading the throttle: %w", err)
	}
	return decodeFailures(value, time.Now()), nil
}
