// Text encodings: bytes as hex, base64 and base64url (RFC 4648) and percent-encoding (RFC 3986),
// characters as UTF-8. Decoders are strict: a wrong length, a foreign character or non-zero
// trailing bits are refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace convoy::base {

std::string HexEncode(std::string_view bytes);        // lower case
std::string Base64Encode(std::string_view bytes);     // padded
std::string Base64UrlEncode(std::string_view bytes);  // not padded

std::optional<std::string> HexDecode(std::string_view text);        // either case
std::optional<std::string> Base64Decode(std::string_view text);     // padding required
std::optional<std::string> Base64UrlDecode(std::string_view text);  // padding optional

// Base64 as issuers write keys: of either alphabet, padding optional, left-over bits of the last
// character ignored. Not for untrusted text.
std::optional<std::string> Base64DecodeKey(std::string_view text);

// The same into a caller's buffer, without allocating. Returns the number of bytes written; nullopt
// for malformed text and for text that decodes to more than `out` holds.
std::optional<size_t> HexDecodeTo(std::string_view text, std::span<uint8_t> out);
std::optional<size_t> Base64DecodeTo(std::string_view text, std::span<uint8_t> out);
std::optional<size_t> Base64UrlDecodeTo(std::string_view text, std::span<uint8_t> out);

// Decodes %XX; with `plus_is_space` also '+'. nullopt for a '%' without two hex digits.
std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space = false);
// The same for forms and queries as the WHATWG reads them: '+' is a space, a '%' without two hex
// digits is itself.
std::string FormDecode(std::string_view text);
std::string PercentEncode(std::string_view text);  // all but unreserved characters

// `code` is at most 0x10FFFF. A surrogate becomes the three bytes that WTF-8 has for it, which are
// not UTF-8.
void AppendUtf8(uint32_t code, std::string* out);

}  // namespace convoy::base
