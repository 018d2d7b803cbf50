package sessionstore

import (
	"context"
	"errors"
	"testing"
)

// oneAnswer is a store of which only Get is asked.
type oneAnswer struct {
	Store
	err error
}

func (s oneAnswer) Get(context.Context, string) ([]byte, error) { return nil, s.err }

type pinged struct{ oneAnswer }

func (pinged) Ping(context.Context) error { return nil }

func TestPing(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	for name, test := range map[string]struct {
		store Store
		want  error
	}{
		"nothing there":          {oneAnswer{err: ErrNotFound}, nil},
		"down":                   {oneAnswer{err: down}, down},
		"a store with a ping":    {pinged{oneAnswer{err: down}}, nil},
		"something by that name": {oneAnswer{}, nil},
	} {
		if err := Ping(t.Context(), test.store); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
