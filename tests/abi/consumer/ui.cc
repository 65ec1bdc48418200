// A host that mounts the dashboard of the installed component.
#include <convoy/ui.h>

#include <cstdio>
#include <utility>

int main() {
  convoy::GatewayParts parts;
  parts.storage = convoy::NewMemoryStorage();
  auto gateway = convoy::Gateway::Open({}, std::move(parts));
  if (!gateway.ok()) return 1;
  auto ui = convoy::NewUiGateway(gateway->get(), {.prefix = "/hooks"});
  if (!ui.ok()) return 2;
  const auto page = (*ui)->Handle({.method = "GET", .path = "/hooks/"});
  if (!page.has_value() || page->status != 200) return 3;
  if ((*gateway)->Handle({.method = "GET", .path = "/hooks/"}).has_value()) return 4;
  std::puts("verified");
  return 0;
}
