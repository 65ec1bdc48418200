// Facts, each with its source. Adding a provider means adding an entry.
#include "lib/verify/presets.h"

namespace convoy::verify {
namespace {

constexpr Preset kPresets[] = {
    {"github",
     "docs.github.com: Validating webhook deliveries; the provider's package "
     "@octokit/webhooks-methods",
     R"json({"name": "sha256", "type": "hmac", "alg": "sha256", "encoding": "hex",
             "signature": {"in": "header", "name": "X-Hub-Signature-256", "prefix": "sha256="},
             "event_id": "X-GitHub-Delivery"})json"},
    {"shopify",
     "shopify.dev: Deliver webhooks through HTTPS; the provider's package @shopify/shopify-api",
     R"json({"name": "sha256", "type": "hmac", "alg": "sha256", "encoding": "base64",
             "signature": {"in": "header", "name": "X-Shopify-Hmac-SHA256"},
             "event_id": "X-Shopify-Webhook-Id"})json"},
    {"slack", "api.slack.com: Verifying requests from Slack; the provider's package @slack/bolt",
     R"json({"name": "v0", "type": "hmac", "alg": "sha256", "encoding": "hex",
             "signature": {"in": "header", "name": "X-Slack-Signature", "prefix": "v0="},
             "message": "v0:{ts}:{body}",
             "timestamp": {"from": "header:X-Slack-Request-Timestamp"}})json"},
    {"standard_webhooks", "standardwebhooks.com: specification; the package standardwebhooks",
     R"json({"name": "v1", "type": "hmac", "alg": "sha256", "encoding": "base64",
             "signature": {"in": "header", "name": "webhook-signature",
                           "list": {"item_sep": " ", "kv_sep": ",", "key": "v1"}},
             "key": {"format": "base64", "strip_prefix": "whsec_"},
             "message": "{header:webhook-id}.{ts}.{body}",
             "timestamp": {"from": "header:webhook-timestamp"},
             "event_id": "webhook-id"})json"},
    {"stripe", "docs.stripe.com: Verify webhook signatures manually; the provider's package stripe",
     R"json({"name": "v1", "type": "hmac", "alg": "sha256", "encoding": "hex",
             "signature": {"in": "header", "name": "Stripe-Signature",
                           "list": {"item_sep": ",", "kv_sep": "=", "key": "v1"}},
             "message": "{ts}.{body}",
             "timestamp": {"from": "sig:t"}})json"},
    {"twitter", "docs.x.com: Securing webhooks",
     R"json({"name": "sha256", "type": "hmac", "alg": "sha256", "encoding": "base64",
             "signature": {"in": "header", "name": "X-Twitter-Webhooks-Signature",
                           "prefix": "sha256="}})json"},
};

}  // namespace

std::span<const Preset> Presets() { return kPresets; }

const Preset* FindPreset(std::string_view name) {
  for (const Preset& preset : kPresets) {
    if (preset.name == name) return &preset;
  }
  return nullptr;
}

}  // namespace convoy::verify
