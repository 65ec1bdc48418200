"""Webhooks and their dashboard in a Flask application: python3 app.py DATABASE PORT [PUBLIC_URL]

The gateway is mounted under /hooks, so the dashboard is at /hooks/ui/. PUBLIC_URL is where a proxy
in front shows the application.
"""
import sys

import flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import run_simple

import convoy

MOUNT = "/hooks"


def make_app():
    app = flask.Flask(__name__)

    @app.get("/")
    def home():
        # Relative, so that it is right behind a proxy, too.
        return flask.render_template_string(
            "<!doctype html><html lang=en><link rel=icon href=data:,><title>Shop</title><h1>Shop</h1>"
            "<p><a href='.{{ mount }}/ui/'>Webhooks</a>", mount=MOUNT)

    return app


def main():
    database, port = sys.argv[1], int(sys.argv[2])
    public_url = sys.argv[3] if len(sys.argv) > 3 else f"http://127.0.0.1:{port}"
    gateway = convoy.Gateway(convoy.Config({
        "storage.path": database,
        "gateway.public_url": public_url + MOUNT,
        "ui.prefix": "/ui",
        "deliver.allowed_networks": "127.0.0.0/8",  # a trial on one machine
    }))
    try:
        print(f"log in with {gateway.bootstrap()}", flush=True)
    except convoy.ConvoyError:
        pass  # the key was shown when the database was made
    with gateway:
        gateway.start()
        app = make_app()
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {MOUNT: convoy.wsgi(gateway)})
        run_simple("127.0.0.1", port, app, threaded=True)


if __name__ == "__main__":
    main()
