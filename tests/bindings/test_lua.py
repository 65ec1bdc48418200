"""The Lua binding: its rock in an empty tree, with LuaJIT, and with nginx's Lua module."""
import concurrent.futures
import os
import pathlib
import shutil
import socket
import tempfile

import package

CACHE = pathlib.Path(os.environ.get("CONVOY_CACHE") or pathlib.Path.home() / ".cache/libconvoy")
NGINX_LUA = CACHE / "nginx-lua"  # nginx's Lua module and its LuaJIT, unpacked by script/bootstrap
SET_UP = """
local gateway = assert(require("convoy").open({ ["storage.path"] = arg[1] }))
local made = assert(gateway:call("POST", "/api/v1/projects", { name = "p", type = "incoming" }))
local path = "/api/v1/projects/" .. made.project.uid
print(assert(gateway:call("POST", path .. "/sources",
  { name = "s", type = "http", verifier = { type = "noop" } })).mask_id)
print(made.project.uid)
assert(gateway:close())
"""
COUNT = """
local gateway = assert(require("convoy").open({ ["storage.path"] = arg[1] }))
local found = assert(gateway:call("GET", "/api/v1/projects/" .. arg[2] .. "/events?perPage=1000"))
print(#found.content)
assert(gateway:close())
"""


class Lua(package.Package):
    @classmethod
    def install(cls):
        cls.copy(package.BINDINGS / "lua", "lua")
        cls.run_in("lua", "luarocks", "--lua-version=5.1", "--tree", cls.folder / "rocks", "make",
                   "convoy-0.2.0-1.rockspec")
        modules = cls.folder / "rocks/share/lua/5.1"
        cls.environment["LUA_PATH"] = f"{modules}/?.lua;{modules}/?/init.lua;;"

    def test_scenario(self):
        self.play("Lua", "luajit", package.RUNNERS / "scenario.lua")

    def test_orders(self):
        example = package.EXAMPLES / "lua/orders.lua"
        self.assertLessEqual(len(example.read_text().splitlines()), package.EXAMPLE_LINES_MAX)
        with tempfile.TemporaryDirectory() as folder:
            database = pathlib.Path(folder) / "events.db"
            first = self.run_in(".", "luajit", example, database, 3).splitlines()
            self.assertEqual(first, [f'event {{"number":{number}}}, attempt 1'
                                     for number in (1, 2, 3)])
            again = self.run_in(".", "luajit", example, database, 4).splitlines()
            self.assertEqual(again, ['event {"number":4}, attempt 1'])

    def script(self, text, *arguments):
        path = self.folder / "script.lua"
        path.write_text(text)
        return self.run_in(".", "luajit", path, *arguments).split()

    def test_nginx(self):
        """Two workers take in what comes at once; what is not the gateway's is nginx's."""
        if not shutil.which("nginx") or not NGINX_LUA.is_dir():
            self.skipTest("nginx or its Lua module is missing")
        folder = self.folder / "nginx"
        folder.mkdir()
        link, project = self.script(SET_UP, folder / "events.db")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        (folder / "nginx.conf").write_text(self.configuration(port))
        command = ["nginx", "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"]
        environment = {**self.environment, "LD_LIBRARY_PATH": str(next(
            NGINX_LUA.glob("usr/lib/*/libluajit-5.1.so.2")).parent)}
        server = package.Server([*command, "-g", "daemon off; pid nginx.pid;"], folder, environment,
                                port)
        with server, concurrent.futures.ThreadPoolExecutor(8) as senders:
            self.assertEqual(server.send("GET", "/", b"", {}), (200, b"hello"))
            sent = [senders.submit(server.send, "POST", f"/ingest/{link}", b"%d" % number, {})
                    for number in range(200)]
            self.assertEqual({each.result()[0] for each in sent}, {200})
            self.assertEqual(server.send("POST", "/ingest/unknown", b"", {})[0], 404)
            large = b"x" * 1_000_000  # in a file of nginx's
            self.assertEqual(server.send("POST", f"/ingest/{link}", large, {})[0], 200)
        self.assertEqual(self.script(COUNT, folder / "events.db", project), ["201"])

    def configuration(self, port):
        """The example's, with the places of this machine."""
        text = (package.EXAMPLES / "lua/nginx.conf").read_text()
        modules = self.folder / "rocks/share/lua/5.1"
        for old, new in (
                ("modules/", f"{NGINX_LUA}/usr/lib/nginx/modules/"),
                ("127.0.0.1:8080", f"127.0.0.1:{port}"),
                ("lua/?.lua;lua/?/init.lua;;", f"{modules}/?.lua;{modules}/?/init.lua;"
                                               f"{NGINX_LUA}/usr/share/lua/5.1/?.lua;;"),
                ("events {", ("user root; " if os.geteuid() == 0 else "") + "events {")):
            self.assertIn(old, text)
            text = text.replace(old, new)
        return text


if __name__ == "__main__":
    package.require("luajit", arguments=("-v",))
    package.require("luarocks")
    package.main()
