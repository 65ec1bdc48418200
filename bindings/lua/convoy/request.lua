-- Requests in C's memory, and replies out of it.
local ffi = require("convoy.ffi")
local library = require("convoy.library")

local lib = library.lib
local request = {}

-- A convoy_request and the texts that it borrows; keep both until C is done with it.
-- Fields: method, path, query, headers, body, remote_ip, url.
function request.borrow(fields)
  local borrowed = ffi.new("convoy_request")
  local headers, count, kept = library.headers(fields.headers)
  borrowed.struct_size = ffi.sizeof(borrowed)
  for _, name in ipairs({ "method", "path", "query", "body", "remote_ip", "url" }) do
    library.set(borrowed[name], fields[name] or "")
  end
  borrowed.headers, borrowed.headers_count = headers, count
  return borrowed, { fields, headers, kept }
end

-- The contents of a convoy_reply, which is freed: status, headers, body.
function request.take_reply(handle)
  local slice, header = ffi.new("convoy_slice"), ffi.new("convoy_header")
  local reply = { status = lib.convoy_reply_status(handle), headers = {} }
  lib.convoy_reply_body(handle, slice)
  reply.body = library.text(slice)
  while lib.convoy_reply_header(handle, #reply.headers, header) ~= 0 do
    reply.headers[#reply.headers + 1] = { library.text(header.name), library.text(header.value) }
  end
  lib.convoy_reply_free(handle)
  return reply
end

return request
