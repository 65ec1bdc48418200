"""Puts packages of Maven Central, the Go proxy and source archives of PyPI into the build directory,
by the ordinary clients. Each set is installed once per content of its list; later runs look at a
stamp and need no network. Tests that run at once wait for each other.
"""
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from . import base


_TRIES = 3  # registries have bad moments


def _once(name, inputs, install):
    """Runs install(folder) unless the folder was installed from the same inputs."""
    folder = base.package_folder() / name
    digest = hashlib.sha256("\0".join(inputs).encode()).hexdigest()
    stamp = folder / ".installed"
    with open(base.package_folder() / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != digest:
            _try(install, folder)
            stamp.write_text(digest)
    return folder


def _try(install, folder):
    for tries_left in reversed(range(_TRIES)):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            return install(folder)
        except RuntimeError:
            if tries_left == 0:
                raise
            time.sleep(5)


def _run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stdout[-4000:]}")
    return done.stdout


def python_source(name, requirement):
    """The folder of a package's source archive, unpacked."""
    def install(folder):
        _run(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download",
             "--no-deps", "--no-binary", ":all:", "--dest", folder, requirement)
        for archive in list(folder.iterdir()):
            shutil.unpack_archive(archive, folder)
            archive.unlink()
    folder = _once(name, [requirement], install)
    return next(path for path in folder.iterdir() if path.is_dir())


_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>convoy</groupId><artifactId>{name}</artifactId><version>1</version>
  <dependencies>{dependencies}</dependencies>
</project>
"""
_DEPENDENCY = ("<dependency><groupId>{}</groupId><artifactId>{}</artifactId>"
               "<version>{}</version></dependency>")


def java_packages(name, *coordinates):
    """A class path of "group:artifact:version" and all that they depend on."""
    def install(folder):
        dependencies = "".join(_DEPENDENCY.format(*item.split(":")) for item in coordinates)
        (folder / "pom.xml").write_text(_POM.format(name=name, dependencies=dependencies))
        _run("mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars",
             "-DincludeScope=runtime", cwd=folder)
    return str(_once(name, coordinates, install) / "jars" / "*")


def go_program(name, source):
    """The program built from a folder with a go.mod."""
    files = sorted(path for path in pathlib.Path(source).iterdir()
                   if path.suffix == ".go" or path.name.startswith("go."))
    folder = _once(name, [path.read_text() for path in files], lambda folder: _run(
        _go_for(pathlib.Path(source) / "go.mod"), "build", "-o", folder / name, ".", cwd=source,
        env={**os.environ, "CGO_ENABLED": "0", "GOROOT": ""}))  # its own
    return folder / name


def _go_for(go_mod):
    """The Go that is installed, or the one that go.mod wants, if that is later: the Go proxy has Go
    itself as a module. Debian's is too old to fetch it by itself."""
    wanted = re.search(r"^go (.*)$", go_mod.read_text(), re.MULTILINE)[1]
    os_name, machine, version = _run("go", "env", "GOOS", "GOARCH", "GOVERSION").split()
    if _numbers(version.removeprefix("go")) >= _numbers(wanted):
        return "go"
    module = f"golang.org/toolchain@v0.0.1-go{wanted}.{os_name}-{machine}"
    # Outside of any module, whose go.mod an older Go might not understand.
    described = _run("go", "mod", "download", "-json", module, cwd="/")
    folder = pathlib.Path(json.loads(described)["Dir"])
    for program in [*folder.glob("bin/*"), *folder.glob("pkg/tool/*/*")]:
        program.chmod(0o555)  # modules hold no programs otherwise
    return folder / "bin" / "go"


def _numbers(version):
    return [int(number) for number in re.findall(r"\d+", version)]
