"""A site of another origin, whose page makes the browser send everything that it can to a server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PAGE = """<!doctype html>
<meta charset="utf-8">
<body>
<script>
const target = TARGET, log = [];
async function attempt(name, options) {
  try {
    const reply = await fetch(target + "/shop/" + options.path + "?name=" + encodeURIComponent(name), options);
    log.push([name, reply.status]);
  } catch (error) {
    log.push([name, "blocked"]);
  }
}
function form(name, encoding) {
  return new Promise(done => {
    const frame = document.createElement("iframe"), form = document.createElement("form");
    frame.name = name;
    form.action = target + "/shop/buy?name=" + encodeURIComponent(name);
    Object.assign(form, {method: "post", enctype: encoding, target: name});
    const field = document.createElement("input");
    Object.assign(field, {name: "{\\"a\\":\\"", value: "\\"}"});
    form.append(field);
    document.body.append(frame, form);
    frame.onload = () => done(log.push([name, "loaded"]));
    form.submit();
  });
}
async function run() {
  const types = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain",
                 "text/plain; application/json", "application/json", "application/msgpack", ""];
  for (const mode of ["no-cors", "cors"]) {
    for (const type of types) {
      const headers = type ? {"content-type": type} : {};
      for (const credentials of ["include", "omit"]) {
        const how = mode + " " + type + " " + credentials;
        await attempt("post " + how, {method: "POST", path: "buy", mode, headers, credentials, body: new Blob(["{}"])});
        await attempt("empty post " + how, {method: "POST", path: "buy", mode, headers, credentials});
      }
    }
    for (const method of ["PUT", "DELETE", "PATCH"]) {
      await attempt(method + " " + mode, {method, path: "change", mode});
    }
    await attempt("get " + mode, {method: "GET", path: "look", mode});
    await fetch(target + "/invoke", {method: "POST", mode, headers: {"content-type": "text/plain"},
      body: JSON.stringify({method: "foreign:foreign-shop:buy", args: ["invoke " + mode]})}).catch(() => 0);
    await fetch(target + "/invoke", {method: "POST", mode, headers: {"content-type": "application/json"},
      body: JSON.stringify({method: "foreign:foreign-shop:buy", args: ["invoke json " + mode]})}).catch(() => 0);
  }
  navigator.sendBeacon(target + "/shop/buy?name=beacon");
  navigator.sendBeacon(target + "/shop/buy?name=beacon-json", new Blob(["{}"], {type: "application/json"}));
  for (const encoding of ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]) {
    await form("form " + encoding, encoding);
  }
  await fetch("/report", {method: "POST", body: JSON.stringify(log)});
}
run();
</script>
"""


class ForeignSite:
    """Serves the page and takes its report."""

    def __init__(self, target: str) -> None:
        self.report: list[list[Any]] = []
        """What the page saw: the name of an attempt, and a status or "blocked"."""
        self.reported = threading.Event()
        self._page = _PAGE.replace("TARGET", json.dumps(target)).encode()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(site._page)

            def do_POST(self) -> None:
                site.report = json.loads(self.rfile.read(int(self.headers["content-length"])))
                self._answer(b"")
                site.reported.set()

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
                """Nothing is written for a request."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
