//go:build services

package postgres

import (
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/test/servers"
)

func TestPingMakesNoTables(t *testing.T) {
	server := servers.StartPostgres(t)
	n := newNode(t, server, newSchema())
	if err := n.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found := n.query(t, "select count(*)::text from information_schema.schemata where schema_name = '"+n.options.schema+"'"); found != "0" {
		t.Errorf("there are %s schemas", found)
	}
	server.Stop()
	if err := n.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "connect") {
		t.Error(err)
	}
}
