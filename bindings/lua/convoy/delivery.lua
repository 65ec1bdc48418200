-- Events for the host itself: deliveries, and what a handler may say of one.
local ffi = require("convoy.ffi")
local library = require("convoy.library")

local lib, call, constants = library.lib, library.call, library.constants
local TEXTS = { "event_id", "event_type", "body", "content_type", "idempotency_key", "project_id",
  "endpoint_id", "delivery_id" }
local BATCH_MAX = 1024

local Delivery = {}
Delivery.__index = Delivery
local Wish = {}
Wish.__index = Wish
local delivery = {}

function Wish:__tostring() return self.detail end

-- A handler raises it, error(convoy.refuse("why")), when the event fails for good.
function delivery.refuse(detail)
  return setmetatable({ outcome = constants.LOCAL_FAIL, detail = detail or "", after_ms = 0 }, Wish)
end

-- A handler raises it when the event shall not come again before after_ms.
function delivery.retry(detail, after_ms)
  return setmetatable(
    { outcome = constants.LOCAL_RETRY, detail = detail or "", after_ms = after_ms or 0 }, Wish)
end

local function new(handle)
  local view, header = ffi.new("convoy_delivery_view"), ffi.new("convoy_header")
  view.struct_size = ffi.sizeof(view)
  local status, failure = call("convoy_delivery_get", handle, view)
  if not status then return nil, failure end
  local made = setmetatable({
    handle = ffi.gc(handle, lib.convoy_delivery_free), headers = {},
    attempt_number = view.attempt_number, deadline = tonumber(view.deadline_us) / 1e6,
  }, Delivery)
  for _, name in ipairs(TEXTS) do made[name] = library.text(view[name]) end
  while lib.convoy_delivery_header(handle, #made.headers, header) ~= 0 do
    made.headers[#made.headers + 1] = { library.text(header.name), library.text(header.value) }
  end
  return made
end

-- Deliveries to "local:NAME" that are there, at most `max`; waits for some for wait_ms, which blocks.
-- A code of STATE: the gateway closes.
function delivery.take(gateway, name, max, wait_ms)
  max = math.min(max or 64, BATCH_MAX)
  local handles, count = ffi.new("convoy_delivery*[?]", max), ffi.new("size_t[1]")
  local status, failure =
    call("convoy_local_take", gateway, name, #name, max, wait_ms or 0, handles, count)
  if not status then return nil, failure end
  local taken = {}
  for i = 0, tonumber(count[0]) - 1 do taken[i + 1] = assert(new(handles[i])) end
  return taken
end

-- Finishes a delivery. False: too late, or finished before.
local function finish(self, outcome, after_ms, detail)
  if self.handle == nil then return false end
  local handle = ffi.gc(self.handle, nil)
  self.handle = nil
  detail = tostring(detail or "")
  local after = math.max(0, math.floor(after_ms or 0))
  local status, failure = call("convoy_local_finish", handle, outcome, after, detail, #detail)
  lib.convoy_delivery_free(handle)
  if status then return true end
  if failure.code == constants.E_NOT_FOUND then return false end
  return nil, failure
end

function Delivery:done(detail) return finish(self, constants.LOCAL_DONE, 0, detail) end

-- Failed; it comes again as the retry policy says, not before after_ms.
function Delivery:retry(detail, after_ms)
  return finish(self, constants.LOCAL_RETRY, after_ms, detail)
end

-- Failed for good, whatever the retry policy says.
function Delivery:fail(detail) return finish(self, constants.LOCAL_FAIL, 0, detail) end

-- Calls a handler and finishes the delivery as it says, whatever it raises.
function Delivery:settle(handler)
  local is_done, raised = pcall(handler, self)
  if is_done then return self:done() end
  if getmetatable(raised) == Wish then
    return finish(self, raised.outcome, raised.after_ms, raised.detail)
  end
  return self:retry(tostring(raised))
end

return delivery
