package sessionstore_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// A token that may be used once: the first to add it has used it.
func ExampleAdd() {
	memory := &sessionstore.Memory{MaxSize: 1 << 20}
	defer func() { _ = memory.Cleanup() }()
	store, err := memory.Open(caddy.Context{}, "https://app.example.com")
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
