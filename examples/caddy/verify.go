package caddy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/dustin/go-humanize"

	"libconvoy.invalid/convoy"
)

const bodyMaxDefault = 10 << 20

func init() {
	caddy.RegisterModule(new(Verify))
	httpcaddyfile.RegisterHandlerDirective("convoy_verify", parseVerify)
	httpcaddyfile.RegisterDirectiveOrder("convoy_verify", httpcaddyfile.Before, "reverse_proxy")
}

// Verify passes on only requests whose signature is right.
//
//	convoy_verify github /etc/caddy/github.secret {
//		body_max 1MB
//	}
//
// The file has a secret on each line; all are live. A request with a wrong signature gets 401, or the
// status that the provider expects, by way of handle_errors; one with a larger body 413. Bodies are
// read into memory, 10 MiB at most by default, before the upstream gets them.
type Verify struct {
	Preset     string `json:"preset"`
	SecretFile string `json:"secret_file"`
	BodyMax    int64  `json:"body_max,omitempty"`

	verifier *convoy.Verifier
}

// CaddyModule is for Caddy.
func (*Verify) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.convoy_verify",
		New: func() caddy.Module { return new(Verify) }}
}

// Provision reads the secrets and compiles the scheme.
func (v *Verify) Provision(caddy.Context) error {
	text, err := os.ReadFile(v.SecretFile)
	if err != nil {
		return fmt.Errorf("convoy_verify: secret_file: %w", err)
	}
	secrets := strings.FieldsFunc(string(text), func(c rune) bool { return c == '\n' || c == '\r' })
	if len(secrets) == 0 {
		return fmt.Errorf("convoy_verify: secret_file: %s is empty", v.SecretFile)
	}
	if v.BodyMax < 0 {
		return errors.New("convoy_verify: body_max: must not be negative")
	}
	if v.BodyMax == 0 {
		v.BodyMax = bodyMaxDefault
	}
	v.verifier, err = convoy.NewVerifier(convoy.Scheme{Preset: v.Preset, Secrets: secrets})
	if err != nil {
		return fmt.Errorf("convoy_verify: %w", err)
	}
	return nil
}

func (v *Verify) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, v.BodyMax))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return caddyhttp.Error(http.StatusRequestEntityTooLarge, err)
	case err != nil:
		return caddyhttp.Error(http.StatusBadRequest, err)
	}
	verdict, err := v.verifier.Verify(r, body)
	if err != nil {
		return caddyhttp.Error(http.StatusInternalServerError, err)
	}
	if !verdict.IsAccepted {
		status := verdict.RefusalStatus
		if status == 0 {
			status = http.StatusUnauthorized
		}
		return caddyhttp.Error(status, fmt.Errorf("convoy_verify: %s", verdict.Reason))
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return next.ServeHTTP(w, r)
}

// UnmarshalCaddyfile reads the preset, the file, and a block that may have body_max.
func (v *Verify) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.AllArgs(&v.Preset, &v.SecretFile) {
		return d.ArgErr()
	}
	for d.NextBlock(0) {
		if d.Val() != "body_max" {
			return d.Errf("unknown setting '%s'", d.Val())
		}
		var text string
		if !d.AllArgs(&text) {
			return d.ArgErr()
		}
		size, err := humanize.ParseBytes(text)
		if err != nil || size == 0 || size > 1<<40 {
			return d.Errf("body_max: '%s' is no size", text)
		}
		v.BodyMax = int64(size)
	}
	return nil
}

func parseVerify(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	verify := new(Verify)
	return verify, verify.UnmarshalCaddyfile(h.Dispenser)
}

var (
	_ caddy.Provisioner           = (*Verify)(nil)
	_ caddyhttp.MiddlewareHandler = (*Verify)(nil)
)
