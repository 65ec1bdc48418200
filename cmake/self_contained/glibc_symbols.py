"""Stub libraries with the symbols that an older glibc has, to link the self-contained library with.

The linker writes the version of each symbol that it finds into what it links, and this machine's
glibc has later ones than older systems know. The stubs have no code; at run time the real glibc takes
their place.

Usage: glibc_symbols.py CC VERSION FOLDER    writes libc.so, libm.so and so on into FOLDER
"""
import pathlib
import re
import subprocess
import sys


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True,
                          text=True).stdout


def number(version):
    return tuple(int(part) for part in version.split("."))


def symbols_of(library, newest):
    """{name: (version, is_object, size)}: of each symbol the last version that is not too new."""
    found = {}
    pattern = re.compile(r"^ *\d+: \w+ +(\w+) (FUNC|OBJECT|IFUNC|NOTYPE) +(?:GLOBAL|WEAK|UNIQUE) +DEFAULT +\w+ "
                         r"(\w+)@@?GLIBC_([\d.]+)$", re.M)
    for size, kind, name, version in pattern.findall(run("readelf", "--dyn-syms", "-W", library)):
        if number(version) > newest or name.startswith("GLIBC_"):
            continue
        if name not in found or number(found[name][0]) < number(version):
            found[name] = (version, kind == "OBJECT", int(size, 0))
    return found


def write_stub(cc, library, symbols, folder):
    source, script = folder / f"{library}.s", folder / f"{library}.map"
    lines, versions = [], sorted({entry[0] for entry in symbols.values()}, key=number)
    for index, (name, (version, is_object, size)) in enumerate(sorted(symbols.items())):
        lines += [".data" if is_object else ".text", f".globl stub_{index}",
                  f".type stub_{index}, {'@object' if is_object else '@function'}",
                  f"stub_{index}: .skip {max(size, 1) if is_object else 1}",
                  f".size stub_{index}, {max(size, 1) if is_object else 1}",
                  f".symver stub_{index}, {name}@@GLIBC_{version}"]
    lines.append('.section .note.GNU-stack,"",%progbits')
    source.write_text("\n".join(lines) + "\n")
    script.write_text("".join(f"GLIBC_{version} {{ }};\n" for version in versions[:-1]) +
                      f"GLIBC_{versions[-1]} {{ local: stub_*; }};\n")
    stub = folder / library
    run(cc, "-shared", "-nostdlib", source, f"-Wl,--version-script={script}",
        f"-Wl,-soname,{library}", "-o", stub)
    return stub


def main():
    cc, newest, folder = sys.argv[1], number(sys.argv[2]), pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)

    def real(name):
        return pathlib.Path(run(cc, f"-print-file-name={name}").strip())

    loader = real("ld-linux-x86-64.so.2")
    if not loader.is_absolute():
        loader = real("ld-linux-aarch64.so.1")
    # The loader's own functions are looked up in all libraries, whatever file the stub puts them into.
    # Without the loader among the needed libraries the library can be loaded by musl's, too.
    libc = write_stub(cc, "libc.so.6", symbols_of(real("libc.so.6"), newest) | symbols_of(loader, newest), folder)
    libm = write_stub(cc, "libm.so.6", symbols_of(real("libm.so.6"), newest), folder)
    # Where these functions were before 2.34: today's libraries of these names are empty.
    threads, loading = real("libpthread.so.0"), real("libdl.so.2")
    (folder / "libc.so").write_text(
        f"GROUP ( {libc} {real('libc_nonshared.a')} )\n")
    (folder / "libm.so").write_text(f"GROUP ( {libm} )\n")
    (folder / "libpthread.so").write_text(f"GROUP ( {threads} {loading} )\n")


if __name__ == "__main__":
    main()
