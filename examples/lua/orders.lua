-- Orders handled in this process, each at least once: luajit orders.lua DATABASE COUNT
-- Sends COUNT events to itself, those that it has not sent before, and ends when so many are handled.
local convoy = require("convoy")

local database, count = arg[1], tonumber(arg[2])
local gateway = assert(convoy.open({ ["storage.path"] = database, ["local.names"] = "orders" }))
assert(gateway:start())

-- The project, which is made the first time, with an endpoint in this process.
local function project()
  local known = assert(gateway:call("GET", "/api/v1/projects"))
  if known[1] then return known[1].uid end
  local made = assert(gateway:call("POST", "/api/v1/projects", { name = "shop", type = "outgoing" }))
  local path = "/api/v1/projects/" .. made.project.uid
  local endpoint = assert(gateway:call("POST", path .. "/endpoints",
    { name = "here", url = "local:orders" }))
  assert(gateway:call("POST", path .. "/subscriptions",
    { name = "orders", endpoint_id = endpoint.uid }))
  return made.project.uid
end

local function handle(delivery)
  if delivery.event_type ~= "order.created" then error(convoy.refuse("no such event")) end
  print(("event %s, attempt %d"):format(delivery.body, delivery.attempt_number))
end

local id, left = project(), 0
for number = 1, count do
  local receipt = assert(gateway:ingest({
    project_id = id, type = "order.created", data = { number = number },
    idempotency_key = "order-" .. number,
  }))
  if not receipt.is_duplicate then left = left + 1 end
end
while left > 0 do left = left - assert(gateway:serve("orders", handle, 1000)) end
assert(gateway:close())
