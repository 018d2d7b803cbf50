package keys

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// minSecret is the shortest configured secret, in bytes: as long as the keys
// that are derived from it.
const minSecret = 32

// placeholderSecrets are values that documentation of other projects shows, in
// lower case. Shorter ones are refused by their length.
var placeholderSecrets = []string{
	"changemechangemechangemechangeme",
	"change-me-change-me-change-me-change-me",
	"your-super-secret-key-at-least-32-characters",
	"your-secret-key-at-least-32-characters-long",
	"replace-this-with-a-long-random-secret",
	"openssl rand -base64 32-openssl rand -base64 32",
	"run `openssl rand -base64 32` to make one",
}

// Storage keeps what is generated, on all nodes alike: Caddy's storage does.
// Load's error is fs.ErrNotExist for what was never stored.
type Storage interface {
	Lock(ctx context.Context, name string) error
	Unlock(ctx context.Context, name string) error
	Load(ctx context.Context, key string) ([]byte, error)
	Store(ctx context.Context, key string, value []byte) error
}

// Source gives a realm its keys: from the configured secrets, or from one
// that is generated on first use and kept in Caddy's storage.
type Source struct {
	cookies    []*authjs.Names // of http and of https
	configured *Ring           // nil: generate
	storage    Storage
	logger     *zap.Logger

	mu   sync.Mutex
	kept map[string]*Secret
}

// NewSource takes the configured secrets, the one that seals first, with
// placeholders resolved; without any, one is generated. Cookies are the names
// that a key is derived for, of http and of https.
func NewSource(secrets []string, cookies []*authjs.Names, storage Storage, logger *zap.Logger) (*Source, error) {
	source := &Source{cookies: cookies, storage: storage, logger: logger, kept: make(map[string]*Secret)}
	if len(secrets) == 0 {
		return source, nil
	}
	for i, secret := range secrets {
		if err := CheckSecret(secret); err != nil {
			return nil, BadSecret(i, err)
		}
	}
	ring, err := newRing(secrets, cookies...)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	source.configured = ring
	return source, nil
}

// BadSecret says which of the configured secrets CheckSecret refused, by its
// place, and what to do.
func BadSecret(i int, err error) error {
	return fmt.Errorf("secret: value %d %w: make one with `openssl rand -base64 32`", i+1, err)
}

// CheckSecret refuses a secret that could be guessed: one that is too short, a
// placeholder of somebody's documentation, or one repeated byte.
func CheckSecret(secret string) error {
	switch {
	case len(secret) < minSecret:
		return fmt.Errorf("has %d bytes and must have %d or more", len(secret), minSecret)
	case slices.Contains(placeholderSecrets, strings.ToLower(secret)),
		strings.Count(secret, secret[:1]) == len(secret):
		return errors.New("is a placeholder that anyone can guess")
	}
	return nil
}

// Named returns the secret for a realm key. The set of names is bounded by the
// configuration, so nothing is ever dropped.
func (s *Source) Named(name string) *Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	secret, ok := s.kept[name]
	if !ok {
		secret = &Secret{source: s, name: name, turn: make(chan struct{}, 1)}
		if s.configured != nil {
			secret.cached.Store(s.configured)
		}
		s.kept[name] = secret
	}
	return secret
}

// Secret is one realm key's secret, opened on first use by one request
// while the others wait for it.
type Secret struct {
	source *Source
	name   string
	turn   chan struct{}
	cached atomic.Pointer[Ring]
}

// storageTimeout bounds reading or making a secret; the next request tries again.
const storageTimeout = 10 * time.Second

// Ring returns the keys, which a generated secret has to be read or made for at first.
// An error means that Caddy's storage can't be asked: the next call tries again.
func (s *Secret) Ring(ctx context.Context) (*Ring, error) {
	if ring := s.cached.Load(); ring != nil {
		return ring, nil
	}
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for the generated secret: %w", ctx.Err())
	}
	if ring := s.cached.Load(); ring != nil {
		return ring, nil
	}
	secret, err := s.source.loadOrGenerate(ctx, s.name)
	if err != nil {
		return nil, fmt.Errorf("the generated secret of %s, in Caddy's storage: %w", s.name, err)
	}
	ring, err := newRing([]string{secret}, s.source.cookies...)
	if err != nil {
		return nil, err
	}
	s.cached.Store(ring)
	return ring, nil
}

// loadOrGenerate is safe for several processes that share the storage: it
// decides under the storage's own lock.
func (s *Source) loadOrGenerate(ctx context.Context, name string) (string, error) {
	sum := sha256.Sum256([]byte(name))
	key := "signin/secrets/" + hex.EncodeToString(sum[:16])
	if secret, err := s.load(ctx, key); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if err := s.storage.Lock(ctx, key); err != nil {
		return "", fmt.Errorf("locking: %w", err)
	}
	defer func() {
		if err := s.storage.Unlock(context.WithoutCancel(ctx), key); err != nil {
			s.logger.Error("unlocking the generated secret in Caddy's storage", zap.String("key", key), zap.Error(err))
		}
	}()
	if secret, err := s.load(ctx, key); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	secret := hex.EncodeToString(RandomBytes(32))
	if err := s.storage.Store(ctx, key, []byte(secret)); err != nil {
		return "", fmt.Errorf("storing: %w", err)
	}
	s.logger.Info("generated a secret, because none is configured; it is kept in Caddy's storage",
		zap.String("realm", name), zap.String("key", key))
	return secret, nil
}

func (s *Source) load(ctx context.Context, key string) (string, error) {
	value, err := s.storage.Load(ctx, key)
	if err != nil {
		return "", fmt.Errorf("loading %s: %w", key, err)
	}
	secret := strings.TrimSpace(string(value))
	if err := CheckSecret(secret); err != nil {
		return "", fmt.Errorf("the value of %s %w: delete it, and a new one is made", key, err)
	}
	return secret, nil
}
