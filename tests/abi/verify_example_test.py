"""The smallest example, as its first comment prints it."""
import subprocess
import sys
import unittest

BINARY = sys.argv[1]
SECRET = "It's a Secret to Everybody"
HEADER = ("X-Hub-Signature-256: "
          "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")


def verify(*arguments, body=b"Hello, World!"):
    done = subprocess.run([BINARY, *arguments], input=body, capture_output=True)
    return done.returncode, done.stdout.decode().strip()


class VerifyExample(unittest.TestCase):
    def test_genuine_forged_and_wrongly_asked(self):
        self.assertEqual(verify("github", SECRET, HEADER), (0, "accepted"))
        self.assertEqual(verify("github", SECRET, HEADER, body=b"Hello, World?"),
                         (1, "signature_mismatch"))
        self.assertEqual(verify("github", SECRET, "Other: x"), (1, "missing_header"))
        self.assertEqual(verify("nobody", SECRET, HEADER)[0], 2)
        self.assertEqual(verify()[0], 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
