// Messages come in pieces, as templates feed them: each piece is looked at, none is put together.
#include "lib/verify/signing_guard.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace convoy::verify {
namespace {

bool AreAllowed(const Computation& computation, std::string_view text) {
  constexpr std::string_view kPunctuation = "-._~+/=";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_hex = absl::ascii_isdigit(byte) || (c >= 'a' && c <= 'f');
    switch (computation.alphabet) {
      case MessageAlphabet::kHex:
        return is_hex;
      case MessageAlphabet::kUuid:
        return is_hex || (c >= 'A' && c <= 'F') || c == '-';
      case MessageAlphabet::kToken:
        break;
    }
    return absl::ascii_isalnum(byte) || kPunctuation.find(c) != std::string_view::npos;
  });
}

bool IsSizeAllowed(const Computation& computation, size_t size) {
  return size > 0 && size >= computation.size_min && size <= computation.size_max;
}

}  // namespace

bool MayBeSigned(const Computation& computation, std::string_view message) {
  return IsSizeAllowed(computation, message.size()) && AreAllowed(computation, message);
}

SigningGuard::SigningGuard(const std::vector<Challenge>& challenges) {
  for (const Challenge& challenge : challenges) {
    const auto& computed = challenge.computed;
    if (computed.has_value() && computed->is_keyed && !challenge.is_signed) {
      computations_.push_back(*computed);
    }
  }
}

bool SigningGuard::Covers(std::string_view message) const {
  return std::any_of(
      computations_.begin(), computations_.end(),
      [message](const Computation& computation) { return MayBeSigned(computation, message); });
}

bool SigningGuard::Covers(const MessageTemplate& message, const Evidence& evidence) const {
  for (const Computation& computation : computations_) {
    size_t size = 0;
    bool is_allowed = true;
    const Finding fed = message.Feed(evidence, [&](std::string_view piece) {
      size += piece.size();
      is_allowed = is_allowed && size <= computation.size_max && AreAllowed(computation, piece);
    });
    if (fed == Finding::kFound && is_allowed && IsSizeAllowed(computation, size)) return true;
  }
  return false;
}

}  // namespace convoy::verify
