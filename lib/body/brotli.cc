// Brotli, chunk by chunk: no more is unpacked than what is asked for. The decoder's own memory is
// at most the stream's window, 16 MiB; windows beyond RFC 7932 are refused by default.
#include "lib/body/brotli.h"

#include <brotli/decode.h>

#include <cstdint>
#include <memory>

namespace convoy::body {
namespace {

struct DestroyDecoder {
  void operator()(BrotliDecoderState* decoder) const { BrotliDecoderDestroyInstance(decoder); }
};

}  // namespace

DecodeResult DecodeBrotli(std::string_view stream, size_t bytes_max, std::string* out) {
  out->clear();
  const std::unique_ptr<BrotliDecoderState, DestroyDecoder> decoder(
      BrotliDecoderCreateInstance(nullptr, nullptr, nullptr));
  if (decoder == nullptr) return DecodeResult::kTooLarge;  // no memory for it
  const uint8_t* input = reinterpret_cast<const uint8_t*>(stream.data());
  size_t input_bytes = stream.size();
  for (;;) {
    size_t none = 0;
    const BrotliDecoderResult result =
        BrotliDecoderDecompressStream(decoder.get(), &input_bytes, &input, &none, nullptr, nullptr);
    while (BrotliDecoderHasMoreOutput(decoder.get())) {
      size_t bytes = 0;  // as many as there are
      const uint8_t* chunk = BrotliDecoderTakeOutput(decoder.get(), &bytes);
      if (bytes > bytes_max - out->size()) return DecodeResult::kTooLarge;
      out->append(reinterpret_cast<const char*>(chunk), bytes);
    }
    if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) continue;
    const bool is_whole = result == BROTLI_DECODER_RESULT_SUCCESS && input_bytes == 0;
    return is_whole ? DecodeResult::kDecoded : DecodeResult::kDamaged;
  }
}

}  // namespace convoy::body
