// Package caddy holds modules of Caddy: convoy takes webhooks in durably, convoy_verify refuses forged
// ones before an upstream sees them.
package caddy

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"libconvoy.invalid/convoy"
)

const closePatience = 10 * time.Second

func init() {
	caddy.RegisterModule(new(Mount))
	httpcaddyfile.RegisterHandlerDirective("convoy", parseMount)
	httpcaddyfile.RegisterDirectiveOrder("convoy", httpcaddyfile.Before, "respond")
}

// Mount answers the paths of a gateway and passes the others on.
//
//	convoy {
//		storage.path /var/lib/caddy/hooks.db
//	}
//
// The settings are those of libconvoy (docs/reference.md); placeholders such as {env.KEY} are filled.
// Configurations with the same settings share one gateway, so that a reload does not close it.
type Mount struct {
	Settings map[string]string `json:"settings,omitempty"`

	key     string
	gateway *convoy.Gateway
}

// CaddyModule is for Caddy.
func (*Mount) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.convoy", New: func() caddy.Module { return new(Mount) }}
}

// Gateways that are open, by their settings.
var gateways = caddy.NewUsagePool()

type opened struct{ *convoy.Gateway }

// Destruct is called when the last configuration with these settings is gone.
func (o opened) Destruct() error { return o.Close(closePatience) }

func open(settings convoy.Settings) (caddy.Destructor, error) {
	gateway, err := convoy.OpenWithLog(settings, slog.New(logHandler{}))
	if err != nil {
		return nil, err
	}
	if err := gateway.Start(); err != nil {
		gateway.Close(0)
		return nil, err
	}
	return opened{gateway}, nil
}

// Provision opens the gateway, or takes the one that is open.
func (m *Mount) Provision(caddy.Context) error {
	settings, replacer := convoy.Settings{}, caddy.NewReplacer()
	for name, value := range m.Settings {
		filled, err := replacer.ReplaceOrErr(value, true, true)
		if err != nil {
			return fmt.Errorf("convoy: %s: %w", name, err)
		}
		settings[name] = filled
	}
	key := fmt.Sprint(settings) // sorted by name
	gateway, _, err := gateways.LoadOrNew(key,
		func() (caddy.Destructor, error) { return open(settings) })
	if err != nil {
		return err
	}
	m.key, m.gateway = key, gateway.(opened).Gateway
	return nil
}

// Cleanup lets go of the gateway.
func (m *Mount) Cleanup() error {
	if m.gateway == nil {
		return nil
	}
	_, err := gateways.Delete(m.key)
	return err
}

func (m *Mount) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) (err error) {
	others := func(w http.ResponseWriter, r *http.Request) { err = next.ServeHTTP(w, r) }
	m.gateway.Handler(http.HandlerFunc(others)).ServeHTTP(w, r)
	return err
}

// UnmarshalCaddyfile reads a block of settings, one on each line.
func (m *Mount) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	m.Settings = map[string]string{}
	for d.NextBlock(0) {
		name, value := d.Val(), ""
		if !d.AllArgs(&value) {
			return d.ArgErr()
		}
		if _, isThere := m.Settings[name]; isThere {
			return d.Errf("%s is set twice", name)
		}
		m.Settings[name] = value
	}
	return nil
}

func parseMount(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	mount := new(Mount)
	return mount, mount.UnmarshalCaddyfile(h.Dispenser)
}

var (
	_ caddy.Provisioner           = (*Mount)(nil)
	_ caddy.CleanerUpper          = (*Mount)(nil)
	_ caddyhttp.MiddlewareHandler = (*Mount)(nil)
)
