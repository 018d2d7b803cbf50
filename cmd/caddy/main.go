// Command caddy is Caddy with its standard modules and caddy-signin built in.
// It only puts them together: what the module does is in package signin.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-signin/caddy-signin"
)

func main() {
	caddycmd.Main()
}
