-- libconvoy in Lua: the webhooks gateway inside your own process.
--
--   local convoy = require("convoy")
--   local gateway = assert(convoy.open({ ["storage.path"] = "events.db" }))
--   assert(gateway:start())
--   local reply = assert(gateway:handle_request({ method = "POST", path = "/ingest/abc", body = "{}" }))
--
-- Functions that can fail return nil and an error: a table with code, message and is_retriable, which
-- tostring() turns into its message. One state of Lua uses a gateway; callbacks run inside
-- gateway:poll() alone. The shared library is the one that the environment variable CONVOY_LIBRARY
-- names, else libconvoy.so.0 as the system's loader finds it.
local delivery = require("convoy.delivery")
local library = require("convoy.library")
local log = require("convoy.log")
local outcome = require("convoy.outcome")
local verifier = require("convoy.verifier")

return {
  codes = library.codes,
  log_levels = log.levels,
  open = require("convoy.gateway").open,
  outcome_kinds = outcome.kinds,
  presets = verifier.presets,
  refuse = delivery.refuse,
  retry = delivery.retry,
  verifier = verifier.new,
  version = library.version,
}
