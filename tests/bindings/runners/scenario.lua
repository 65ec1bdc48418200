-- Scenario through the Lua binding: luajit scenario.lua SCENARIO FOLDER (scenario.py says more)
local ffi = require("ffi")
local convoy = require("convoy")
local json = require("cjson")

local FAILED_S = 30

local function fill(step, saved)
  local text = json.encode(step)
  for name, value in pairs(saved) do
    text = text:gsub("{" .. name .. "}", (value:gsub("%%", "%%%%")))
  end
  return json.decode(text)
end

local function expect(step, seen, expected)
  if seen ~= expected then
    error(("%s: %s instead of %s"):format(json.encode(step), tostring(seen), tostring(expected)))
  end
end

ffi.cdef([[
typedef struct { long s; long ns; } convoy_test_time;
int clock_gettime(int clock, convoy_test_time* out);
void* opendir(const char* path);
void* readdir(void* folder);
int closedir(void* folder);
]])

-- Entries of a folder of /proc/self. A program that listed it would race with the pipe to it.
local function count(name)
  local folder, entries = ffi.C.opendir("/proc/self/" .. name), 0
  assert(folder ~= nil)
  while ffi.C.readdir(folder) ~= nil do entries = entries + 1 end
  ffi.C.closedir(folder)
  return entries
end

local function now()
  local time = ffi.new("convoy_test_time")
  ffi.C.clock_gettime(1, time)
  return tonumber(time.s) + tonumber(time.ns) / 1e9
end

local steps = {}
local gateway, scenario, saved

local function run(all)
  for _, step in ipairs(all.steps) do
    step = fill(step, saved)
    steps[step["do"]](step)
  end
end

function steps.presets(step)
  local is_there = false
  for _, preset in ipairs(json.decode(assert(convoy.presets()))) do
    is_there = is_there or preset.name == step.includes
  end
  expect(step, is_there, true)
end

local function verifier_of(step)
  return assert(convoy.verifier({ preset = step.preset, secrets = step.secrets }))
end

function steps.verify(step)
  local verdict = assert(verifier_of(step):verify(step.request))
  for name, value in pairs(step.expect) do expect(step, verdict[name], value) end
end

function steps.answer(step)
  local answer, failure = verifier_of(step):answer(step.request)
  assert(answer ~= nil, failure)
  expect(step, answer and answer.reply.status or 0, step.expect.status)
  expect(step, answer and answer.reply.body or "", step.expect.body)
end

function steps.open()
  gateway = assert(convoy.open(fill(scenario.settings, saved)))
  assert(gateway:start())
end

function steps.call(step)
  local body = step.body
  if body == json.null then body = nil end
  if body and next(body) == nil then body = "{}" end
  local data, failure = gateway:call(step.method, step.target, body)
  expect(step, failure and failure.status, step.refused)
  for name, path in pairs(step.save or {}) do
    local value = data
    for part in path:gmatch("[^.]+") do value = value[part] end
    saved[name] = value
  end
  for name, value in pairs(step.expect or {}) do expect(step, data[name], value) end
end

-- Once without waiting and, for a path of another, once more synchronously.
function steps.handle(step)
  local reply
  local is_ours = gateway:handle_async(step.request, function(given) reply = given end)
  while is_ours and not reply do
    gateway:wait(1000)
    gateway:poll()
  end
  expect(step, reply and reply.status or 0, step.status)
  expect(step, gateway:handle_request({ method = "GET", path = "/elsewhere" }), false)
end

function steps.ingest(step)
  local receipt, failure = gateway:ingest(step.event)
  expect(step, failure ~= nil, step.refused or false)
  if receipt then expect(step, receipt.is_duplicate, step.is_duplicate) end
end

local function sorted(list)
  table.sort(list)
  return table.concat(list, "\n")
end

local function outcome_line(outcome)
  return ("%d %s %s"):format(outcome.kind, outcome.event_type, outcome.outcome)
end

function steps.deliver(step)
  local outcomes, bodies, expected = {}, {}, {}
  for i, outcome in ipairs(step.outcomes) do expected[i] = outcome_line(outcome) end
  local function handle(delivery)
    bodies[#bodies + 1] = delivery.body
    local behaviours = step.attempts[delivery.event_type] or { "done" }
    local behaviour = behaviours[delivery.attempt_number]
    if behaviour == "crash" then error("crash") end
    if behaviour == "retry" then error(convoy.retry("again")) end
    if behaviour == "refuse" then error(convoy.refuse("no")) end
  end
  local last = now() + FAILED_S
  while #outcomes < #expected and now() < last do
    assert(gateway:serve(step.name, handle, 50))
    for outcome in gateway:outcomes() do
      if outcome.kind == convoy.outcome_kinds.DELIVERY then
        outcomes[#outcomes + 1] = outcome_line(outcome)
      end
    end
  end
  expect(step, sorted(outcomes), sorted(expected))
  expect(step, sorted(bodies), sorted(step.bodies))
end

function steps.calls(step)
  local answered = 0
  for _, each in ipairs(step.calls) do
    assert(gateway:call_async(each.method, each.target, nil, function(data, failure)
      expect(each, failure and failure.status or data and 200, each.status)
      answered = answered + 1
    end))
  end
  while answered < #step.calls do
    assert(gateway:wait(FAILED_S * 1000))
    gateway:poll()
  end
end

function steps.log_lines(step)
  local other, is_there = assert(convoy.open(step.settings)), false
  for line in other:log_lines() do
    is_there = is_there or line.event == step.line and line.level == convoy.log_levels.DEBUG
  end
  expect(step, is_there, true)
  assert(other:close())
end

function steps.refuse(step)
  local opened, failure = convoy.open(step.settings)
  expect(step, opened, nil)
  expect(step, failure.message:find(step.message, 1, true) ~= nil, true)
end

function steps.run(step) expect(step, os.execute(step.command), 0) end

function steps.in_flight(step)
  local ids, answered = {}, 0
  for _ = 1, step.count do
    assert(gateway:ingest_async(step.event, function(receipt, failure)
      ids[assert(receipt, failure).event_id] = true
      answered = answered + 1
    end))
    assert(gateway:call(step.method, step.target))
  end
  while answered < step.count do
    assert(gateway:wait(FAILED_S * 1000))
    gateway:poll()
  end
  local unique = 0
  for _ in pairs(ids) do unique = unique + 1 end
  expect(step, unique, step.count)
end

function steps.close() assert(gateway:close()) end

local function cycle()
  steps.open()
  steps.close()
end

local function check_leftovers()
  cycle()
  local threads, descriptors = count("task"), count("fd")
  for _ = 1, scenario.cycles do cycle() end
  local more = count("task") - threads
  assert(more <= scenario.threads_more_max, more .. " threads left")
  expect("descriptors left", count("fd"), descriptors)
  print(("after %d gateways: %d threads and 0 descriptors more"):format(scenario.cycles, more))
end

local function measure()
  local step = scenario.steps[2]
  local verifier = verifier_of(step)
  local begun = now()
  for _ = 1, scenario.verify_count do verifier:verify(step.request) end
  local verify_us = (now() - begun) / scenario.verify_count * 1e6

  steps.open()
  local stored = 0
  for _ = 1, scenario.deliver_count do
    assert(gateway:ingest_async({ project_id = saved.out, type = "order.good", data = "{}" },
      function(receipt, failure) assert(receipt, failure) stored = stored + 1 end))
  end
  while stored < scenario.deliver_count do
    gateway:wait(1000)
    gateway:poll()
  end
  local left = scenario.deliver_count
  begun = now()
  while left > 0 do left = left - assert(gateway:serve("orders", function() end, 1000)) end
  local rate = scenario.deliver_count / (now() - begun)
  steps.close()
  print(("verify %.1f µs, local delivery %.0f/s"):format(verify_us, rate))
end

local file = assert(io.open(arg[1]))
scenario, saved = json.decode(file:read("*a")), { folder = arg[2] }
file:close()
run(scenario)
check_leftovers()
measure()
print("scenario passed")
