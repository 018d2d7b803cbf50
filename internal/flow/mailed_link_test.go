package flow

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/sessionstore/storetest"
)

// linkOf is a link of a realm with a store of its own.
func linkOf() mailedLink {
	return mailedLink{
		store: storetest.NewFake(), realmKey: "https://app.example.com", base: "https://app.example.com/api/auth", provider: "email",
		address: "zoe@mail.example.com", token: strings.Repeat("0f", 32),
	}
}

func linkKeysOf(t *testing.T, secrets ...string) keys.LinkKeys {
	t.Helper()
	linkKeys, err := authjs.DeriveKeys("caddy-signin mailed link", secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return linkKeys
}

func (l mailedLink) mustRemember(t *testing.T, linkKeys keys.LinkKeys, life time.Duration) {
	t.Helper()
	if err := l.remember(t.Context(), linkKeys, time.Now().Add(life)); err != nil {
		t.Fatal(err)
	}
}

const (
	newSecret = "a secret of the tests, 40 bytes long ...."
	oldSecret = "the secret before, also over 32 bytes ..."
)

func TestALinkWorksOnceAndForNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		link, linkKeys := linkOf(), linkKeysOf(t, newSecret)
		link.mustRemember(t, linkKeys, time.Minute)
		for name, change := range map[string]func(*mailedLink){
			"another realm":                func(l *mailedLink) { l.realmKey = "https://other.example.com" },
			"another address of the realm": func(l *mailedLink) { l.base = "https://other.example.com/api/auth" },
			"another provider":             func(l *mailedLink) { l.provider = "email2" },
			"another address":              func(l *mailedLink) { l.address = "eve@mail.example.com" },
			"another token":                func(l *mailedLink) { l.token = strings.Repeat("f0", 32) },
		} {
			other := link
			change(&other)
			if err := other.spend(t.Context(), linkKeys); !errors.Is(err, sessionstore.ErrNotFound) {
				t.Errorf("%s spends it: %v", name, err)
			}
		}
		if err := link.spend(t.Context(), linkKeys); err != nil {
			t.Errorf("wrong guesses spent it: %v", err)
		}
		if err := link.spend(t.Context(), linkKeys); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("it works twice: %v", err)
		}
	})
}

func TestALinkExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		link, linkKeys := linkOf(), linkKeysOf(t, newSecret)
		link.mustRemember(t, linkKeys, time.Minute)
		time.Sleep(time.Minute - time.Second)
		if err := link.spend(t.Context(), linkKeys); err != nil {
			t.Errorf("a second before its end: %v", err)
		}
		link.mustRemember(t, linkKeys, time.Minute)
		time.Sleep(time.Minute)
		if err := link.spend(t.Context(), linkKeys); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("at its end: %v", err)
		}
	})
}

func TestALinkOutlivesAChangeOfTheSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		link := linkOf()
		link.mustRemember(t, linkKeysOf(t, oldSecret), time.Minute)
		if err := link.spend(t.Context(), linkKeysOf(t, newSecret)); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("under another secret: %v", err)
		}
		if err := link.spend(t.Context(), linkKeysOf(t, newSecret, oldSecret)); err != nil {
			t.Errorf("with the old secret beside the new one: %v", err)
		}
	})
}

// tokenStore keeps links where other programs know them.
type tokenStore struct {
	sessionstore.Store
	kept map[[2]string]time.Time
}

func (s *tokenStore) PutToken(_ context.Context, identifier, hash string, expires time.Time) error {
	s.kept[[2]string{identifier, hash}] = expires
	return nil
}

func (s *tokenStore) TakeToken(_ context.Context, identifier, hash string) error {
	if _, ok := s.kept[[2]string{identifier, hash}]; !ok {
		return sessionstore.ErrNotFound
	}
	delete(s.kept, [2]string{identifier, hash})
	return nil
}

func TestAStoreWithAPlaceForLinksKeepsThemThere(t *testing.T) {
	t.Parallel()
	link, linkKeys := linkOf(), linkKeysOf(t, newSecret)
	store := &tokenStore{kept: make(map[[2]string]time.Time)}
	link.store = store // its Store is nil: a call to it would panic
	link.mustRemember(t, linkKeys, time.Minute)
	for kept := range store.kept {
		if kept[0] != link.address || strings.Contains(kept[1], link.token) {
			t.Errorf("kept as %v", kept)
		}
	}
	if err := link.spend(t.Context(), linkKeys); err != nil {
		t.Errorf("spending it: %v", err)
	}
	if err := link.spend(t.Context(), linkKeys); !errors.Is(err, sessionstore.ErrNotFound) {
		t.Errorf("spending it again: %v", err)
	}
}

func TestOnlyATokenOf256BitsInHexIsLookedUp(t *testing.T) {
	t.Parallel()
	good := strings.Repeat("0f", 32)
	for token, want := range map[string]bool{
		good: true, "": false, good[:63]: false, good + "0": false, strings.ToUpper(good): false,
		strings.Repeat("zz", 32): false, good[:62] + "\x00f": false,
	} {
		if isLinkToken(token) != want {
			t.Errorf("%q: %t", token, !want)
		}
	}
}
