"""The Go package: a copied folder as a module of its own, without cgo and with it."""
import shutil

import package


LAYOUT = """package convoy

import (
	"testing"
	"unsafe"
)

func TestLayout(t *testing.T) {
	for name, sizes := range map[string][2]uintptr{
LINES
	} {
		if sizes[0] != sizes[1] {
			t.Error(name, sizes)
		}
	}
}
"""


def layout_line(struct, field, number):
    name = "c" + "".join(word.capitalize() for word in struct.split("_")[1:])
    seen = f"unsafe.Offsetof({name}{{}}.{field})" if field else f"unsafe.Sizeof({name}{{}})"
    return f'"{struct}.{field}": {{{seen}, {number}}},'


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

    def test_structs_have_the_layout_that_a_c_compiler_gives_them(self):
        lines = "\n".join(layout_line(*each) for each in package.layouts())
        path = self.folder / "convoy/layout_test.go"
        path.write_text(LAYOUT.replace("LINES", lines))
        self.run_in("convoy", "go", "test", "./...")
        path.unlink()

    def test_vet(self):
        self.run_in("convoy", "go", "vet", "./...")
        self.assertEqual(self.run_in(".", "gofmt", "-l", "convoy", "scenario", "server"), "")


if __name__ == "__main__":
    package.require("go", (1, 25), ("version",))
    package.main()
