// Package test tests the running gateway, from outside: Caddyfiles and their
// JSON, requests on the wire and on raw sockets, the flows with fake and real
// servers. It starts Caddy in this process and talks to it as a browser does;
// what it must not use is anything that a user of the module can't.
package test
