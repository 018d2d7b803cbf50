package storetest_test

import (
	"testing"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/sessionstore/storetest"
)

// The fake keeps the promises of a store, so that what works with it works.
func TestTheFakeIsAStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) sessionstore.Store { return storetest.NewFake() })
}
