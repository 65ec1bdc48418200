"""The Rust crates: packed by cargo, unpacked, and used from there."""
import os
import pathlib
import tarfile

import package


LAYOUT = """[package]
name = "layout"
edition = "2021"

[dependencies]
convoy-sys = { path = "../convoy-sys" }
"""


class Rust(package.Package):
    @classmethod
    def install(cls):
        cls.environment |= {
            "CARGO_TARGET_DIR": str(package.kept_folder("cargo")),
            "CONVOY_LIB_DIR": str(pathlib.Path(package.library()).parent),
            "LD_LIBRARY_PATH": str(pathlib.Path(package.library()).parent)}
        cls.copy(package.BINDINGS / "rust", "rust")
        cls.run_in("rust", "cargo", "package", "--quiet", "--no-verify", "--allow-dirty")
        for crate in ("convoy-sys", "convoy"):
            packed = package.kept_folder("cargo") / "package" / f"{crate}-0.2.0.crate"
            with tarfile.open(packed) as archive:
                archive.extractall(cls.folder, filter="data")
            os.rename(cls.folder / f"{crate}-0.2.0", cls.folder / crate)
        for name, source in (("scenario", package.RUNNERS / "rust"),
                             ("server", package.EXAMPLES / "rust")):
            manifest = cls.copy(source, name) / "Cargo.toml"
            manifest.write_text(manifest.read_text().replace("../../bindings/rust/", "../"))

    def test_structs_have_the_layout_that_a_c_compiler_gives_them(self):
        checks = [f"assert_eq!(std::mem::offset_of!(convoy_sys::{struct}, {field}), {number});"
                  if field else f"assert_eq!(std::mem::size_of::<convoy_sys::{struct}>(), {number});"
                  for struct, field, number in package.layouts()]
        (self.folder / "layout/src").mkdir(parents=True)
        (self.folder / "layout/Cargo.toml").write_text(LAYOUT)
        (self.folder / "layout/src/main.rs").write_text("fn main() {" + "\n".join(checks) + "}")
        self.run_in("layout", "cargo", "run", "--quiet")

    def program(self, folder, name):
        self.run_in(folder, "cargo", "build", "--quiet")
        return package.kept_folder("cargo") / "debug" / name

    def test_scenario(self):
        self.play("Rust", self.program("scenario", "scenario"))

    def test_axum(self):
        self.try_server(self.program("server", "example"),
                        source=package.EXAMPLES / "rust/src/main.rs")


if __name__ == "__main__":
    package.require("cargo", (1, 90))
    package.main()
