#!/usr/bin/env python3
"""Generator of the declarations of all bindings: the C interface of capi/convoy.h in each language.

  bindings/generate.py           writes the files
  bindings/generate.py --check   exits 1 if a file is not as the header says
"""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from languages import c_types, go, lua, node, python, rust  # noqa: E402
from languages.c_types import HEADER, convoy_header  # noqa: E402

LANGUAGES = (go, lua, node, python, rust)


def outputs(header):
    """Path of each file -> its text, for the text of a header."""
    types = c_types.Types(header)
    return {HERE / language.PATH: language.generate(types) for language in LANGUAGES}


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        print(__doc__.strip())
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    status = 0
    for path, text in outputs(convoy_header.read(HEADER)).items():
        if not sys.argv[1:]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            print(f"{path} is not as {HEADER} says: run bindings/generate.py", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
