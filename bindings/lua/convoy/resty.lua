-- The gateway in OpenResty, or nginx with its Lua module: one gateway for each worker, on one store.
--
--   init_worker_by_lua_block { require("convoy.resty").open({ ["storage.path"] = "/var/lib/events.db" }) }
--   location /ingest/ { content_by_lua_block { require("convoy.resty").answer() } }
--
-- Commits wait on threads of the library. nginx's own loop never does: while requests are awaited, a
-- timer looks for completions every millisecond.
local convoy = require("convoy")
local semaphore = require("ngx.semaphore")

local POLL_S = 0.001
local WAIT_S = 60

local resty = {}
local gateway
local awaited_count, is_polling = 0, false

-- Opens and starts the gateway of this worker; call it in init_worker_by_lua. It is closed when the
-- worker exits.
function resty.open(settings)
  gateway = assert(convoy.open(settings))
  assert(gateway:start())
  local function close(premature)
    if premature then gateway:close(1000) end
  end
  assert(ngx.timer.every(3600, close))
  return gateway
end

local function body_of_request()
  ngx.req.read_body()
  local path = ngx.req.get_body_file()
  if not path then return ngx.req.get_body_data() or "" end
  local file = assert(io.open(path, "rb"))
  local body = file:read("*a")
  file:close()
  return body
end

-- Runs completions for as long as there are requests that await some; a timer of nginx.
local function poll()
  while awaited_count > 0 do
    if gateway:poll() == 0 then ngx.sleep(POLL_S) end
  end
  is_polling = false
end

-- Answers the current request. False: its path is not the gateway's, and nothing was sent.
function resty.answer()
  local reply, done = nil, semaphore.new()
  local path, query = ngx.var.request_uri:match("^([^?]*)%??(.*)$")
  local is_ours, failure = gateway:handle_async({
    method = ngx.req.get_method(), path = path, query = query, headers = ngx.req.get_headers(0),
    body = body_of_request(), remote_ip = ngx.var.remote_addr,
  }, function(given)
    reply = given
    awaited_count = awaited_count - 1
    done:post()
  end)
  if is_ours == nil then
    ngx.log(ngx.ERR, tostring(failure))
    return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
  end
  if not is_ours then return false end
  awaited_count = awaited_count + 1
  if not is_polling then is_polling = ngx.timer.at(0, poll) == true end
  done:wait(WAIT_S)
  if not reply then return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE) end
  ngx.status = reply.status
  for _, header in ipairs(reply.headers) do ngx.header[header[1]] = header[2] end
  ngx.print(reply.body)
  return ngx.exit(ngx.HTTP_OK)
end

return resty
