"""Debian's WebKit, driven by the few words of the W3C's protocol that tests/test_engines.py needs.

Its package is webkit2gtk-driver; a window is drawn on a screen that is not there, by xvfb. The
window is never narrower than 447 pixels.
"""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

DRIVER = shutil.which("WebKitWebDriver")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # as the protocol names it
KEYS = {
    "ArrowRight": "\ue014",
    "End": "\ue010",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "PageDown": "\ue00f",
    "PageUp": "\ue00e",
}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def running(*command, **options):
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.terminate()


class Session:
    def __init__(self, port, tries=100):
        self.address = f"http://127.0.0.1:{port}/session"
        window = next(Path("/usr").glob("lib*/*/webkit2gtk-4.*/MiniBrowser"))
        options = {"binary": str(window), "args": ["--automation"]}
        asked = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
        for left in reversed(range(tries)):
            try:
                session = self.post("", capabilities=asked)["sessionId"]
            except urllib.error.URLError:
                if not left:
                    raise
                time.sleep(0.1)  # until the driver listens
            else:
                break
        self.address += f"/{session}"

    def post(self, command, **arguments):
        request = urllib.request.Request(
            self.address + command,
            json.dumps(arguments).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def open(self, url):
        self.post("/url", url=url)

    def resize(self, width, height):
        self.post("/window/rect", width=width, height=height)

    def run(self, function, *given):
        """What a function of the page, written in JavaScript, returns or promises."""
        value = self.post(
            "/execute/async",
            args=given,
            script=f"""const given = [...arguments], done = given.pop();
                Promise.resolve().then(() => ({function})(...given)).then(
                  (value) => done({{ value }}), (error) => done({{ error: String(error) }}));""",
        )
        assert "error" not in value, value["error"]
        return value.get("value")

    def click(self, selector):
        middle = "selector => document.querySelector(selector).scrollIntoView({ block: 'center' })"
        self.run(middle, selector)  # where nothing stands over it
        found = self.post("/element", using="css selector", value=selector)
        self.post(f"/element/{found[ELEMENT]}/click")

    def press(self, *keys):
        strokes = [
            {"type": kind, "value": KEYS.get(key, key)}
            for key in keys
            for kind in ("keyDown", "keyUp")
        ]
        self.post("/actions", actions=[{"type": "key", "id": "keys", "actions": strokes}])


@contextmanager
def webkit():
    port = free_port()
    with running("Xvfb", "-displayfd", "1", "-screen", "0", "1600x1200x24", stdout=-1) as screen:
        number = screen.stdout.readline().decode().strip()
        with running(DRIVER, f"--port={port}", env=os.environ | {"DISPLAY": f":{number}"}):
            session = Session(port)
            yield session
            urllib.request.urlopen(urllib.request.Request(session.address, method="DELETE"))
