"""The Go package: a copied folder as a module of its own, without cgo and with it."""
import shutil

import package


class Go(package.Package):
    @classmethod
    def install(cls):
        cls.copy(package.BINDINGS / "go", "convoy")
        cls.copy(package.RUNNERS / "go", "scenario")
        cls.copy(package.EXAMPLES / "go", "server")
        cls.run_in("server", "go", "mod", "edit", "-replace=libconvoy.invalid/convoy=../convoy")

    def build(self, folder, cgo):
        self.environment["CGO_ENABLED"] = cgo
        self.run_in(folder, "go", "build", "-o", "program", ".")

    def test_scenario_without_a_compiler(self):
        self.build("scenario", "0")
        self.play("Go", "./program", folder="scenario")

    def test_scenario_with_cgo(self):
        if not shutil.which("gcc"):
            self.skipTest("gcc is missing")
        self.build("scenario", "1")
        self.play("Go with cgo", "./program", folder="scenario")

    def test_net_http(self):
        self.build("server", "0")
        self.try_server("./program", folder="server", source=package.EXAMPLES / "go/main.go")

    def test_vet(self):
        self.run_in("convoy", "go", "vet", "./...")
        self.assertEqual(self.run_in(".", "gofmt", "-l", "convoy", "scenario", "server"), "")


if __name__ == "__main__":
    package.require("go", (1, 25), ("version",))
    package.main()
