"""libconvoy in Python: the webhooks gateway inside your own process, by ctypes.

    from convoy import Config, Gateway

    gateway = Gateway(Config({"storage.path": "events.db"}))
    gateway.start()
    reply = gateway.handle("POST", "/ingest/abc", headers=[("X-Hub-Signature-256", "…")], body=b"…")

The library is looked for in the environment variable CONVOY_LIBRARY, then by the system's loader.
"""
from convoy._events import Receipt
from convoy._gateway import ApiError, Config, Gateway, Incoming, mount
from convoy._local import Delivery, Refuse, Retry
from convoy._library import ConvoyError, version
from convoy._logs import LogLine
from convoy._outcomes import Outcome, OutcomeKind
from convoy._reply import Reply
from convoy._verifier import Answer, Verdict, Verifier, presets
from convoy._wsgi import wsgi

__all__ = ["Answer", "ApiError", "Config", "ConvoyError", "Delivery", "Gateway", "Incoming",
           "LogLine", "Outcome", "OutcomeKind", "Receipt", "Refuse", "Reply", "Retry", "Verdict",
           "Verifier", "mount", "presets", "version", "wsgi"]
