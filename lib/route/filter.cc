// Public interface of filters (convoy/filter.h). The snapshot of a project uses FilterProgram
// itself, so that it parses a document once for all of its filters.

#include "convoy/filter.h"

#include <optional>
#include <utility>

#include "lib/route/filter_program.h"

namespace convoy {
namespace {

class CompiledFilter final : public Filter {
 public:
  explicit CompiledFilter(route::FilterProgram program) : program_(std::move(program)) {}

  bool Matches(std::string_view document) const override {
    if (program_.is_empty()) return true;
    std::optional<route::FlatDocument> parsed = route::FlatDocument::Borrow(document);
    if (!parsed.has_value()) return false;
    route::WorkBudget budget(route::kFilterStepsMax);
    return program_.Matches(*parsed, budget);
  }

 private:
  const route::FilterProgram program_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Filter>> CompileFilter(std::string_view filter_json) {
  absl::StatusOr<route::FilterProgram> program =
      route::FilterProgram::Compile(filter_json, route::KeyCase::kSensitive);
  if (!program.ok()) return program.status();
  return std::make_shared<const CompiledFilter>(*std::move(program));
}

}  // namespace convoy
