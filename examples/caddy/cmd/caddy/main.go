// Caddy with the directives convoy and convoy_verify.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "libconvoy.invalid/caddy"
)

func main() { caddycmd.Main() }
