"""Generator of the declarations: its output is committed, follows the header and has C's layout."""
import ctypes
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
REPOSITORY = ROOT.parents[1]
sys.path.insert(0, str(ROOT))
import generate  # noqa: E402

HEADER = generate.convoy_header.read(generate.HEADER)


def declared_by(header):
    """The names that the generated module of a header defines."""
    names = {}
    exec(generate.generate(header), names)
    return names


class Generate(unittest.TestCase):
    def test_the_committed_file_is_what_the_generator_writes(self):
        done = subprocess.run([sys.executable, str(ROOT / "generate.py"), "--check"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_exported_function_is_declared(self):
        exported = re.findall(r"CONVOY_API[^;(]*?\b(convoy_\w+)\(", generate.HEADER.read_text())
        self.assertGreater(len(exported), 40)
        self.assertEqual(list(declared_by(HEADER)["FUNCTIONS"]), exported)

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
                generate.generate(f"{HEADER}\n{declaration}\n")

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
        lines = (REPOSITORY / "tests" / "abi" / "layout.txt").read_text().splitlines()
        self.assertGreater(len(lines), 10)
        for line in lines:
            with self.subTest(line):
                name, *rest = line.split()
                name, _, field = name.partition(".")
                struct = names[generate.camel_case(name)]
                if field:
                    member = getattr(struct, field)
                    self.assertEqual(rest, ["at", str(member.offset), "size", str(member.size)])
                else:
                    self.assertEqual(rest, ["size", str(ctypes.sizeof(struct))])


if __name__ == "__main__":
    unittest.main()
