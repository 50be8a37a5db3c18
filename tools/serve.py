"""Show the built book in a browser: python tools/serve.py HOST PORT.

With the host 0.0.0.0, a phone on the same network can open it, too.
"""

import functools
import ipaddress
import socket
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil

BOOK = Path(__file__).parents[1] / "_build" / "html"


def addresses(host: str) -> list[str]:
    """The names of this machine to type into a browser, that of this machine itself first."""
    if host != "0.0.0.0":
        return [host]
    cards = psutil.net_if_addrs().values()
    found = {one.address for card in cards for one in card if one.family == socket.AF_INET}
    own = [name for name in sorted(found) if not ipaddress.ip_address(name).is_loopback]
    return ["localhost", *own]


def main(host: str, port: str) -> None:
    """Serve until Ctrl-C."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=BOOK)
    try:
        server = ThreadingHTTPServer((host, int(port)), handler)
    except OSError as error:
        sys.exit(f"{host}:{port} could not be opened ({error}); try another: make serve PORT=8001")
    for address in addresses(host):
        print(f"The book is at http://{address}:{server.server_port}", flush=True)
    print("Ctrl-C stops it.", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main(*sys.argv[1:])
