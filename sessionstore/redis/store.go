package redis

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/internal/storelimits"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// store is one configuration's view of a connection.
//
// Expiries go to the server as the time that is left by our clock, not as a
// time of day: a server whose clock is ahead would end revocations too early,
// and revive sessions.
type store struct {
	conn   *connection
	prefix string
	now    func() time.Time
}

func newStore(conn *connection, prefix string) *store {
	return &store{conn: conn, prefix: prefix, now: time.Now}
}

// Get asks the server only for what isn't remembered; that there is nothing
// under a key is remembered too.
func (s *store) Get(ctx context.Context, key string) ([]byte, error) {
	value, err := s.get(ctx, key, true)
	if err == nil && value == nil {
		err = sessionstore.ErrNotFound
	}
	return value, err
}

// get returns nil when there is nothing under key.
func (s *store) get(ctx context.Context, key string, remembered bool) ([]byte, error) {
	limited, full, err := s.begin(ctx, key)
	if err != nil {
		return nil, err
	}
	defer deadline.Release(limited)
	remembered = remembered && !s.conn.written.has(full)
	for {
		client, err := s.conn.client(limited)
		if err != nil {
			return nil, s.conn.explain(ctx, "reading", client, err)
		}
		value, err := read(limited, client, full, remembered)
		switch {
		case err == nil:
			return value, nil
		case isContextError(err) && limited.Err() == nil:
			// The caller that asked first, and for whose answer this one
			// waited, went away.
			continue
		default:
			return nil, s.conn.explain(ctx, "reading", client, err)
		}
	}
}

func read(ctx context.Context, client *link, key string, remembered bool) ([]byte, error) {
	var result rueidis.RedisResult
	if remembered {
		result = client.DoCache(ctx, client.B().Get().Key(key).Cache(), cacheTime)
	} else {
		result = client.Do(ctx, client.B().Get().Key(key).Build())
	}
	return valueOf(result)
}

// valueOf returns nil when there is nothing under the key.
func valueOf(result rueidis.RedisResult) ([]byte, error) {
	value, err := result.AsBytes()
	switch {
	case rueidis.IsRedisNil(err):
		return nil, nil
	case err != nil:
		return nil, err
	case value == nil:
		return []byte{}, nil
	default:
		return value, nil
	}
}

// begin is what every call does first.
func (s *store) begin(ctx context.Context, key string) (context.Context, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	if err := storelimits.CheckKey(key); err != nil {
		return nil, "", err
	}
	return deadline.With(ctx, callTimeout), s.prefix + key, nil
}

// Put implements [sessionstore.Store].
func (s *store) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	if err := storelimits.CheckValue(value); err != nil {
		return err
	}
	left := s.left(expires)
	if left <= 0 {
		return s.Delete(ctx, key)
	}
	if err := s.enter(ctx, key, expires); err != nil {
		return err
	}
	_, err := s.write(ctx, key, func(ctx context.Context, client *link, full string) rueidis.RedisResult {
		return client.Do(ctx, client.B().Set().Key(full).Value(string(value)).PxMilliseconds(left).Build())
	})
	return err
}

// Delete implements [sessionstore.Store].
func (s *store) Delete(ctx context.Context, key string) error {
	_, err := s.write(ctx, key, func(ctx context.Context, client *link, full string) rueidis.RedisResult {
		return client.Do(ctx, client.B().Del().Key(full).Build())
	})
	if err != nil {
		return err
	}
	return s.leave(ctx, key)
}

// left is how many milliseconds remain until expires.
func (s *store) left(expires time.Time) int64 { return expires.UnixMilli() - s.now().UnixMilli() }

// write sends one command that may change key. When it fails, the server may
// have done it all the same.
func (s *store) write(
	ctx context.Context, key string, send func(ctx context.Context, client *link, full string) rueidis.RedisResult,
) (rueidis.RedisMessage, error) {
	limited, full, err := s.begin(ctx, key)
	if err != nil {
		return rueidis.RedisMessage{}, err
	}
	defer deadline.Release(limited)
	return s.sendWrite(ctx, limited, full, send)
}

// sendWrite is write for a key of the server's; limited is ctx with a limit.
func (s *store) sendWrite(
	ctx, limited context.Context, full string, send func(ctx context.Context, client *link, full string) rueidis.RedisResult,
) (rueidis.RedisMessage, error) {
	client, err := s.conn.client(limited)
	if err != nil {
		return rueidis.RedisMessage{}, s.conn.explain(ctx, "writing", client, err)
	}
	s.conn.written.add(full)
	message, err := send(limited, client, full).ToMessage()
	s.conn.written.add(full)
	if err != nil {
		return rueidis.RedisMessage{}, s.conn.explain(ctx, "writing", client, err)
	}
	return message, nil
}

// swapScript replaces the value of KEYS[1], if it is ARGV[2] (ARGV[1] is 1) or
// there is none (0), by ARGV[4] for ARGV[3] milliseconds, or by nothing (0). It
// returns 1, or else the value in a list. The SHA-1 by which the server knows
// it is made on first use: under GODEBUG=fips140=only that fails.
var swapScript = sync.OnceValue(func() *rueidis.Lua {
	return rueidis.NewLuaScript(`
local held = redis.call('GET', KEYS[1])
if held ~= (ARGV[1] == '1' and ARGV[2]) then return {held} end
if ARGV[3] == '0' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[3]) end
return 1`)
})

// Update reads the value from the server, and lets the server replace it if it
// is still that one.
func (s *store) Update(ctx context.Context, key string, change sessionstore.Change) error {
	old, err := s.get(ctx, key, false)
	for err == nil {
		value, expires, failure := change(old)
		if failure != nil {
			return failure
		}
		if err := storelimits.CheckValue(value); err != nil {
			return err
		}
		var done bool
		if done, old, err = s.swap(ctx, key, old, value, expires); done {
			return nil
		}
	}
	return err
}

// swap puts value in the place of old, nil standing for nothing, if that is
// what is there; else it returns what is.
func (s *store) swap(ctx context.Context, key string, old, value []byte, expires time.Time) (done bool, held []byte, err error) {
	args := []string{"0", string(old), "0", ""}
	if old != nil {
		args[0] = "1"
	}
	left := s.left(expires)
	if left > 0 {
		args[2], args[3] = strconv.FormatInt(left, 10), string(value)
		if err := s.enter(ctx, key, expires); err != nil {
			return false, nil, err
		}
	}
	message, err := s.write(ctx, key, func(ctx context.Context, client *link, full string) rueidis.RedisResult {
		return swapScript().Exec(ctx, client, []string{full}, args)
	})
	if err != nil {
		return false, nil, err
	}
	if message.IsInt64() {
		if left <= 0 {
			err = s.leave(ctx, key)
		}
		return err == nil, nil, err
	}
	list, err := message.ToArray()
	if err != nil || len(list) != 1 {
		return false, nil, errors.New("redis store: the server answered a script with something else")
	}
	if list[0].IsNil() {
		return false, nil, nil
	}
	text, err := list[0].ToString()
	if err != nil {
		return false, nil, errors.New("redis store: the server answered a script with something else")
	}
	return false, append([]byte{}, text...), nil
}

var _ sessionstore.Store = (*store)(nil)
