"""The Lua binding: its rock in an empty tree, with LuaJIT."""
import pathlib
import tempfile

import package


class Lua(package.Package):
    @classmethod
    def install(cls):
        cls.copy(package.BINDINGS / "lua", "lua")
        cls.run_in("lua", "luarocks", "--lua-version=5.1", "--tree", cls.folder / "rocks", "make",
                   "convoy-0.1.0-1.rockspec")
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


if __name__ == "__main__":
    package.require("luajit", arguments=("-v",))
    package.require("luarocks")
    package.main()
