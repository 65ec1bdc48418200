"""The C++ interface: the scenario through a program in C++."""
import sys

import package


class Cxx(package.Package):
    @classmethod
    def install(cls):
        pass  # the program is built and linked by CMake

    def test_scenario(self):
        self.play("C++", PROGRAM)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    package.main()
