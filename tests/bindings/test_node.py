"""The Node binding: packed by npm, and installed into an empty folder from the tarball."""
import json
import shutil

import package


class Node(package.Package):
    @classmethod
    def install(cls):
        cls.copy(package.BINDINGS / "node", "node")
        packed = json.loads(cls.run_in("node", "npm", "pack", "--silent", "--json"))
        packed = packed[0] if isinstance(packed, list) else next(iter(packed.values()))
        (cls.folder / "clean").mkdir()
        (cls.folder / "clean/package.json").write_text('{"name": "clean", "private": true}')
        cls.run_in("clean", "npm", "install", "--silent", "--no-audit", "--no-fund",
                   "--prefer-offline", cls.folder / "node" / packed["filename"], "express@5",
                   "typescript@5", "@types/node@20")
        shutil.copy(package.RUNNERS / "scenario.js", cls.folder / "clean")
        shutil.copy(package.EXAMPLES / "node/express.js", cls.folder / "clean")

    def test_scenario(self):
        self.play("Node", "node", "scenario.js", folder="clean")

    def test_express(self):
        self.try_server("node", "express.js", folder="clean",
                        source=package.EXAMPLES / "node/express.js")

    def test_types(self):
        shutil.copy(package.HERE / "types.ts", self.folder / "clean")
        self.run_in("clean", "npx", "--no-install", "tsc", "--noEmit", "--strict", "--target",
                    "es2022", "--module", "nodenext", "--types", "node", "types.ts")


if __name__ == "__main__":
    package.require("npm")
    package.require("node", (18, 3))
    package.main()
