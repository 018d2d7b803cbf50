package redis

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// Every group (see [sessionstore.GroupMark]) has an index, a sorted set: what
// stands behind the mark in each of its keys, with its expiry as the score, in
// Unix milliseconds by the clock of the gateway that wrote it. A key is in the
// index before its value is stored and until after it is deleted, so the index
// may name what is not there, but lacks nothing that is.

const (
	// indexMark begins the key of an index. Callers have no such keys.
	indexMark = "\xffgroup|"

	// indexSlack is how much longer than a value its index remembers it:
	// gateways' clocks differ.
	indexSlack = 5 * time.Minute
)

// groupOf splits a key, or a prefix of keys, that is in a group.
func groupOf(key string) (group, member string, ok bool) {
	return strings.Cut(key, sessionstore.GroupMark)
}

// enterScript puts ARGV[2] with the score ARGV[1] into the index KEYS[1], lets
// go of scores up to ARGV[3], and keeps the index for ARGV[4] milliseconds or more.
var enterScript = sync.OnceValue(func() *rueidis.Lua {
	return rueidis.NewLuaScript(`
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 1`)
})

// enter puts a key into the index of its group, if it has one.
func (s *store) enter(ctx context.Context, key string, expires time.Time) error {
	group, member, ok := groupOf(key)
	if !ok {
		return nil
	}
	slack := indexSlack.Milliseconds()
	return s.writeIndex(ctx, key, group, func(ctx context.Context, client *link, index string) rueidis.RedisResult {
		return enterScript().Exec(ctx, client, []string{index}, []string{
			strconv.FormatInt(expires.UnixMilli(), 10), member,
			strconv.FormatInt(s.now().UnixMilli()-slack, 10), strconv.FormatInt(s.left(expires)+slack, 10),
		})
	})
}

// leave takes a key that is deleted out of the index of its group.
func (s *store) leave(ctx context.Context, key string) error {
	group, member, ok := groupOf(key)
	if !ok {
		return nil
	}
	return s.writeIndex(ctx, key, group, func(ctx context.Context, client *link, index string) rueidis.RedisResult {
		return client.Do(ctx, client.B().Zrem().Key(index).Member(member).Build())
	})
}

func (s *store) writeIndex(
	ctx context.Context, key, group string, send func(ctx context.Context, client *link, index string) rueidis.RedisResult,
) error {
	limited, _, err := s.begin(ctx, key)
	if err != nil {
		return err
	}
	defer deadline.Release(limited)
	_, err = s.sendWrite(ctx, limited, s.prefix+indexMark+group, send)
	return err
}

// listGroup yields the live values of a group whose keys go on with begins.
func (s *store) listGroup(ctx context.Context, group, begins string, yield func(key string, value []byte) bool) error {
	seen := make(map[string]struct{}) // ZSCAN may return a member twice
	for cursor, first := uint64(0), true; first || cursor != 0; first = false {
		entry, err := s.scanIndex(ctx, s.prefix+indexMark+group, cursor)
		if err != nil {
			return err
		}
		var keys []string
		for i := 0; i < len(entry.Elements); i += 2 { // each with its score
			member := entry.Elements[i]
			if _, known := seen[member]; !known && strings.HasPrefix(member, begins) {
				seen[member] = struct{}{}
				keys = append(keys, s.prefix+group+sessionstore.GroupMark+member)
			}
		}
		if more, err := s.yieldAll(ctx, keys, yield); err != nil || !more {
			return err
		}
		cursor = entry.Cursor
	}
	return ctx.Err()
}

func (s *store) scanIndex(ctx context.Context, index string, cursor uint64) (rueidis.ScanEntry, error) {
	if err := ctx.Err(); err != nil {
		return rueidis.ScanEntry{}, err
	}
	limited := deadline.With(ctx, callTimeout)
	defer deadline.Release(limited)
	client, err := s.conn.client(limited)
	if err != nil {
		return rueidis.ScanEntry{}, s.conn.explain(ctx, "listing a group", client, err)
	}
	entry, err := client.Do(limited, client.B().Zscan().Key(index).Cursor(cursor).Count(listBatch).Build()).AsScanEntry()
	if err != nil {
		return rueidis.ScanEntry{}, s.conn.explain(ctx, "listing a group", client, err)
	}
	return entry, nil
}
