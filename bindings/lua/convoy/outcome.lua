-- Outcomes: what became of deliveries, and news of endpoints and sources.
local ffi = require("convoy.ffi")
local library = require("convoy.library")

local TEXTS = { "project_id", "endpoint_id", "source_id", "delivery_id", "event_id", "event_type",
  "outcome", "detail" }

local outcome = { kinds = {} }
for name, value in pairs(library.constants) do
  local kind = name:match("^OUTCOME_(.+)$")
  if kind then outcome.kinds[kind] = value end
end

-- The oldest outcome that waits; nil: there is none. Times are in seconds since 1970.
function outcome.next(gateway)
  local out = ffi.new("convoy_outcome*[1]")
  local status, failure = library.call("convoy_gateway_next_outcome", gateway, out, nil)
  if not status then return nil, failure end
  if out[0] == nil then return nil end
  local view = ffi.new("convoy_outcome_view")
  view.struct_size = ffi.sizeof(view)
  status, failure = library.call("convoy_outcome_get", out[0], view)
  local taken
  if status then
    taken = {
      kind = view.kind, is_success = view.is_success ~= 0, will_retry = view.will_retry ~= 0,
      attempt_number = view.attempt_number, at = tonumber(view.at_us) / 1e6,
      count = tonumber(view.count),
    }
    if taken.will_retry then taken.retry_at = tonumber(view.retry_at_us) / 1e6 end
    for _, name in ipairs(TEXTS) do taken[name] = library.text(view[name]) end
  end
  library.lib.convoy_outcome_free(out[0])
  return taken, failure
end

function outcome.dropped_count(gateway)
  local dropped = ffi.new("uint64_t[1]")
  local status, failure = library.call("convoy_gateway_next_outcome", gateway, nil, dropped)
  if not status then return nil, failure end
  return tonumber(dropped[0])
end

return outcome
