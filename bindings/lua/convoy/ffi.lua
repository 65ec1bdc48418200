-- FFI library: that of LuaJIT, or the rock "cffi-lua" in another Lua.
for _, name in ipairs({ "ffi", "cffi" }) do
  local is_found, ffi = pcall(require, name)
  if is_found then return ffi end
end
error("convoy needs LuaJIT, or the rock cffi-lua")
