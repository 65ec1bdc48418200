-- Rock of the Lua binding: plain Lua, for `luarocks make` in this folder.
rockspec_format = "3.0"
package = "convoy"
version = "0.2.0-1"
source = { url = "git+file://." }
description = {
  summary = "Webhooks gateway inside your own process: libconvoy in Lua",
  license = "Apache-2.0",
}
dependencies = { "lua >= 5.1, < 5.5" }
build = {
  type = "builtin",
  modules = {
    ["convoy"] = "convoy/init.lua",
    ["convoy.declarations"] = "convoy/declarations.lua",
    ["convoy.delivery"] = "convoy/delivery.lua",
    ["convoy.ffi"] = "convoy/ffi.lua",
    ["convoy.gateway"] = "convoy/gateway.lua",
    ["convoy.library"] = "convoy/library.lua",
    ["convoy.log"] = "convoy/log.lua",
    ["convoy.outcome"] = "convoy/outcome.lua",
    ["convoy.request"] = "convoy/request.lua",
    ["convoy.resty"] = "convoy/resty.lua",
    ["convoy.verifier"] = "convoy/verifier.lua",
  },
}
