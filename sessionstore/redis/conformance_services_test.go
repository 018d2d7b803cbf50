//go:build services

package redis

import (
	"fmt"
	"testing"

	"github.com/caddy-signin/caddy-signin/test/servers"
)

func TestOneServer(t *testing.T) {
	server := servers.StartRedis(t)
	conforms(t, at(server), server)
}

func TestCluster(t *testing.T) {
	nodes := servers.StartRedisCluster(t)
	conforms(t, fmt.Sprintf(`{"urls": [%s]}`, urlsOf(nodes)), nodes...)
}

func TestSentinels(t *testing.T) {
	primary := servers.StartRedis(t)
	servers.StartRedisReplica(t, primary)
	sentinel := servers.StartRedisSentinel(t, "sessions", primary)
	conforms(t, fmt.Sprintf(`{"urls": [%q], "sentinel": {"master": "sessions"}}`, sentinel.URL()), primary)
}

func TestServerThatRefusesClientSideCaching(t *testing.T) {
	server := servers.StartRedis(t)
	server.Command("ACL", "SETUSER", "gateway", "on", ">secret of the tests", "~si:*", "+@all", "-client|tracking")
	conforms(t, fmt.Sprintf(`{"urls": [%q], "username": "gateway", "password": "secret of the tests"}`, server.URL()), server)
}
