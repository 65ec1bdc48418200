// The gateway's handle, and the check that every entry point begins with.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <memory>

#include "capi/shim.h"
#include "convoy/gateway.h"

struct convoy_gateway {
  std::unique_ptr<convoy::Gateway> gateway;
  pid_t opener;
};

namespace convoy::capi {

// CONVOY_OK if the handle may be used in this process.
inline convoy_status CheckGateway(const convoy_gateway* gateway, convoy_error** error) {
  if (gateway == nullptr) return Fail(error, CONVOY_E_INVALID, "gateway: must not be NULL");
  if (gateway->opener != getpid()) {
    return Fail(error, CONVOY_E_FORKED,
                "the gateway belongs to the parent process; open one after fork");
  }
  return CONVOY_OK;
}

}  // namespace convoy::capi
