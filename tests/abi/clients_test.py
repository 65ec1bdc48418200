"""Programs of released versions with today's library, as a distribution runs them.

Each folder of clients/ has a version's header and export map and a program written for it. The
program is linked with a library of that version's symbols and no code, so that it asks for exactly
what a program of that time asks for; then it runs with the library of this build.

Usage: clients_test.py CC LIBRARY CLIENTS_FOLDER HEADER_READER_FOLDER
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

COMPILER, LIBRARY, CLIENTS = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
sys.path.insert(0, sys.argv[4])
import convoy_header  # noqa: E402

SONAME = "libconvoy.so.0"


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def build(client, folder):
    """The program of the folder `client`, linked with its version's symbols."""
    functions = convoy_header.functions(convoy_header.read(client / "convoy.h"))
    stub = folder / "stub.c"
    stub.write_text("".join(f"void {name}(void) {{}}\n" for name in functions))
    (folder / "then").mkdir()
    run(COMPILER, "-shared", "-fPIC", stub, "-o", folder / "then" / "libconvoy.so",
        f"-Wl,-soname,{SONAME}", f"-Wl,--version-script={client / 'exports.map'}")
    program = folder / "client"
    run(COMPILER, "-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-pedantic", "-Werror",
        "-I", client, client / "client.c", "-o", program, "-L", folder / "then", "-lconvoy")
    return program, functions


class Clients(unittest.TestCase):
    def check(self, client):
        with tempfile.TemporaryDirectory(prefix="convoy_client_") as folder:
            folder = pathlib.Path(folder)
            program, functions = build(client, folder)
            asked = dict(re.findall(r" U (convoy_\w+)@(\w[\w.]*)", run("nm", "-D", program)))
            self.assertEqual(set(asked), set(functions), "the program has to call all of its header")
            text = (client / "client.c").read_text()
            for struct in convoy_header.structs(convoy_header.read(client / "convoy.h")):
                self.assertRegex(text, rf"\b{struct}\b")
            (folder / "now").mkdir()
            (folder / "now" / SONAME).symlink_to(LIBRARY.resolve())
            environment = {**os.environ, "LD_LIBRARY_PATH": str(folder / "now"), "LD_BIND_NOW": "1"}
            loaded = run("ldd", program, env=environment)
            self.assertIn(f"{folder}/now/{SONAME}", loaded)
            self.assertEqual(run(program, folder / "client.db", env=environment).strip(), "passed")

    def test_programs_of_every_released_version_run(self):
        clients = sorted(path.parent for path in CLIENTS.glob("*/client.c"))
        self.assertTrue(clients)
        for client in clients:
            with self.subTest(version=client.name):
                self.check(client)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
