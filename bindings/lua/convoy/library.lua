-- Shared library: loading, errors, and texts that cross the interface.
local ffi = require("convoy.ffi")
local constants = require("convoy.declarations")

local unpack = unpack or table.unpack
local lib = ffi.load(os.getenv("CONVOY_LIBRARY") or "libconvoy.so.0")
local library = { constants = constants, lib = lib, codes = {} }

for name, value in pairs(constants) do
  local code = name:match("^E_(.+)$")
  if code then library.codes[code] = value end
end

local Error = {}
Error.__index = Error

function Error:__tostring() return self.message end

local CLASSES = 256

function library.new_error(code, message, is_retriable)
  return setmetatable({ code = code, message = message, is_retriable = is_retriable or false }, Error)
end

-- The error of a convoy_error, which is freed.
function library.take_error(handle, status)
  if handle == nil then return library.new_error(status % CLASSES, "status " .. status) end
  local taken = library.new_error(lib.convoy_error_code(handle) % CLASSES,
    ffi.string(lib.convoy_error_message(handle)), lib.convoy_error_is_retriable(handle) ~= 0)
  lib.convoy_error_free(handle)
  return taken
end

-- Calls a function whose last parameter is the error. Returns its status, or nil and the error.
function library.call(name, ...)
  local cell = ffi.new("convoy_error*[1]")
  local count = select("#", ...)
  local parameters = { ... }
  parameters[count + 1] = cell
  local status = lib[name](unpack(parameters, 1, count + 1))
  if status == constants.OK or status == constants.DECLINED then return status end
  return nil, library.take_error(cell[0], status)
end

function library.text(slice) return ffi.string(slice.data, slice.size) end

-- The text of a convoy_buf, which is freed.
function library.take_buf(buf)
  local text = ffi.string(buf.data, buf.size)
  lib.convoy_buf_free(buf)
  return text
end

-- Points a slice at a text, which the caller keeps until C is done with it.
function library.set(slice, text)
  slice.data, slice.size = text, #text
end

-- An array of convoy_header, its size, and the texts that it borrows, from { name = value } or
-- { { name, value }, … }; a value may be a list.
function library.headers(headers)
  local pairs_of, kept = {}, {}
  for name, value in pairs(headers or {}) do
    if type(name) == "number" then name, value = value[1], value[2] end
    for _, each in ipairs(type(value) == "table" and value or { value }) do
      pairs_of[#pairs_of + 1] = { name, tostring(each) }
    end
  end
  local array = ffi.new("convoy_header[?]", math.max(1, #pairs_of))
  for i, pair in ipairs(pairs_of) do
    kept[i] = pair
    library.set(array[i - 1].name, pair[1])
    library.set(array[i - 1].value, pair[2])
  end
  return array, #pairs_of, kept
end

function library.version() return ffi.string(lib.convoy_version_string()) end

return library
