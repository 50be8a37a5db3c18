"""Widgets with a kernel, in JupyterLab and Notebook 7: what one side changes the other sees."""

import re
import socket
import subprocess
import sys
import time
from urllib.request import urlopen

import nbformat
import pytest
from playwright.sync_api import expect

pytest_plugins = ["tests.browser"]

CELLS = [
    "from cnnlib.widgets import SlidingKernel\nwidget = SlidingKernel()\nwidget",
    "from cnnlib.widgets import Playground\n"
    "dense = ['Flatten', {'kind': 'Linear', 'out_features': 10}]\n"
    "play = Playground(dense, settings={'images': 50})\nplay",
    "from cnnlib.widgets import PhotoKernel\nphoto = PhotoKernel('flower')\nphoto",
    "",  # here the tests type
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a Jupyter server of its own, for both front ends, with CELLS as a notebook."""
    tmp_path = tmp_path_factory.mktemp("lab")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, tmp_path / "widgets.ipynb")
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
    for _ in range(900):
        assert server.poll() is None, log.read_text()
        try:
            urlopen(f"{address}/api", timeout=5).close()
            return address
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start: {log.read_text()}")


class Notebook:
    """The notebook in a front end, after Run All Cells."""

    def __init__(self, page, address):
        self.page = page
        page.goto(address)
        self.cells = page.locator(".jp-Notebook .jp-CodeCell")
        expect(self.cells).to_have_count(len(CELLS), timeout=60_000)
        self.run(lambda: self.menu("Run", "Run All Cells"), cell=0)
        expect(page.locator(".cnn-widget")).to_have_count(3, timeout=60_000)

    def menu(self, *names):
        for name in names:
            self.page.get_by_role("menuitem", name=name, exact=True).click()

    def run(self, act, cell):
        """Act until a cell runs, and wait for its end: what comes before the kernel is dropped."""
        prompt = self.cells.nth(cell).locator(".jp-InputPrompt")
        before = prompt.inner_text()
        for _ in range(60):
            act()
            self.page.wait_for_timeout(500)
            if prompt.inner_text() != before:
                return expect(prompt).to_have_text(re.compile(r"\[\d+\]:"), timeout=60_000)
        raise AssertionError(f"cell {cell} was not run")

    def python(self, code):
        """Type code into the last cell and run it there; gives what it prints."""
        last = self.cells.last
        last.locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(code)
        self.run(lambda: self.page.keyboard.press("ControlOrMeta+Enter"), cell=len(CELLS) - 1)
        return last.locator(".jp-Cell-outputArea")


@pytest.fixture(scope="module", params=["lab/tree", "notebooks"], ids=["JupyterLab", "Notebook 7"])
def notebook(request, browser, server):
    # As high as all cells are: what is far from the window the front ends take out of the page.
    page = browser.new_page(viewport={"width": 1280, "height": 5000})
    yield Notebook(page, f"{server}/{request.param}/widgets.ipynb")
    page.close()


def test_the_page_and_python_share_the_numbers(notebook):
    widget = notebook.page.locator(".sliding-kernel")
    pixel = widget.get_by_role("grid", name="Image").locator("[data-row='0'][data-column='0']")
    expect(pixel).to_have_text(re.compile("^5"))
    pixel.click()
    notebook.page.keyboard.type("8")
    notebook.page.keyboard.press("Enter")
    printed = notebook.python("print(widget.image[0, 0, 0], widget.output[0, 0, 0])")
    expect(printed).to_have_text(f"8 {8.0 * 1 + 5 * 1 + 5 * 1 - 3 - 5 - 7 + 2}")

    notebook.python("widget.image = 9 - widget.image")
    expect(pixel).to_have_text(re.compile("^1"))

    refused = notebook.python("widget.stride = 0")
    sentence = "SlidingKernel: stride is 0; expected an integer of at least 1, a pair of them"
    expect(refused).to_contain_text(sentence)


def test_a_network_is_trained_in_the_page_and_read_and_changed_in_python(notebook):
    play = notebook.page.locator(".playground")
    where = play.locator(".where")
    expect(where).to_contain_text("epoch 0", timeout=60_000)
    play.get_by_role("button", name="One epoch").click()
    expect(where).to_contain_text("epoch 1, batch 2", timeout=20_000)
    play.get_by_role("tab", name="Train").click()
    play.get_by_role("combobox", name="Learning rate").select_option("0.2")
    printed = notebook.python("print(play.history[-1]['epoch'], play.settings['lr'])")
    expect(printed).to_have_text("1 0.2")
    notebook.python("play.layers = ['ReLU', *dense]")
    expect(play.locator("button.card")).to_have_count(3, timeout=20_000)
    expect(where).to_contain_text("epoch 0", timeout=20_000)


def test_a_kernel_on_a_photograph_is_shared_with_python(notebook):
    photo = notebook.page.locator(".photo-kernel")
    photo.locator("[data-took]").wait_for(state="attached", timeout=60_000)
    photo.get_by_role("grid", name="Kernel", exact=True).locator(".number").first.click()
    notebook.page.keyboard.type("-4")
    notebook.page.keyboard.press("Enter")
    photo.get_by_text("Size, stride").click()
    photo.get_by_role("combobox", name="Stride").select_option("2")
    printed = notebook.python("print(photo.weight[0, 0, 0], photo.output.shape)")
    expect(printed).to_have_text(f"-4 {(1, (240 - 3) // 2 + 1, (320 - 3) // 2 + 1)}")
    notebook.python("photo.image = photo.image[:, ::3, ::4]")
    expect(photo.locator(".caption").first).to_have_text("Photograph 80 × 80", timeout=20_000)
    expect(photo.locator(".error")).to_be_empty()
