package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/redis/rueidis"

	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// listBatch is about how many keys are asked for at once.
const listBatch = 200

// List goes through a group's index, or else through the keys of every primary.
// Each step is bounded like a call.
func (s *store) List(ctx context.Context, prefix string, yield func(key string, value []byte) bool) error {
	if group, begins, ok := groupOf(prefix); ok {
		return s.listGroup(ctx, group, begins, yield)
	}
	nodes, err := s.primaries(ctx)
	if err != nil {
		return err
	}
	pattern := escapePattern(s.prefix+prefix) + "*"
	seen := make(map[string]struct{}) // SCAN may return a key twice
	for _, node := range nodes {
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			var keys []string
			if cursor, keys, err = s.scan(ctx, node, cursor, pattern, seen); err != nil {
				return err
			}
			if more, err := s.yieldAll(ctx, keys, yield); err != nil || !more {
				return err
			}
		}
	}
	return ctx.Err()
}

// scan makes one step, and returns the keys that are new.
func (s *store) scan(
	ctx context.Context, node rueidis.Client, cursor uint64, pattern string, seen map[string]struct{},
) (next uint64, fresh []string, err error) {
	limited := deadline.With(ctx, callTimeout)
	defer deadline.Release(limited)
	entry, err := node.Do(limited, node.B().Scan().Cursor(cursor).Match(pattern).Count(listBatch).Build()).AsScanEntry()
	if err != nil {
		return 0, nil, s.conn.explain(ctx, "listing keys", nil, err)
	}
	for _, key := range entry.Elements {
		if _, known := seen[key]; !known && strings.HasPrefix(key, s.prefix) && !strings.HasPrefix(key, s.prefix+indexMark) {
			seen[key] = struct{}{}
			fresh = append(fresh, key)
		}
	}
	return entry.Cursor, fresh, nil
}

// yieldAll reads the values of keys; one that is gone by now is left out.
func (s *store) yieldAll(ctx context.Context, keys []string, yield func(key string, value []byte) bool) (more bool, err error) {
	values, err := s.getAll(ctx, keys)
	if err != nil {
		return false, err
	}
	for i, value := range values {
		if value != nil && !yield(keys[i][len(s.prefix):], value) {
			return false, nil
		}
	}
	return true, nil
}

// getAll returns a value for each key, nil for one that is gone.
func (s *store) getAll(ctx context.Context, keys []string) ([][]byte, error) {
	if len(keys) == 0 {
		return nil, ctx.Err()
	}
	limited := deadline.With(ctx, callTimeout)
	defer deadline.Release(limited)
	client, err := s.conn.client(limited)
	if err != nil {
		return nil, s.conn.explain(ctx, "listing values", nil, err)
	}
	commands := make(rueidis.Commands, len(keys))
	for i, key := range keys {
		commands[i] = client.B().Get().Key(key).Build()
	}
	values := make([][]byte, len(keys))
	for i, result := range client.DoMulti(limited, commands...) {
		if values[i], err = valueOf(result); err != nil {
			return nil, s.conn.explain(ctx, "listing values", client, err)
		}
	}
	return values, nil
}

// primaries are clients of the servers that hold the keys.
func (s *store) primaries(ctx context.Context) ([]rueidis.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	limited := deadline.With(ctx, callTimeout)
	defer deadline.Release(limited)
	client, err := s.conn.client(limited)
	if err != nil {
		return nil, s.conn.explain(ctx, "listing keys", nil, err)
	}
	if client.Mode() != rueidis.ClientModeCluster {
		return []rueidis.Client{client}, nil
	}
	ranges, err := client.Do(limited, client.B().ClusterSlots().Build()).ToArray()
	if err != nil {
		return nil, s.conn.explain(ctx, "asking for the cluster's nodes", client, err)
	}
	known := client.Nodes()
	found := make(map[string]rueidis.Client)
	for _, slots := range ranges {
		host, port, err := primaryOf(slots)
		if err != nil {
			return nil, err
		}
		address, node := nodeAt(known, host, port)
		if node == nil {
			return nil, errors.New("redis store: listing keys: the cluster is changing its nodes: try again")
		}
		found[address] = node
	}
	nodes := make([]rueidis.Client, 0, len(found))
	for _, node := range found {
		nodes = append(nodes, node)
	}
	return nodes, nil
}

// primaryOf reads one range of CLUSTER SLOTS
// (https://redis.io/docs/latest/commands/cluster-slots/): first and last slot,
// then the nodes, of which the first is the primary.
func primaryOf(slots rueidis.RedisMessage) (host, port string, err error) {
	parts, err := slots.ToArray()
	if err != nil || len(parts) < 3 {
		return "", "", errors.New("redis store: listing keys: the cluster answered CLUSTER SLOTS with something else")
	}
	node, err := parts[2].ToArray()
	if err != nil || len(node) < 2 {
		return "", "", errors.New("redis store: listing keys: the cluster answered CLUSTER SLOTS with something else")
	}
	number, err := node[1].ToInt64()
	if err != nil {
		return "", "", fmt.Errorf("redis store: listing keys: the port of a node: %w", err)
	}
	host, _ = node[0].ToString() // absent when a node doesn't know its own
	return host, strconv.FormatInt(number, 10), nil
}

func nodeAt(nodes map[string]rueidis.Client, host, port string) (string, rueidis.Client) {
	if node, ok := nodes[net.JoinHostPort(host, port)]; ok || host != "" {
		return net.JoinHostPort(host, port), node
	}
	for address, node := range nodes {
		if _, p, err := net.SplitHostPort(address); err == nil && p == port {
			return address, node
		}
	}
	return "", nil
}

// escapePattern makes a glob pattern that matches text and nothing else
// (https://redis.io/docs/latest/commands/keys/).
func escapePattern(text string) string {
	var b strings.Builder
	b.Grow(len(text) + 8)
	for i := range len(text) {
		if strings.IndexByte(`*?[]^-\`, text[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

var _ sessionstore.Lister = (*store)(nil)
