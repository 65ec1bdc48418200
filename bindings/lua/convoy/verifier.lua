-- The stateless verifier: no gateway, no storage, no thread.
local ffi = require("convoy.ffi")
local library = require("convoy.library")
local request = require("convoy.request")

local lib, call = library.lib, library.call
local EVENT_ID_BYTES = 8 * 1024 -- no id is longer
local id_text, id_size = ffi.new("char[?]", EVENT_ID_BYTES), ffi.new("size_t[1]")

local Verifier = {}
Verifier.__index = Verifier
local verifier = {}

-- scheme: the name of a preset, or a table with preset or definition (a scheme as JSON), name (of
-- several schemes only this one), secrets (a list), parameters ({ NAME = value }).
function verifier.new(scheme)
  if type(scheme) == "string" then scheme = { preset = scheme } end
  local settings = ffi.new("convoy_verifier_settings")
  local secrets = ffi.new("convoy_slice[?]", math.max(1, #(scheme.secrets or {})))
  for i, secret in ipairs(scheme.secrets or {}) do library.set(secrets[i - 1], secret) end
  local parameters, count, kept = library.headers(scheme.parameters)
  settings.struct_size = ffi.sizeof(settings)
  library.set(settings.preset, scheme.preset or "")
  library.set(settings.definition, scheme.definition or "")
  library.set(settings.scheme, scheme.name or "")
  settings.secrets, settings.secrets_count = secrets, #(scheme.secrets or {})
  settings.parameters, settings.parameters_count = parameters, count
  local out = ffi.new("convoy_verifier*[1]")
  local status, failure = call("convoy_verifier_new_with", settings, out)
  if not status then return nil, failure, kept end
  return setmetatable({ handle = ffi.gc(out[0], lib.convoy_verifier_free) }, Verifier)
end

local function microseconds(now) return math.floor((now or os.time()) * 1e6) end

-- Judges a request as of `now`, in seconds since 1970. Returns a table with is_accepted, reason,
-- integrity, scheme, secret_index, refusal_status (that of HTTP which the provider expects for a wrong
-- signature; 0: any) and event_id; nil and an error: there is no verdict.
function Verifier:verify(fields, now)
  local borrowed, kept = request.borrow(fields)
  local view = ffi.new("convoy_verdict_view")
  view.struct_size = ffi.sizeof(view)
  local status, failure = call("convoy_verifier_check", self.handle, borrowed, microseconds(now), view)
  if not status then return nil, failure, kept end
  local verdict = {
    is_accepted = view.is_accepted ~= 0, secret_index = view.secret_index,
    reason = ffi.string(view.reason), integrity = ffi.string(view.integrity),
    scheme = library.text(view.scheme), event_id = "", refusal_status = view.refusal_status,
  }
  if verdict.is_accepted then
    status, failure =
      call("convoy_verifier_event_id", self.handle, borrowed, id_text, EVENT_ID_BYTES, id_size)
    if not status then return nil, failure end
    verdict.event_id = ffi.string(id_text, id_size[0])
  end
  return verdict
end

-- Answers a handshake of the provider: a table with reply, secret and visit_url; false: the request is
-- none. Ask before verify.
function Verifier:answer(fields, now)
  local borrowed, kept = request.borrow(fields)
  local out, secret, visit_url =
    ffi.new("convoy_reply*[1]"), ffi.new("convoy_buf"), ffi.new("convoy_buf")
  local status, failure = call("convoy_verifier_answer", self.handle, borrowed, microseconds(now), out,
    secret, visit_url)
  if not status then return nil, failure, kept end
  if status == library.constants.DECLINED then return false end
  return {
    reply = request.take_reply(out[0]), secret = library.take_buf(secret),
    visit_url = library.take_buf(visit_url),
  }
end

-- The presets as a JSON array; convoy.h names the members.
function verifier.presets()
  local buf = ffi.new("convoy_buf")
  local status, failure = call("convoy_presets", buf)
  if not status then return nil, failure end
  return library.take_buf(buf)
end

return verifier
