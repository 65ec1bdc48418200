#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "catch2/catch.hpp"

#include "convoy/scripting.h"

namespace convoy {
namespace {

constexpr QuickJsOptions kSmall = {.memory_bytes_max = 16 << 20, .steps_max = 20'000'000};

ScriptResult Run(Scripting& scripting, ScriptCall call) {
  absl::Notification has_ended;
  ScriptResult result;
  call.now = absl::FromUnixSeconds(1'700'000'000);
  if (call.output_bytes_max == 0) call.output_bytes_max = 1 << 20;
  scripting.Run(std::move(call), [&](ScriptResult ended) {
    result = std::move(ended);
    has_ended.Notify();
  });
  has_ended.WaitForNotification();
  return result;
}

struct World {
  World() : scripting(NewQuickJsScripting(kSmall).value()) {}

  // Of the body of transform(p).
  ScriptResult Transform(std::string_view body, std::string payload = "1") {
    return Run(*scripting, {.owner = "o",
                            .function = absl::StrCat("function transform(p) {", body, "}"),
                            .payload = std::move(payload)});
  }
  ScriptOutcome Outcome(std::string_view body) { return Transform(body).outcome; }

  std::unique_ptr<Scripting> scripting;
};

TEST_CASE("quickjs: a function changes its payload") {
  World world;
  const ScriptResult result =
      world.Transform("p.b = p.a.map(x => x * 2); delete p.a; return p", R"({"a":[1,2],"c":"é"})");
  CHECK(result.outcome == ScriptOutcome::kDone);
  CHECK(result.payload == R"({"c":"é","b":[2,4]})");
  CHECK(result.error.empty());
  CHECK(world.Transform("return null").payload == "null");
  CHECK(world.Transform("return '\\ud800'").payload == R"("\ud800")");
  const auto arrow =
      Run(*world.scripting, {.function = "const transform = p => ({n: p})", .payload = "7"});
  CHECK(arrow.payload == R"({"n":7})");
  CHECK(world.Transform("return (async () => { await 1; return {ok: true} })()").payload ==
        R"({"ok":true})");
}

TEST_CASE("quickjs: a text that defines no function is told so, with its line") {
  World world;
  const auto of = [&](std::string function, bool should_only_load = false) {
    return Run(
        *world.scripting,
        {.function = std::move(function), .payload = "1", .should_only_load = should_only_load});
  };
  CHECK(of("var a = 1").outcome == ScriptOutcome::kInvalid);
  CHECK(of("var a = 1").error == "there is no function called transform");
  const ScriptResult syntax = of("function transform(p) {\n  return p +\n}");
  CHECK(syntax.outcome == ScriptOutcome::kInvalid);
  CHECK(absl::StartsWith(syntax.error, "SyntaxError: "));
  CHECK(absl::EndsWith(syntax.error, "(line 3)"));
  CHECK(of("throw new Error('at once')").error == "Error: at once (line 1)");
  CHECK(of("function transform(p) { throw 1 }", true).outcome == ScriptOutcome::kDone);
  CHECK(of("function other(p) {}", true).outcome == ScriptOutcome::kInvalid);
}

TEST_CASE("quickjs: what a function throws is told") {
  World world;
  const ScriptResult result = world.Transform("\n return p.missing.member", "{}");
  CHECK(result.outcome == ScriptOutcome::kThrew);
  CHECK(absl::StartsWith(result.error, "TypeError: "));
  CHECK(absl::EndsWith(result.error, "(line 2)"));
  CHECK(world.Transform("throw 'a\\nb'").error == "a b");
  CHECK(world.Transform("return Promise.reject(new Error('later'))").error ==
        "Error: later (line 1)");
  CHECK(world.Transform("throw {toString() { throw 1 }}").outcome == ScriptOutcome::kThrew);
  CHECK(world.Outcome("return undefined") == ScriptOutcome::kNoResult);
  CHECK(world.Outcome("return () => 1") == ScriptOutcome::kNoResult);
  CHECK(world.Outcome("return 1n") == ScriptOutcome::kNoResult);
  CHECK(world.Outcome("const o = {}; o.o = o; return o") == ScriptOutcome::kNoResult);
  CHECK(world.Outcome("return new Promise(() => {})") == ScriptOutcome::kNoResult);
  CHECK(world.Transform("return p", "{").outcome == ScriptOutcome::kInvalidPayload);
}

// None of these ends by itself in a day. Some run inside of one step of the script.
TEST_CASE("quickjs: what does not end is stopped, wherever it is") {
  World world;
  for (const std::string_view body :
       {"for (;;);", "while (true) { try { throw 1 } catch (e) {} }",
        "return 'a'.repeat(3e5).indexOf('a'.repeat(1e5) + 'b')", "return new Array(4e9).indexOf(1)",
        "return new Array(4e9).join()", "return [].reverse.call({length: 2 ** 53 - 1})",
        "return /^(a+)+$/.test('a'.repeat(40) + 'b')",
        "const u = new Uint8Array(8 << 20); for (;;) u.copyWithin(0, 1)",
        "return {get toJSON() { for (;;); }}", "throw {toString() { for (;;); }}",
        "console.log({toJSON() { for (;;); }})",
        "return new Promise(r => { (function f() { "
        "Promise.resolve().then(f) })() })",
        "return Array.from({length: 1e9, get 0() { for (;;); }})",
        "let b = 3n; for (;;) { try { b = b * b } catch (e) { b = 3n } }",
        "return eval('for (;;);')", "return new Function('for (;;);')()"}) {
    INFO(body);
    const ScriptResult result = world.Transform(body);
    const bool is_stopped = result.outcome == ScriptOutcome::kTooManySteps ||
                            result.outcome == ScriptOutcome::kTooMuchMemory;
    CHECK(is_stopped);
    CHECK(absl::StartsWith(result.error, "stopped: "));
  }
  CHECK(world.Transform("return p").payload == "1");
}

// The interpreter counts jumps and calls only.
TEST_CASE("quickjs: a long line without jumps is stopped by the processor's time") {
  World world;
  std::string body = "var i = 0; for (;;) {";
  for (int count = 0; count < 8000; ++count) body += "i++;i--;";
  CHECK(world.Outcome(body + "}") == ScriptOutcome::kTooManySteps);
  CHECK(world.Transform("return p").payload == "1");
}

TEST_CASE("quickjs: memory, depth and size are bounded") {
  World world;
  CHECK(world.Outcome("const a = []; for (;;) a.push(new Uint8Array(1e5))") ==
        ScriptOutcome::kTooMuchMemory);
  CHECK(world.Outcome("return 'x'.repeat(1e8)") == ScriptOutcome::kTooMuchMemory);
  CHECK(world.Outcome("let s = 'x'; for (;;) s = s + s + '!'; return s") != ScriptOutcome::kDone);
  CHECK(world.Outcome("return new ArrayBuffer(1e10)") != ScriptOutcome::kDone);
  CHECK(world.Outcome("return transform(p)") == ScriptOutcome::kThrew);
  CHECK(world.Outcome("return JSON.parse('['.repeat(1e5))") == ScriptOutcome::kThrew);
  CHECK(world.Outcome("let o = {}; for (let i = 0; i < 1e5; ++i) o = {o}; return o") !=
        ScriptOutcome::kDone);
  CHECK(world.Outcome("return new RegExp('('.repeat(1e5))") != ScriptOutcome::kDone);
  CHECK(world.Outcome("return eval('('.repeat(1e5))") != ScriptOutcome::kDone);
  const ScriptResult large = Run(*world.scripting, {.function = "function transform(p) { return "
                                                                "'x'.repeat(5000) }",
                                                    .payload = "1",
                                                    .output_bytes_max = 5000});
  CHECK(large.outcome == ScriptOutcome::kTooLarge);
  CHECK(large.error == "its result has 5002 bytes, at most 5000 are allowed");
  CHECK(large.payload.empty());
}

TEST_CASE("quickjs: a call knows nothing of another, of the clock or of the machine") {
  World world;
  CHECK(world
            .Transform("const seen = globalThis.kept; globalThis.kept = 1; "
                       "Array.prototype.map = null; return String(seen)")
            .payload == R"("undefined")");
  CHECK(world
            .Transform("const seen = globalThis.kept; return [String(seen), "
                       "typeof [].map]")
            .payload == R"(["undefined","function"])");
  CHECK(world
            .Transform("return [typeof require, typeof process, typeof setTimeout, typeof fetch, "
                       "typeof Atomics, typeof SharedArrayBuffer, typeof performance, "
                       "typeof std, typeof os]")
            .payload ==
        R"(["undefined","undefined","undefined","undefined","undefined","undefined",)"
        R"("undefined","undefined","undefined"])");
  CHECK(world
            .Transform("return [Date.now(), new Date().toISOString(), "
                       "new Date(2023, 6, 1).getTimezoneOffset()]")
            .payload == R"([1700000000000,"2023-11-14T22:13:20.000Z",0])");
  const ScriptResult once = world.Transform("return [Math.random(), Math.random()]");
  CHECK(once.payload == world.Transform("return [Math.random(), Math.random()]").payload);
  CHECK(once.payload != world.Transform("return [Math.random(), Math.random()]", "2").payload);
  CHECK(world.Outcome("return import('fs')") != ScriptOutcome::kDone);
}

TEST_CASE("quickjs: the same call always ends at the same step") {
  World world;
  // A counter in the log tells how far it came.
  constexpr std::string_view kBody =
      "let n = 0; const a = []; for (;;) { a.push({n}); if (++n % 5000 == 0) console.log(n) }";
  const ScriptResult first = world.Transform(kBody);
  world.Transform("const u = new Uint8Array(12 << 20); return u.fill(7).length");
  CHECK(world.Transform(kBody).log == first.log);
  CHECK(first.log.size() > 2);
}

TEST_CASE("quickjs: the console is kept, in bounds") {
  World world;
  const ScriptResult result = world.Transform(
      "console.log('a', 1, {b: [2]}, null, undefined); console.error('two\\nlines'); return 1");
  CHECK(result.log == std::vector<std::string>{R"(a 1 {"b":[2]} null undefined)", "two lines"});
  CHECK(world.Transform("for (let i = 0; i < 1000; ++i) console.log(i); return 1").log.size() ==
        100);
  size_t bytes = 0;
  for (const std::string& line :
       world.Transform("for (let i = 0; i < 50; ++i) console.log('é'.repeat(5000)); return 1")
           .log) {
    bytes += line.size();
  }
  CHECK(bytes <= 16 * 1024);
  CHECK(world.Transform("console.log('before'); throw 1").log ==
        std::vector<std::string>{"before"});
}

TEST_CASE("quickjs: bad functions leave a thread to the good ones") {
  World world;
  absl::BlockingCounter left(40);
  std::atomic<int> stopped = 0;
  for (int i = 0; i < 40; ++i) {
    world.scripting->Run({.owner = absl::StrCat("bad", i % 4),
                          .function = "function transform(p) { for (;;); }",
                          .payload = "1"},
                         [&](ScriptResult result) {
                           if (result.outcome == ScriptOutcome::kTooManySteps) ++stopped;
                           left.DecrementCount();
                         });
  }
  absl::Duration worst;
  for (int i = 0; i < 50; ++i) {
    const auto from = std::chrono::steady_clock::now();
    const ScriptResult result = Run(*world.scripting, {.owner = "good",
                                                       .function = "function transform(p) { "
                                                                   "return p }",
                                                       .payload = "[1]"});
    CHECK(result.payload == "[1]");
    worst = std::max(worst, absl::FromChrono(std::chrono::steady_clock::now() - from));
  }
  WARN("slowest of 50 good calls beside 40 endless ones: " << absl::FormatDuration(worst));
  CHECK(worst < absl::Seconds(2));
  left.Wait();
  CHECK(stopped == 40);
}

TEST_CASE("quickjs: what waits when the adapter goes is told") {
  std::vector<ScriptOutcome> outcomes;
  absl::Mutex mutex;
  {
    World world;
    for (int i = 0; i < 300; ++i) {
      world.scripting->Run(
          {.owner = "o", .function = "function transform(p) { for (;;); }", .payload = "1"},
          [&](ScriptResult result) {
            absl::MutexLock lock(&mutex);
            outcomes.push_back(result.outcome);
          });
    }
  }
  CHECK(outcomes.size() == 300);
  CHECK(std::count(outcomes.begin(), outcomes.end(), ScriptOutcome::kNotRun) >= 290);
}

TEST_CASE("quickjs: options are checked") {
  CHECK(absl::IsInvalidArgument(NewQuickJsScripting({.threads = 0}).status()));
  CHECK(absl::IsInvalidArgument(NewQuickJsScripting({.memory_bytes_max = 1000}).status()));
  CHECK(absl::IsInvalidArgument(NewQuickJsScripting({.steps_max = 0}).status()));
}

}  // namespace
}  // namespace convoy
