"""The book on this machine alone, or for a phone on the same network."""

import re
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.request import urlopen

import pytest

from tools import serve

SCRIPT = Path(serve.__file__)


@pytest.mark.parametrize(("host", "name"), [("localhost", "localhost"), ("0.0.0.0", "localhost")])
def test_the_address_that_is_printed_can_be_opened(host, name):
    command = [sys.executable, SCRIPT, host, "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            line = server.stdout.readline().decode()
            address = re.search(rf"http://{name}:\d+", line)[0]
            assert urlopen(f"{address}/").status == 200
        finally:
            server.terminate()


def test_every_address_in_the_network_is_named_and_no_other(monkeypatch):
    def card(*names):
        return [SimpleNamespace(address=name, family=socket.AF_INET) for name in names]

    cards = {"lo": card("127.0.0.1"), "wlan": card("192.168.1.7"), "eth": card("10.0.0.5")}
    cards["eth"].append(SimpleNamespace(address="fe80::1", family=socket.AF_INET6))
    monkeypatch.setattr("psutil.net_if_addrs", lambda: cards)
    assert serve.addresses("0.0.0.0") == ["localhost", "10.0.0.5", "192.168.1.7"]
    assert serve.addresses("localhost") == ["localhost"]


def test_a_port_in_use_is_told_in_a_sentence():
    with socket.socket() as used:
        used.bind(("127.0.0.1", 0))
        used.listen()
        port = str(used.getsockname()[1])
        with pytest.raises(SystemExit, match=f"127.0.0.1:{port} could not be opened"):
            serve.main("127.0.0.1", port)
