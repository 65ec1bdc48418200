// Settings of brokers as text: the stored form of a source's broker without what is around it.
#include "convoy/broker_settings.h"

#include "absl/strings/str_cat.h"

#include "lib/model/codec_pieces.h"

namespace convoy {
namespace {

constexpr std::string_view kAround = "{\"broker\":";

}  // namespace

std::string EncodeBrokerSettings(const BrokerConfig& broker) {
  json::Writer writer;
  writer.BeginObject();
  model::WriteBroker(writer, broker);
  writer.EndObject();
  const std::string_view whole = writer.text();
  if (!whole.starts_with(kAround)) return "{}";
  return std::string(whole.substr(kAround.size(), whole.size() - kAround.size() - 1));
}

absl::StatusOr<BrokerConfig> DecodeBrokerSettings(std::string_view settings) {
  return model::DecodeStored<BrokerConfig>(
      absl::StrCat(kAround, settings, "}"),
      [](json::ObjectReader& reader, BrokerConfig& broker) { model::ReadBroker(reader, &broker); });
}

}  // namespace convoy
