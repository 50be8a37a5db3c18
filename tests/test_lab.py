"""A widget with a kernel: in JupyterLab, what one side changes the other side sees."""

import socket
import subprocess
import sys
import time
from urllib.request import urlopen

import nbformat
import pytest

pytest_plugins = ["tests.browser"]

CELLS = [
    "from cnnlib.widgets import SlidingKernel\nwidget = SlidingKernel()\nwidget",
    "print('pixel', widget.image[0, 0, 0], 'corner', widget.output[0, 0, 0])",
    "widget.image = 9 - widget.image",
    "widget.stride = 0",
]


@pytest.fixture
def lab(tmp_path):
    """The address of a notebook with CELLS in a JupyterLab of its own."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, tmp_path / "widget.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.root_dir": tmp_path,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": "",
        "LabApp.news_url": "",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    with open(tmp_path / "server.log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *arguments], stdout=log, stderr=log
        )
        try:
            yield wait_for(f"http://127.0.0.1:{port}", server, tmp_path / "server.log")
        finally:
            server.terminate()
            server.wait(20)


def wait_for(address, server, log):
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        try:
            urlopen(f"{address}/api", timeout=5).close()
            return f"{address}/lab/tree/widget.ipynb"
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start: {log.read_text()}")


def test_the_page_and_python_share_the_numbers(browser, lab):
    page = browser.new_page(viewport={"width": 1280, "height": 1400})
    page.goto(lab)
    page.locator(".jp-Notebook .jp-CodeCell").nth(3).wait_for(timeout=60_000)
    page.get_by_text("Kernel status: Idle").first.wait_for(state="attached", timeout=60_000)

    def run(index):
        cell = page.locator(".jp-CodeCell").nth(index)
        prompt = cell.locator(".jp-InputPrompt")
        # JupyterLab drops what is asked of it before its kernel is connected.
        for _ in range(20):
            cell.locator(".jp-InputArea-editor").click()
            page.keyboard.press("Shift+Enter")
            page.wait_for_timeout(500)
            if prompt.inner_text().strip() != "[ ]:":
                return
        raise AssertionError(f"cell {index} was not run")

    def pixel(row, column):
        grid = page.get_by_role("grid", name="Image")
        return grid.locator(f"[data-row='{row}'][data-column='{column}']")

    run(0)
    pixel(0, 0).wait_for(timeout=60_000)
    assert pixel(0, 0).inner_text().startswith("5")

    pixel(0, 0).click()
    page.keyboard.type("8")
    page.keyboard.press("Enter")
    run(1)
    corner = 8 * 1 + 5 * 1 + 5 * 1 - 3 - 5 - 7 + 2
    page.get_by_text(f"pixel 8 corner {corner}").wait_for(timeout=20_000)

    run(2)
    page.wait_for_function(
        "() => document.querySelector('[aria-label=Image] .number').innerText.startsWith('1')"
    )

    run(3)
    sentence = "SlidingKernel: stride is 0; expected an integer of at least 1, a pair of them"
    page.get_by_text(sentence).first.wait_for(timeout=20_000)
    page.close()
