// Providers' own Go packages behind a pipe: one order per line in, {"ok": bool} out.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"runtime/debug"

	"code.gitea.io/sdk/gitea"
	"github.com/PagerDuty/go-pagerduty/webhookv3"
	"github.com/buildkite/go-buildkite/v4"
	"github.com/mailgun/mailgun-go/v4"
)

type order struct {
	Call    string            `json:"call"`
	Secret  string            `json:"secret"`
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body_base64"`
}

func (o *order) request() *http.Request {
	request, err := http.NewRequest("POST", "https://hooks.example.com/in", bytes.NewReader(o.Body))
	if err != nil {
		panic(err)
	}
	for name, value := range o.Headers {
		request.Header.Set(name, value)
	}
	return request
}

var calls = map[string]func(o *order) bool{
	"buildkite": func(o *order) bool {
		_, err := buildkite.ValidatePayload(o.request(), []byte(o.Secret))
		return err == nil
	},
	"gitea": func(o *order) bool {
		ok, err := gitea.VerifyWebhookSignature(o.Secret, o.request().Header.Get("X-Gitea-Signature"), o.Body)
		return err == nil && ok
	},
	"pagerduty": func(o *order) bool { return webhookv3.VerifySignature(o.request(), o.Secret) == nil },
	"mailgun": func(o *order) bool {
		var payload mailgun.WebhookPayload
		if json.Unmarshal(o.Body, &payload) != nil {
			return false
		}
		client := mailgun.NewMailgun("example.com", "none")
		client.SetWebhookSigningKey(o.Secret)
		ok, err := client.VerifyWebhookSignature(payload.Signature)
		return err == nil && ok
	},
}

func versions() map[string]string {
	list := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			list[module.Path] = module.Version
		}
	}
	return list
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			panic(err)
		}
		if o.Call == "versions" {
			_ = answers.Encode(versions())
			continue
		}
		_ = answers.Encode(map[string]bool{"ok": calls[o.Call](&o)})
	}
}
