"""Generator of the declarations: its output is committed, follows the header and has C's layout."""
import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
REPOSITORY = ROOT.parent
sys.path.insert(0, str(ROOT))
import generate  # noqa: E402
from languages import c_types, python  # noqa: E402

HEADER = generate.convoy_header.read(generate.HEADER)


def declared_by(header):
    """The names that the generated module of Python's defines for a header."""
    names = {}
    exec(python.generate(c_types.Types(header)), names)
    return names


def layouts():
    """Layout of the structs of convoy.h, as a C compiler has it: (struct, field or None, offset or
    None, size)."""
    declared = generate.convoy_header.structs(HEADER)
    for line in (REPOSITORY / "tests" / "abi" / "layout.txt").read_text().splitlines():
        name, *rest = line.split()
        struct, _, field = name.partition(".")
        if struct not in declared:
            continue  # of parts and suites, which bindings do not have
        numbers = [int(word) for word in rest if word.isdigit()]
        yield (struct, field or None, *([None] if not field else []), *numbers)


class Generate(unittest.TestCase):
    def test_the_committed_files_are_what_the_generator_writes(self):
        done = subprocess.run([sys.executable, str(ROOT / "generate.py"), "--check"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_exported_function_is_declared(self):
        exported = re.findall(r"CONVOY_API[^;(]*?\b(convoy_\w+)\(", generate.HEADER.read_text())
        self.assertGreater(len(exported), 40)
        self.assertEqual(list(declared_by(HEADER)["FUNCTIONS"]), exported)
        for path, text in generate.outputs(HEADER).items():
            for name in exported:
                self.assertIn(name, text, path)

    def test_a_changed_signature_changes_the_declaration(self):
        name = "convoy_config_describe"
        changed = HEADER.replace(f"{name}(size_t index", f"{name}(uint32_t index")
        self.assertNotEqual(changed, HEADER)
        _, parameters = declared_by(changed)["FUNCTIONS"][name]
        self.assertIs(parameters[0], ctypes.c_uint32)
        _, parameters = declared_by(HEADER)["FUNCTIONS"][name]
        self.assertIs(parameters[0], ctypes.c_size_t)

    def test_a_type_that_the_generator_does_not_know_is_an_error(self):
        for declaration in ("CONVOY_API double convoy_new(void);",
                            "CONVOY_API int32_t convoy_new(int32_t*** deep);",
                            "CONVOY_API int32_t convoy_new(float* number);",
                            "CONVOY_API int32_t convoy_new(int32_t many[4]);",
                            "CONVOY_API extern int32_t convoy_number;"):
            with self.subTest(declaration), self.assertRaises(ValueError):
                generate.outputs(f"{HEADER}\n{declaration}\n")

    def test_structs_with_callbacks_come_after_what_they_use(self):
        names = declared_by(HEADER + """
            typedef int32_t (*convoy_send_fn)(void* user, const convoy_request* request);
            typedef struct convoy_sender {
              size_t struct_size;
              convoy_send_fn send;
              void (*sender_free)(void* user);
            } convoy_sender;
            CONVOY_API convoy_status convoy_sender_set(const convoy_sender* sender);
            """)
        fields = dict(names["Sender"]._fields_)
        self.assertEqual(fields["send"]._argtypes_[1], ctypes.POINTER(names["Request"]))
        self.assertEqual(fields["sender_free"]._restype_, None)
        self.assertEqual(names["FUNCTIONS"]["convoy_sender_set"][1],
                         [ctypes.POINTER(names["Sender"])])

    def test_structs_have_the_layout_that_a_c_compiler_gives_them(self):
        names = declared_by(HEADER)
        self.assertGreater(len(list(layouts())), 10)
        for name, field, offset, size in layouts():
            with self.subTest(name, field=field):
                struct = names[c_types.camel_case(name)]
                if field:
                    member = getattr(struct, field)
                    self.assertEqual((offset, size), (member.offset, member.size))
                else:
                    self.assertEqual(size, ctypes.sizeof(struct))

    def test_structs_of_lua_have_it_too(self):
        if not shutil.which("luajit"):
            self.skipTest("luajit is missing")
        checks = [f'check("{name}", ffi.sizeof("{name}"), {size})' if field is None else
                  f'check("{name}.{field}", ffi.offsetof("{name}", "{field}"), {offset})'
                  for name, field, offset, size in layouts()]
        script = ("local ffi = require('ffi') require('convoy.declarations')\n"
                  "local function check(name, seen, size)\n"
                  "  assert(seen == size, name .. ' is ' .. seen .. ', not ' .. size) end\n")
        subprocess.run(["luajit", "-e", script + "\n".join(checks)], check=True,
                       env={**os.environ, "LUA_PATH": f"{ROOT}/lua/?.lua"})


if __name__ == "__main__":
    unittest.main()
