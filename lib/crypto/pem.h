// PEM (RFC 7468): DER bytes as base64 between a BEGIN and an END line.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace convoy::crypto {

inline constexpr size_t kPemBytesMax = 64 * 1024;  // room for a chain of certificates

class PemBlock {
 public:
  PemBlock(std::string label, std::string der) : label_(std::move(label)), der_(std::move(der)) {}
  PemBlock(PemBlock&&) noexcept = default;
  PemBlock& operator=(PemBlock&&) = delete;
  ~PemBlock();  // wipes

  const std::string& label() const { return label_; }
  const std::string& der() const { return der_; }

 private:
  std::string label_;
  std::string der_;
};

// The first block of `text` that carries one of `labels`; blocks with other labels and text between
// blocks are passed over. White space inside a block is free, so a key on one line is read too.
// Encrypted keys are refused.
absl::StatusOr<PemBlock> ReadPem(std::string_view text,
                                 std::initializer_list<std::string_view> labels);

}  // namespace convoy::crypto
