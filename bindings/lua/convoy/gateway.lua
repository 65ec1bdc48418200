-- The gateway: opened, driven and closed; requests, events and management.
local ffi = require("convoy.ffi")
local delivery = require("convoy.delivery")
local library = require("convoy.library")
local log = require("convoy.log")
local outcome = require("convoy.outcome")
local request = require("convoy.request")

local lib, call, constants = library.lib, library.call, library.constants
local has_json, json = pcall(require, "cjson.safe")

ffi.cdef([[
typedef struct convoy_lua_pollfd { int fd; short events; short revents; } convoy_lua_pollfd;
int convoy_lua_poll(convoy_lua_pollfd* descriptors, unsigned long count, int timeout_ms)
  __asm__("poll");
]])
local POLLIN = 1

local Gateway = {}
Gateway.__index = Gateway

-- Number that C has -> function for the results. C calls two functions that live as long as the
-- module, inside convoy_gateway_poll alone.
local awaited, last_number = {}, 0

local function await(done)
  last_number = last_number + 1
  awaited[last_number] = done
  return ffi.cast("void*", last_number), last_number
end

local function take_awaited(user)
  local number = tonumber(ffi.cast("uintptr_t", user))
  local done = awaited[number]
  awaited[number] = nil
  return done
end

-- What a callback of the host's raises would go through C: it is raised by poll instead.
local raised
local function protect(done, ...)
  local is_done, problem = pcall(done, ...)
  if not is_done then raised = raised or problem end
end

local on_reply = ffi.cast("convoy_reply_fn", function(user, reply)
  protect(take_awaited(user), request.take_reply(reply))
end)

local on_receipt = ffi.cast("convoy_receipt_fn", function(user, event_id, is_duplicate, failure)
  local done = take_awaited(user)
  if event_id == nil then return protect(done, nil, library.take_error(failure, constants.E_INTERNAL)) end
  protect(done, { event_id = ffi.string(event_id), is_duplicate = is_duplicate ~= 0 })
end)

-- Opens the store that the settings name and the gateway on it.
local function open(settings)
  local config, out = ffi.new("convoy_config*[1]"), ffi.new("convoy_gateway*[1]")
  local status, failure = call("convoy_config_new", config)
  if not status then return nil, failure end
  local owned = ffi.gc(config[0], lib.convoy_config_free)
  local all = { ["gateway.completions"] = "poll" }
  for key, value in pairs(settings or {}) do all[key] = tostring(value) end
  for key, value in pairs(all) do
    status, failure = call("convoy_config_set", owned, key, #key, value, #value)
    if not status then return nil, failure end
  end
  status, failure = call("convoy_gateway_open", owned, out)
  if not status then return nil, failure end
  return setmetatable({ handle = ffi.gc(out[0], lib.convoy_gateway_free), is_started = false }, Gateway)
end

local function closed() return nil, library.new_error(constants.E_STATE, "the gateway is closed") end

-- Runs the gateway on threads of the library: for commits and for deliveries.
function Gateway:start()
  if not self.handle then return closed() end
  local status, failure = call("convoy_gateway_start", self.handle)
  if not status then return nil, failure end
  self.is_started = true
  return true
end

-- Does what there is to do now, on this thread, if the gateway was not started.
function Gateway:step()
  if not self.handle then return closed() end
  local status, failure = call("convoy_gateway_step", self.handle, nil)
  return status and true, failure
end

-- Creates the instance's first API key. It is shown this once.
function Gateway:bootstrap()
  if not self.handle then return closed() end
  local key = ffi.new("convoy_buf")
  local status, failure = call("convoy_gateway_bootstrap", self.handle, key)
  if not status then return nil, failure end
  return library.take_buf(key)
end

-- A descriptor that is readable while there is something for the host.
function Gateway:fd()
  if not self.handle then return closed() end
  local out = ffi.new("int32_t[1]")
  local status, failure = call("convoy_gateway_wake_fd", self.handle, out)
  return status and out[0], failure
end

-- Waits until there is something for the host, at most for timeout_ms. It blocks this thread.
function Gateway:wait(timeout_ms)
  local descriptor, failure = self:fd()
  if not descriptor then return nil, failure end
  local polled = ffi.new("convoy_lua_pollfd[1]", { { fd = descriptor, events = POLLIN } })
  return ffi.C.convoy_lua_poll(polled, 1, timeout_ms) == 1
end

-- Runs callbacks that wait, at most `max`, and returns how many. It does not wait.
function Gateway:poll(max)
  if not self.handle then return closed() end
  local count = ffi.new("size_t[1]")
  local status, failure = call("convoy_gateway_poll", self.handle, max or 64, count)
  if raised then
    local problem = raised
    raised = nil
    error(problem, 0)
  end
  if not status then return nil, failure end
  return tonumber(count[0])
end

-- The data of an answer of the REST API, or nil and an error.
local function answer_of(reply)
  local answer = has_json and json.decode(reply.body) or nil
  if reply.status >= 300 then
    local failure = library.new_error(constants.E_INVALID, answer and answer.message or reply.body)
    failure.status = reply.status
    return nil, failure
  end
  if answer then return answer.data end
  return reply.body
end

-- A request of the REST API as a function, as the instance's administrator and without a key. `body`
-- is JSON, or a table where the module cjson is there; then the answer's data comes decoded. Without
-- cjson the answer comes as text. A refusal is an error with `status`, that of HTTP.
function Gateway:call(method, target, body)
  if not self.handle then return closed() end
  if type(body) == "table" then body = assert(json.encode(body)) end
  body = body or ""
  local out = ffi.new("convoy_reply*[1]")
  local status, failure = call("convoy_call", self.handle, method, target, body, #body, out)
  if not status then return nil, failure end
  if status == constants.DECLINED then
    return nil, library.new_error(constants.E_NOT_FOUND, "target: not a path of the REST API")
  end
  return answer_of(request.take_reply(out[0]))
end

-- The same without waiting: done(data, error) runs inside poll.
function Gateway:call_async(method, target, body, done)
  if not self.handle then return closed() end
  if type(body) == "table" then body = assert(json.encode(body)) end
  body = body or ""
  local user, number = await(function(reply) done(answer_of(reply)) end)
  local status, failure = call("convoy_call_async", self.handle, method, target, body, #body,
    on_reply, user)
  if status == constants.OK then return true end
  awaited[number] = nil
  if not status then return nil, failure end
  return nil, library.new_error(constants.E_NOT_FOUND, "target: not a path of the REST API")
end

-- Answers a request (convoy.request names the fields) once what it did is durable: a table with
-- status, headers and body; false: not a path of the gateway.
function Gateway:handle_request(fields)
  if not self.handle then return closed() end
  local borrowed, kept = request.borrow(fields)
  local out = ffi.new("convoy_reply*[1]")
  local status, failure = call("convoy_http_handle", self.handle, borrowed, out)
  if not status then return nil, failure, kept end
  if status == constants.DECLINED then return false end
  return request.take_reply(out[0])
end

-- The same without waiting: done(reply) runs inside poll. Returns true; false: not its path.
function Gateway:handle_async(fields, done)
  if not self.handle then return closed() end
  local borrowed, kept = request.borrow(fields)
  local user, number = await(done)
  local status, failure = call("convoy_http_handle_async", self.handle, borrowed, on_reply, user)
  if status == constants.OK then return true, nil, kept end
  awaited[number] = nil
  if not status then return nil, failure end
  return false
end

-- A convoy_event; fields: project_id, type, data (JSON, or a table where cjson is there), endpoint_id
-- or owner_id, headers, idempotency_key.
local function borrow_event(fields)
  local event = ffi.new("convoy_event")
  local data = type(fields.data) == "table" and assert(json.encode(fields.data)) or fields.data or ""
  local recipient = fields.endpoint_id or fields.owner_id or ""
  local headers, count, kept = library.headers(fields.headers)
  event.struct_size = ffi.sizeof(event)
  event.audience = fields.endpoint_id and constants.TO_ENDPOINT or
    fields.owner_id and constants.TO_OWNER or constants.TO_EVERYONE
  library.set(event.project_id, fields.project_id or "")
  library.set(event.recipient, recipient)
  library.set(event.event_type, fields.type or "")
  library.set(event.data, data)
  library.set(event.idempotency_key, fields.idempotency_key or "")
  event.custom_headers, event.custom_headers_count = headers, count
  return event, { fields, data, recipient, headers, kept }
end

-- Takes an event without a request and without an API key; returns, when it is durable, a table with
-- event_id and is_duplicate.
function Gateway:ingest(fields)
  if not self.handle then return closed() end
  local event, kept = borrow_event(fields)
  local event_id, is_duplicate = ffi.new("convoy_buf"), ffi.new("int32_t[1]")
  local status, failure = call("convoy_ingest", self.handle, event, event_id, is_duplicate)
  if not status then return nil, failure, kept end
  return { event_id = library.take_buf(event_id), is_duplicate = is_duplicate[0] ~= 0 }
end

-- The same without waiting: done(receipt, error) runs inside poll.
function Gateway:ingest_async(fields, done)
  if not self.handle then return closed() end
  local event, kept = borrow_event(fields)
  local user, number = await(done)
  local status, failure = call("convoy_ingest_async", self.handle, event, on_receipt, user)
  if status then return true, nil, kept end
  awaited[number] = nil
  return nil, failure
end

-- Deliveries to "local:NAME", at most `max`; waits for some for wait_ms, which blocks; 0: not at all.
-- The setting local.names says which names there are. Finish each one.
function Gateway:take(name, max, wait_ms)
  if not self.handle then return closed() end
  return delivery.take(self.handle, name, max, wait_ms)
end

-- Takes deliveries to "local:NAME" once and passes each to a handler: when it returns, the event is
-- delivered; when it raises, the event comes again, except after convoy.refuse. Returns how many.
function Gateway:serve(name, handler, wait_ms)
  local taken, failure = self:take(name, 64, wait_ms)
  if not taken then return nil, failure end
  for _, each in ipairs(taken) do each:settle(handler) end
  return #taken
end

-- Iterator of the outcomes that wait, the oldest first. The setting gateway.outcomes_max turns them on.
function Gateway:outcomes()
  return function() return self.handle and outcome.next(self.handle) or nil end
end

-- Iterator of the log lines that wait, the oldest first. The setting gateway.log_lines_max turns them on.
function Gateway:log_lines()
  return function() return self.handle and log.next(self.handle) or nil end
end

function Gateway:dropped_outcomes_count()
  if not self.handle then return closed() end
  return outcome.dropped_count(self.handle)
end

-- Finishes what is in flight, at most for patience_ms (10 s), and frees the gateway. A code of TIMEOUT:
-- requests are still being answered; close again.
function Gateway:close(patience_ms)
  if not self.handle then return true end
  local status, failure = call("convoy_gateway_close", self.handle, patience_ms or 10000)
  if not status then return nil, failure end
  while self:poll() > 0 do end
  local handle = ffi.gc(self.handle, nil)
  self.handle = nil
  lib.convoy_gateway_free(handle)
  return true
end

-- LuaJIT must not compile a call that calls back.
if jit then
  jit.off(Gateway.poll, true)
  jit.off(library.call, true)
  jit.off(Gateway.close, true)
end

return { open = open }
