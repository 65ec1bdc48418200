// Conformance suite for Transport, run against an implementation and a server that the suite starts
// on 127.0.0.1: no test framework, no main.
//
//   class MyTransports : public convoy::testing::TransportFactory { … };
//   MyTransports transports;
//   for (const auto& failure : convoy::testing::CheckTransport(transports).failures)
//   Print(failure);
//
// A transport that passes may be used in a gateway (GatewayParts::transport). The suite cannot test
// that it refuses private addresses, because the suite's own server has one.
#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "convoy/testing/conformance.h"
#include "convoy/transport.h"

namespace convoy::testing {

// Makes the transports under test. Used from one thread.
class TransportFactory {
 public:
  virtual ~TransportFactory();

  // Opens a transport that may connect to 127.0.0.1. Earlier ones have been destroyed.
  virtual absl::StatusOr<std::unique_ptr<Transport>> Open() = 0;
};

// Runs the whole suite; takes a few seconds. Starts threads of its own, which end with it.
ConformanceReport CheckTransport(TransportFactory& transports);

}  // namespace convoy::testing
