"""A real nginx with the module: what the tests, the benchmark and the documentation's example have in
common. Standard library only."""
import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
import host  # noqa: E402: a module of the integration tests

FRAME = """
{load}
{user}
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log {level};
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {http}
  server {{
    listen 127.0.0.1:{port};
    {server}
  }}
}}
"""


def module():
    """The path of the module: $CONVOY_NGINX_MODULE, else that of the dev build."""
    path = pathlib.Path(os.environ.get("CONVOY_NGINX_MODULE") or
                        ROOT / "build" / "dev" / "nginx" / "ngx_http_convoy_module.so")
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built; set CONVOY_NGINX_MODULE")
    return str(path)


# nginx's Lua module as script/bootstrap unpacks it, and the binding.
LUA = pathlib.Path(os.environ.get("CONVOY_CACHE") or pathlib.Path.home() / ".cache/libconvoy",
                   "nginx-lua")
LUA_MODULES = LUA / "usr/lib/nginx/modules"
LUA_BINDING = pathlib.Path(os.environ.get("CONVOY_LUA_BINDING") or ROOT / "bindings" / "lua")
LUA_PATH = f"{LUA_BINDING}/?.lua;{LUA_BINDING}/?/init.lua;{LUA}/usr/share/lua/5.1/?.lua"


def has_lua():
    return LUA_MODULES.exists() and LUA_BINDING.exists()


def lua_head():
    """The directives that load the Lua module."""
    return (f"load_module {LUA_MODULES}/ndk_http_module.so; "
            f"load_module {LUA_MODULES}/ngx_http_lua_module.so; env CONVOY_LIBRARY;")


def lua_environment():
    """The environment for nginx in which the module finds its LuaJIT and libconvoy."""
    library = pathlib.Path(host.binary()).parents[1] / "lib" / "libconvoy.so"
    folder = next(LUA.glob("usr/lib/*/libluajit-5.1.so.2")).parent
    return {**os.environ, "CONVOY_LIBRARY": str(library), "LD_LIBRARY_PATH": str(folder)}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Nginx:
    """nginx in a folder. `server` is what its server block holds, `http` what stands before that;
    {folder} in both is the folder."""

    def __init__(self, folder, server, http="", workers=2, level="info", load=None, port=None,
                 environment=None):
        self.folder = folder
        self.port = port or free_port()
        self.environment = environment
        self.process = None
        self.write(server, http, workers, level, load)

    def write(self, server, http="", workers=2, level="info", load=None):
        """Writes a configuration, which reload() takes up."""
        text = FRAME.format(
            load=f"load_module {module()};" if load is None else load,
            user="user root;" if os.geteuid() == 0 else "", workers=workers, folder=self.folder,
            level=level, port=self.port, http=http.replace("{folder}", self.folder),
            server=server.replace("{folder}", self.folder))
        self.use(text)

    def use(self, text):
        """Takes a whole configuration."""
        pathlib.Path(self.folder, "nginx.conf").write_text(text)

    def command(self, *words):
        return ["nginx", "-c", f"{self.folder}/nginx.conf", "-p", self.folder,
                "-e", f"{self.folder}/error.log", *words]

    def check(self):
        """The exit code of `nginx -t`, and what it says."""
        done = subprocess.run(self.command("-t"), capture_output=True, text=True, timeout=60,
                              env=self.environment)
        return done.returncode, done.stderr

    def __enter__(self):
        self.process = subprocess.Popen(self.command("-g", "daemon off;"),
                                        stderr=subprocess.PIPE, text=True, env=self.environment)
        try:
            host.wait_until(self._answers, "nginx")
        except host.TimedOut:
            raise AssertionError(f"nginx does not answer:\n{self.log()}") from None
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"nginx ended: {self.process.stderr.read()}\n{self.log()}")
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGQUIT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            for pid in self.workers():
                os.kill(pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process.stderr.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def client(self, key=None):
        return host.Client(self.address, key)

    def send(self, method, path, body=None, headers=None):
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return host.Response(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def workers(self):
        """The process ids of the workers, those that are ending included."""
        listing = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in listing.read_text().split()]

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def log(self):
        return pathlib.Path(self.folder, "error.log").read_text(errors="replace")

    def serious(self):
        """Lines of the log that tell of a defect."""
        return re.findall(r"^.*(?:\[(?:emerg|alert|crit)\]|exited on signal).*$", self.log(), re.M)


def github(secret, body):
    """The headers of a genuine request."""
    return {"X-Hub-Signature-256": host.github_signature(secret, body),
            "X-GitHub-Delivery": "d-1", "Content-Type": "application/json"}
