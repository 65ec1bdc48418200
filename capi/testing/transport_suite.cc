// Entry point of the suite for transports.
#include <memory>

#include "capi/parts/c_transport.h"
#include "capi/testing/report.h"
#include "convoy/testing/transport_conformance.h"

namespace convoy::capi {
namespace {

class CTransports final : public testing::TransportFactory {
 public:
  CTransports(const convoy_transport_factory& table, std::shared_ptr<Defects> defects)
      : table_(table), defects_(std::move(defects)) {}

  absl::StatusOr<std::unique_ptr<Transport>> Open() override {
    convoy_transport made = {};
    made.struct_size = sizeof made;
    FailureRoom room;
    convoy_status code = CONVOY_E_INTERNAL;
    const bool is_called =
        CallPart(nullptr, [&] { code = table_.make(table_.self, &made, room.get()); });
    if (!is_called) return absl::InternalError("make threw an exception");
    if (code != CONVOY_OK) return room.StatusOf(code);
    absl::Status checked = CheckTable(&made, "transport", sizeof made);
    if (!checked.ok()) return checked;
    auto part = std::make_shared<const TransportPart>(CopyTable(made));
    checked = CheckComplete(**part);
    if (!checked.ok()) return checked;
    auto transport = std::make_unique<CTransport>(
        std::move(part), nullptr,
        [defects = defects_](std::string_view defect) { defects->Add(defect); });
    if (transport->wake_fd() < 0) {
      return absl::InvalidArgumentError("transport.wake_fd: returned no descriptor");
    }
    return transport;
  }

 private:
  const convoy_transport_factory table_;
  const std::shared_ptr<Defects> defects_;
};

}  // namespace
}  // namespace convoy::capi

int32_t convoy_transport_conformance(const convoy_transport_factory* transports,
                                     convoy_report_fn report, void* user) {
  using namespace convoy::capi;
  return RunSuite([&] {
    absl::Status checked = CheckTable(transports, "transports", sizeof *transports);
    if (checked.ok() && CopyTable(*transports).make == nullptr) {
      checked = absl::InvalidArgumentError("transports.make: must not be NULL");
    }
    if (!checked.ok()) return Refuse(checked, report, user);
    const auto defects = std::make_shared<Defects>();
    CTransports factory(CopyTable(*transports), defects);
    convoy::testing::ConformanceReport found = convoy::testing::CheckTransport(factory);
    AddDefects(defects->Take(), &found);
    return Tell(found, report, user);
  });
}
