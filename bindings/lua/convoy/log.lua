-- Log lines that wait in the library until the host asks for them.
local ffi = require("convoy.ffi")
local library = require("convoy.library")

local log = { levels = {} }
for name, value in pairs(library.constants) do
  local level = name:match("^LOG_(.+)$")
  if level then log.levels[level] = value end
end

-- The oldest line that waits; nil: there is none.
function log.next(gateway)
  local level, dropped = ffi.new("uint32_t[1]"), ffi.new("uint64_t[1]")
  local event, message = ffi.new("convoy_buf"), ffi.new("convoy_buf")
  local status, failure = library.call("convoy_gateway_next_log", gateway, level, event, message, dropped)
  if not status then return nil, failure end
  if message.data == nil then return nil end
  return { level = level[0], event = library.take_buf(event), message = library.take_buf(message),
    dropped_count = tonumber(dropped[0]) }
end

return log
