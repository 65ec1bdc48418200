#include "convoy/filter.h"

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "catch2/catch.hpp"

#include "lib/route/content.h"
#include "lib/route/filter_program.h"
#include "tests/support/sim_clock.h"
#include "tests/unit/route/naive_filter.h"

namespace convoy {
namespace {

std::shared_ptr<const Filter> MustCompile(std::string_view text) {
  INFO("filter " << text);
  auto filter = CompileFilter(text);
  REQUIRE(filter.status().ToString() == "OK");
  return *filter;
}

std::string CompileError(std::string_view text) {
  const auto filter = CompileFilter(text);
  REQUIRE(filter.status().code() == absl::StatusCode::kInvalidArgument);
  return std::string(filter.status().message());
}

// ---- Random filters and documents over a small world, so that they meet often ----

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  std::string Document(int depth = 3) {
    const uint64_t kind = random_.Below(depth > 0 ? 10 : 6);
    if (kind >= 8) return List(depth - 1);
    if (kind >= 6) return Object(depth - 1);
    return Scalar();
  }

  std::string Object(int depth) {
    std::string text = "{";
    // Each key at most once: RapidJSON's tree, unlike ours, takes the first of equal keys.
    for (const char* name : {"a", "b", "0"}) {
      if (!random_.Chance(60)) continue;
      absl::StrAppend(&text, text.size() > 1 ? "," : "", "\"", name, "\":", Document(depth));
    }
    return text + "}";
  }

  std::string Filter(int depth = 3, int positions = 0, bool has_path = false) {
    std::string text = "{";
    const auto add = [&text](std::string_view key, std::string_view value) {
      absl::StrAppend(&text, text.size() > 1 ? "," : "", "\"", key, "\":", value);
    };
    if (has_path && random_.Chance(50)) AddOperators(add);
    for (const char* name : {"a", "b"}) {
      if (!random_.Chance(40)) continue;
      std::string path = name;
      while (random_.Chance(30)) {
        if (positions < 3 && random_.Chance(40)) {
          absl::StrAppend(&path, ".$.", Name());
          ++positions;
        } else {
          absl::StrAppend(&path, ".", Name());
        }
      }
      add(path, depth > 0 && random_.Chance(50) ? Filter(depth - 1, positions, true) : Plain());
    }
    for (const char* name : {"$or", "$and"}) {
      if (depth == 0 || !random_.Chance(25)) continue;
      std::string list = "[" + Filter(depth - 1, positions, has_path);
      while (random_.Chance(40))
        absl::StrAppend(&list, ",", Filter(depth - 1, positions, has_path));
      add(name, list + "]");
    }
    return text + "}";
  }

 private:
  std::string Name() { return std::vector<std::string>{"a", "b", "0", "1"}[random_.Below(4)]; }
  std::string Scalar() {
    static const std::vector<std::string> kScalars = {"0",        "1",     "2.5",   "-1",
                                                      "1e3",      "\"1\"", "\"x\"", "\"\"",
                                                      "\"2.50\"", "true",  "false", "null"};
    return kScalars[random_.Below(kScalars.size())];
  }
  std::string List(int depth) {
    std::string text = "[";
    while (random_.Chance(60)) absl::StrAppend(&text, text.size() > 1 ? "," : "", Document(depth));
    return text + "]";
  }
  std::string Plain() { return random_.Chance(80) ? Scalar() : List(0); }

  template <typename Add>
  void AddOperators(const Add& add) {
    if (random_.Chance(20)) add("$eq", Document(1));
    if (random_.Chance(20)) add("$neq", Document(1));
    for (const char* name : {"$gt", "$gte", "$lt", "$lte"}) {
      if (random_.Chance(15)) add(name, random_.Chance(50) ? "1" : "\"2.5\"");
    }
    if (random_.Chance(20)) add("$in", List(1));
    if (random_.Chance(20)) add("$nin", List(1));
    if (route::HasTextPatterns() && random_.Chance(20)) {
      add("$regex", random_.Chance(50) ? "\"x\"" : "\"^$\"");
    }
    if (random_.Chance(20)) add("$exist", random_.Chance(50) ? "true" : "false");
  }

  testing::SeededRandom random_;
};

TEST_CASE("filter: every case of the table holds") {
  std::ifstream file(std::string(CONVOY_TEST_DIR) + "/vectors/route/filters.txt");
  int cases = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::vector<std::string> parts = absl::StrSplit(line, " | ");
    REQUIRE(parts.size() == 3);
    INFO(line);
    const bool expected = parts[0] == "yes";
    CHECK(MustCompile(parts[1])->Matches(parts[2]) == expected);
    ++cases;
  }
  CHECK(cases >= 80);
}

TEST_CASE("filter: agrees with the plain interpreter on random filters and documents") {
  int matches = 0;
  int compared = 0;
  for (uint64_t seed = 1; seed <= 4000; ++seed) {
    Generator generator(seed);
    const std::string text = generator.Filter();
    const auto filter = MustCompile(text);
    for (int i = 0; i < 10; ++i) {
      const std::string document = generator.Document();
      const bool expected = testing::NaiveFilterMatches(text, document);
      if (filter->Matches(document) != expected) {
        FAIL("seed " << seed << " filter " << text << " document " << document);
      }
      matches += expected ? 1 : 0;
      ++compared;
    }
  }
  // Were nearly all of them equal, the comparison would say little.
  CHECK(matches > compared / 10);
  CHECK(matches < compared * 9 / 10);
}

TEST_CASE("filter: a filter that cannot mean anything is refused by name") {
  const struct {
    const char* filter;
    const char* message;
  } kCases[] = {
      {"[]", "filter: must be a JSON object"},
      {"7", "filter: must be a JSON object"},
      {"{\"a\":", "filter: not JSON, or beyond 65536 bytes or 32 levels"},
      {R"({"$regex":"x"})", R"(filter: operator "$regex" needs a field)"},
      {R"({"a":{"$regex":1}})", R"(filter: $regex takes a text at "a")"},
      {R"({"a":{"b":{"$near":1}}})", R"(filter: unknown operator "$near" at "a.b")"},
      {R"({"$eq":1})", R"(filter: operator "$eq" needs a field)"},
      {R"({"a.$":1})", R"(filter: a path must not end in "$" at "a.$")"},
      {R"({"a":{"$":1}})", R"(filter: a path must not end in "$" at "a.$")"},
      {R"({"a.$.b.$.c.$.d.$.e":1})",
       R"(filter: more than three "$" in a path at "a.$.b.$.c.$.d.$.e")"},
      {R"({"a..b":1})", R"(filter: empty name in "a..b" at "a")"},
      {R"({"":1})", R"(filter: empty name in "")"},
      {R"({"a.$gt":1})", R"(filter: operator "$gt" within a name at "a")"},
      {R"({"$or":{}})", "filter: $or takes a list of at least one object"},
      {R"({"$and":[]})", "filter: $and takes a list of at least one object"},
      {R"({"a":{"$or":[1]}})", R"(filter: $or and $and take a list of objects at "a")"},
      {R"({"a":{"$gt":"x"}})", R"(filter: $gt takes a number at "a")"},
      {R"({"a":{"$in":1}})", R"(filter: $in takes a list at "a")"},
      {R"({"a":{"$exist":1}})", R"(filter: $exist takes true or false at "a")"},
  };
  for (const auto& test : kCases) {
    INFO(test.filter);
    CHECK(CompileError(test.filter) == test.message);
  }
}

TEST_CASE("filter: size, depth and number of conditions are bounded") {
  CHECK(CompileFilter("{\"a\":\"" + std::string(route::kFilterBytesMax, 'x') + "\"}")
            .status()
            .code() == absl::StatusCode::kInvalidArgument);
  std::string deep = "1";
  for (int i = 0; i < 33; ++i) deep = "{\"a\":" + deep + "}";
  CHECK_FALSE(CompileFilter(deep).ok());
  CHECK_FALSE(CompileFilter(std::string(100'000, '[')).ok());

  const auto with_conditions = [](size_t count) {
    std::string text = "{";
    for (size_t i = 0; i < count; ++i) absl::StrAppend(&text, i ? "," : "", "\"k", i, "\":1");
    return text + "}";
  };
  CHECK(CompileFilter(with_conditions(route::kFilterConditionsMax)).ok());
  CHECK(CompileError(with_conditions(route::kFilterConditionsMax + 1)) ==
        "filter: more than 1000 conditions at \"k999\"");
}

TEST_CASE("filter: a document that asks for too much work does not match") {
  // 200³ places, each of them looked at.
  std::string row = "[";
  for (int i = 0; i < 200; ++i) absl::StrAppend(&row, i ? "," : "", "{\"x\":0}");
  row += "]";
  std::string table = "[";
  for (int i = 0; i < 200; ++i) absl::StrAppend(&table, i ? "," : "", "{\"r\":", row, "}");
  table += "]";
  const auto filter = MustCompile(R"({"t.$.r.$.x":{"$neq":0}})");
  CHECK_FALSE(filter->Matches("{\"t\":" + table + "}"));

  route::WorkBudget small(100);
  const auto program =
      route::FilterProgram::Compile(R"({"t.$.x":{"$neq":1}})", route::KeyCase::kSensitive);
  auto document = route::FlatDocument::Parse("{\"t\":" + row + "}", {});
  REQUIRE(document.has_value());
  CHECK_FALSE(program->Matches(*document, small));
  CHECK(small.is_exhausted());
  route::WorkBudget large(route::kFilterStepsMax);
  CHECK(program->Matches(*document, large));
}

TEST_CASE("filter: $regex without the engine is refused by name") {
  if (route::HasTextPatterns()) return;
  CHECK(CompileError(R"({"a":{"$regex":"x"}})") ==
        R"(filter: operator "$regex" is not available in this build (CONVOY_RE2) at "a")");
}

TEST_CASE("filter: $regex is found in texts, numbers and elements") {
  if (!route::HasTextPatterns()) return;
  const struct {
    bool expected;
    const char* filter;
    const char* document;
  } kCases[] = {
      {true, R"({"a":{"$regex":"b+c"}})", R"({"a":"xabbcx"})"},
      {false, R"({"a":{"$regex":"^b+c$"}})", R"({"a":"xabbcx"})"},
      {true, R"({"a":{"$regex":"(?i)^BBC"}})", R"({"a":"bbcx"})"},
      {true, R"({"a":{"$regex":"^\\d{3}-[a-z]*$"}})", R"({"a":"123-x"})"},
      {true, R"({"a":{"$regex":"^.$"}})", R"({"a":"\u00e4"})"},
      {true, R"({"a":{"$regex":"^\\pL$"}})", "{\"a\":\"\xc3\xa4\"}"},
      {true, R"({"a":{"$regex":""}})", R"({"a":""})"},
      {true, R"({"a":{"$regex":"^4\\.50$"}})", R"({"a":4.50})"},
      {true, R"({"a":{"$regex":"^b"}})", R"({"a":["a","b"]})"},
      {false, R"({"a":{"$regex":"^b"}})", R"({"a":[["b"],{"b":"b"},null,true]})"},
      {true, R"({"a.$.n":{"$regex":"^b"}})", R"({"a":[{"n":"a"},{"n":"b"}]})"},
      {false, R"({"a":{"$regex":"."}})", R"({"a":null})"},
      {false, R"({"a":{"$regex":"."}})", R"({"a":true})"},
      {false, R"({"a":{"$regex":""}})", R"({})"},
      {false, R"({"a":{"$regex":"a","$neq":"ab"}})", R"({"a":"ab"})"},
      {true, R"({"a":{"$or":[{"$regex":"^x"},{"$regex":"y$"}]}})", R"({"a":"by"})"},
      {true, R"({"a":{"$regex":"\u0000"}})", R"({"a":"x\u0000y"})"},
  };
  for (const auto& test : kCases) {
    INFO(test.filter << " " << test.document);
    CHECK(MustCompile(test.filter)->Matches(test.document) == test.expected);
  }
}

TEST_CASE("filter: $regex is bounded in size, memory and time") {
  if (!route::HasTextPatterns()) return;
  const auto filter_of = [](std::string_view pattern) {
    return absl::StrCat(R"({"a":{"$regex":")", pattern, "\"}}");
  };
  CHECK(CompileFilter(filter_of(std::string(route::kPatternBytesMax, 'x'))).ok());
  CHECK(CompileError(filter_of(std::string(route::kPatternBytesMax + 1, 'x'))) ==
        R"(filter: operator "$regex" is longer than 1024 bytes at "a")");
  CHECK(CompileError(filter_of("(\\\\pL{100}){10}")) ==
        R"(filter: operator "$regex" is too large when it is compiled at "a")");
  for (const char* wrong : {"(", "a**", "[b-a]", "\\\\1", "(?=a)", "a{1001}"}) {
    INFO(wrong);
    CHECK(CompileError(filter_of(wrong)).find("\"$regex\" is no regular expression: ") !=
          std::string::npos);
  }
  std::string many = "{";
  for (size_t i = 0; i <= route::kFilterPatternsMax; ++i) {
    absl::StrAppend(&many, i ? "," : "", "\"k", i, R"(":{"$regex":"x"})");
  }
  CHECK(CompileError(many + "}").starts_with("filter: more than 32 $regex at \"k"));

  // Nested repetition, of a text that does not match, takes other engines for ever.
  const std::string text = absl::StrCat(R"({"a":")", std::string(100'000, 'a'), "!\"}");
  CHECK_FALSE(MustCompile(filter_of("^(a+)+$"))->Matches(text));
  CHECK(MustCompile(filter_of("^(a+)+!$"))->Matches(text));
  // A search costs steps by program and text: with too few, it is not begun.
  const auto program =
      route::FilterProgram::Compile(filter_of("(x+x+)+y"), route::KeyCase::kSensitive);
  auto document = route::FlatDocument::Parse(text, {});
  route::WorkBudget small(1000);
  CHECK_FALSE(program->Matches(*document, small));
  CHECK(small.is_exhausted());
}

TEST_CASE("filter: a lookup among many members costs steps by depth, not by size") {
  std::string wide = "{";
  for (int i = 0; i < 50'000; ++i) absl::StrAppend(&wide, i ? "," : "", "\"k", i, "\":", i);
  wide += "}";
  auto document = route::FlatDocument::Parse(wide, {});
  REQUIRE(document.has_value());
  const auto program =
      route::FilterProgram::Compile(R"({"k49999":49999})", route::KeyCase::kSensitive);
  route::WorkBudget budget(10);
  CHECK(program->Matches(*document, budget));
  CHECK_FALSE(budget.is_exhausted());
}

TEST_CASE("filter: hostile documents are answered, not suffered") {
  const auto filter = MustCompile(R"({"a":1})");
  CHECK_FALSE(filter->Matches(std::string(10'000, '[')));
  CHECK_FALSE(filter->Matches(std::string(1'000'000, '[')));
  CHECK_FALSE(filter->Matches(""));
  CHECK_FALSE(filter->Matches("{\"a\":{\"" + std::string(1'000'000, 'x')));
}

TEST_CASE("filter: what lies beside the way to a field is not judged") {
  const auto filter = MustCompile(R"({"a.b":1})");
  std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  std::string many = "[0";
  for (int i = 0; i < 600'000; ++i) many += ",0";
  many += "]";
  for (const std::string& other :
       {std::string(R"("\ud83d")"), std::string("\"\xff\xfe\""), std::string(R"("\q")"),
        std::string("NaN"), std::string("1e99999"), deep, many, std::string("-Infinity")}) {
    INFO(other.substr(0, 20));
    CHECK(filter->Matches(absl::StrCat(R"({"x":)", other, R"(,"a":{"y":)", other, R"(,"b":1}})")));
    CHECK_FALSE(
        filter->Matches(absl::StrCat(R"({"x":)", other, R"(,"a":{"y":)", other, R"(,"b":2}})")));
  }
  CHECK(filter->Matches("{\"a\":{\"b\":1}} trailing"));
  CHECK(filter->Matches("{\"a\":{\"b\":1,},}"));
}

TEST_CASE("filter: what is asked for and cannot be read is told") {
  const ContentFilter filter{.body = R"({"a":1})"};
  const auto program = route::ContentProgram::Compile(filter);
  REQUIRE(program.ok());
  const auto judge = [&](std::string_view body, bool* out_is_unreadable) {
    *out_is_unreadable = false;
    const route::EventContent content{.body = body, .out_is_unreadable = out_is_unreadable};
    route::EventDocuments documents(content);
    return (*program)->Matches(documents);
  };
  bool is_unreadable = false;
  CHECK(judge(R"({"a":1,"b":NaN})", &is_unreadable));
  CHECK_FALSE(is_unreadable);
  CHECK_FALSE(judge(R"({"a":2})", &is_unreadable));
  CHECK_FALSE(is_unreadable);
  for (const char* text : {"", "hello", R"({"a":NaN})", R"({"x":1,'a':1})", R"({"a")", "{"}) {
    INFO(text);
    CHECK_FALSE(judge(text, &is_unreadable));
    CHECK(is_unreadable);
  }
}

}  // namespace
}  // namespace convoy
