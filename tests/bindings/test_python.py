"""The Python binding: its wheel in an empty environment."""
import sys

import package


class Python(package.Package):
    @classmethod
    def install(cls):
        cls.copy(package.BINDINGS / "python", "python")
        cls.run_in(".", sys.executable, "-m", "venv", "clean")
        cls.run_in(".", "clean/bin/pip", "install", "-q", "wheel", "setuptools")
        cls.run_in(".", "clean/bin/pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
                   "--wheel-dir", "wheels", "./python")
        wheel, = (cls.folder / "wheels").glob("libconvoy-*.whl")
        cls.run_in(".", "clean/bin/pip", "install", "-q", "--no-deps", wheel)

    def test_scenario(self):
        self.play("Python", self.folder / "clean/bin/python", package.RUNNERS / "scenario.py")


if __name__ == "__main__":
    package.main()
