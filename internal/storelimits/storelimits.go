// Package storelimits refuses keys and values that are longer than the contract of
// stores allows. It is for the stores, and knows nothing of what they keep.
package storelimits

import (
	"fmt"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// CheckKey returns [sessionstore.ErrLength] for a key that no store takes.
func CheckKey(key string) error {
	if len(key) == 0 || len(key) > sessionstore.MaxKey {
		return fmt.Errorf("key of %d bytes, not 1 to %d: %w", len(key), sessionstore.MaxKey, sessionstore.ErrLength)
	}
	return nil
}

// CheckValue returns [sessionstore.ErrLength] for a value that no store takes.
func CheckValue(value []byte) error {
	if len(value) > sessionstore.MaxValue {
		return fmt.Errorf("value of %d bytes, more than %d: %w", len(value), sessionstore.MaxValue, sessionstore.ErrLength)
	}
	return nil
}
