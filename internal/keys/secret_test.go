package keys

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// brokenStorage fails until it is mended.
type brokenStorage struct {
	certmagic.Storage

	broken bool
}

var errBroken = errors.New("the disk is full")

// plainNames are the cookies on http.
var plainNames = authjs.NextAuth.Names(false)

func (s *brokenStorage) Store(ctx context.Context, key string, value []byte) error {
	if s.broken {
		return errBroken
	}
	return s.Storage.Store(ctx, key, value)
}

func TestWeakSecretsAreRefused(t *testing.T) {
	t.Parallel()
	for secret, ok := range map[string]bool{
		"short":                            false,
		"changemechangemechangemechangeme": false,
		"ChangeMeChangeMeChangeMeChangeMe": false,
		strings.Repeat("x", 40):            false,
		"0123456789abcdef0123456789abcde":  false,
		"0123456789abcdef0123456789abcdef": true,
	} {
		if err := CheckSecret(secret); (err == nil) != ok {
			t.Errorf("%q: %v", secret, err)
		}
	}
}

func TestASecretIsGeneratedOnceAndKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var one *Ring
	for range 2 { // two processes that share a storage
		source, err := NewSource(nil, []*authjs.Names{plainNames}, &certmagic.FileStorage{Path: dir}, zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				if _, err := source.Named("app.example.com").Ring(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		ring, _ := source.Named("app.example.com").Ring(t.Context())
		if one == nil {
			one = ring
		}
		if _, _, err := ring.Session[plainNames.Session].Open(one.Session[plainNames.Session].Seal([]byte("{}"))); err != nil {
			t.Error("the second process has another secret")
		}
		other, err := source.Named("other.example.com").Ring(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := other.Session[plainNames.Session].Open(one.Session[plainNames.Session].Seal([]byte("{}"))); err == nil {
			t.Error("two realms share a generated secret")
		}
	}
	files, err := os.ReadDir(dir + "/signin/secrets")
	if err != nil || len(files) != 2 {
		t.Fatalf("%d secrets are kept: %v", len(files), err)
	}
	for _, file := range files {
		info, _ := file.Info()
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", file.Name(), info.Mode())
		}
	}
}

func TestAStorageThatFailsIsAskedAgain(t *testing.T) {
	t.Parallel()
	storage := &brokenStorage{Storage: &certmagic.FileStorage{Path: t.TempDir()}, broken: true}
	source, err := NewSource(nil, []*authjs.Names{plainNames}, storage, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := source.Named("a").Ring(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
	storage.broken = false
	if _, err := source.Named("a").Ring(t.Context()); err != nil {
		t.Error(err)
	}
}
