// Files of the pages, compiled into the library by embed.py.
#pragma once

#include <span>
#include <string_view>

namespace convoy::ui {

struct Asset {
  std::string_view path;  // below the prefix: "index.html"
  std::string_view content_type;
  std::string_view bytes;
  std::string_view gzip_bytes;  // the same, compressed
};

std::span<const Asset> Assets();

// Of the one <style> of index.html, as a source expression of a content security policy.
std::string_view StyleHash();

}  // namespace convoy::ui
