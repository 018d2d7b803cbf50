package sessionstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/storelimits"
	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/sessionstore/memory"
)

// A token that may be used once: the first to add it has used it.
func ExampleAdd() {
	module := &memory.Memory{MaxSize: 1 << 20}
	defer func() { _ = module.Cleanup() }()
	store, err := module.Open("https://app.example.com")
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, expires := context.Background(), time.Now().Add(10*time.Minute)
	for range 2 {
		err := sessionstore.Add(ctx, store, "spent|c2lnbi1pbg", nil, expires)
		switch {
		case errors.Is(err, sessionstore.ErrTaken):
			fmt.Println("used already")
		case err != nil:
			fmt.Println("not known, so refused:", err)
		default:
			fmt.Println("used now")
		}
	}
	// Output:
	// used now
	// used already
}

// shelf is a store of another module. It fits into one lock.
type shelf struct {
	mu     sync.Mutex
	values map[string]kept
}

type kept struct {
	value   []byte
	expires time.Time
}

func (s *shelf) Get(ctx context.Context, key string) (value []byte, err error) {
	if err := errors.Join(ctx.Err(), storelimits.CheckKey(key)); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if value = s.live(key); value == nil {
		return nil, sessionstore.ErrNotFound
	}
	return value, nil
}

func (s *shelf) live(key string) []byte {
	if found, ok := s.values[key]; ok && time.Now().UnixMilli() < found.expires.UnixMilli() {
		return found.value
	}
	return nil
}

func (s *shelf) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	return s.Update(ctx, key, func([]byte) ([]byte, time.Time, error) { return value, expires, nil })
}

func (s *shelf) Delete(ctx context.Context, key string) error {
	return s.Update(ctx, key, func([]byte) ([]byte, time.Time, error) { return nil, time.Time{}, nil })
}

func (s *shelf) Update(ctx context.Context, key string, change sessionstore.Change) error {
	if err := errors.Join(ctx.Err(), storelimits.CheckKey(key)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	value, expires, err := change(s.live(key))
	if err := errors.Join(err, storelimits.CheckValue(value)); err != nil {
		return err
	}
	if s.values[key] = (kept{append([]byte{}, value...), expires}); expires.IsZero() {
		delete(s.values, key)
	}
	return nil
}

// Shelf is its module. Beside Open it has the methods of a Caddy module, and is
// registered as signin.stores.shelf in an init function:
//
//	func (Shelf) CaddyModule() caddy.ModuleInfo {
//		return caddy.ModuleInfo{ID: sessionstore.Namespace + ".shelf", New: func() caddy.Module { return new(Shelf) }}
//	}
//
// Then "store shelf" in a realm is that store. What it needs of Caddy, such as a
// logger, it keeps when Caddy calls its Provision.
type Shelf struct{}

// Open implements [sessionstore.Module].
func (*Shelf) Open(string) (sessionstore.Store, error) {
	return &shelf{values: make(map[string]kept)}, nil
}

// A store of one's own: storetest.Run of the package storetest says whether it keeps
// what a store promises.
func ExampleModule() {
	var module sessionstore.Module = new(Shelf)
	store, err := module.Open("https://app.example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := store.Put(ctx, "k", []byte("kept"), time.Now().Add(time.Hour)); err != nil {
		fmt.Println(err)
		return
	}
	value, err := sessionstore.Take(ctx, store, "k")
	fmt.Printf("%s, %v\n", value, err)
	_, err = store.Get(ctx, "k")
	fmt.Println(err)
	// Output:
	// kept, <nil>
	// not found
}
