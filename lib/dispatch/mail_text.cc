// E-mails of the notifier as text.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/dispatch/notifier.h"

namespace convoy::dispatch {
namespace {

constexpr size_t kAddressBytesMax = 254;  // RFC 5321, section 4.5.3.1.3
constexpr size_t kLineBytesMax = 76;      // of base64, RFC 2045, section 6.8
// Of text in one encoded word: a line with one, behind "Subject: ", is at most 78 characters long
// (RFC 2047, section 2, and RFC 5322, section 2.1.1).
constexpr size_t kWordBytesMax = 42;

// The length of the longest beginning of so many bytes that splits no character of UTF-8.
size_t CutOf(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text.size();
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end > 0 ? end : bytes_max;
}

std::string EncodedWords(std::string_view text) {
  std::string words;
  while (!text.empty()) {
    const size_t size = CutOf(text, kWordBytesMax);
    absl::StrAppend(&words, words.empty() ? "" : "\r\n ", "=?UTF-8?B?",
                    base::Base64Encode(text.substr(0, size)), "?=");
    text.remove_prefix(size);
  }
  return words;
}

}  // namespace

bool IsMailAddress(std::string_view text) {
  const size_t at = text.find('@');
  if (at == text.npos || at == 0 || at + 1 == text.size() || text.size() > kAddressBytesMax) {
    return false;
  }
  constexpr std::string_view kSpecials = "<>()[]\\,;:\"";
  return std::count(text.begin(), text.end(), '@') == 1 &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return absl::ascii_isgraph(static_cast<unsigned char>(c)) &&
                  kSpecials.find(c) == kSpecials.npos;
         });
}

std::string MailTextOf(std::string_view from, std::string_view to, std::string_view subject,
                       std::string_view text, absl::Time now) {
  std::string mail = absl::StrCat(
      "From: <", from, ">\r\nTo: <", to, ">\r\nSubject: ", EncodedWords(subject),
      "\r\nDate: ", absl::FormatTime("%a, %d %b %Y %H:%M:%S +0000", now, absl::UTCTimeZone()),
      "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
  const std::string encoded = base::Base64Encode(text);
  for (size_t at = 0; at < encoded.size(); at += kLineBytesMax) {
    absl::StrAppend(&mail, std::string_view(encoded).substr(at, kLineBytesMax), "\r\n");
  }
  return mail;
}

}  // namespace convoy::dispatch
