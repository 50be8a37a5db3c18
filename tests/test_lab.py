"""A widget with a kernel: in JupyterLab, what one side changes the other side sees."""

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
    "print('pixel', widget.image[0, 0, 0], 'corner', widget.output[0, 0, 0])",
    "widget.image = 9 - widget.image",
    "widget.stride = 0",
    "from cnnlib.widgets import Playground\n"
    "dense = ['Flatten', {'kind': 'Linear', 'out_features': 10}]\n"
    "play = Playground(dense, settings={'images': 50})\nplay",
    "print('epoch', play.history[-1]['epoch'], 'lr', play.settings['lr'])",
    "play.layers = ['ReLU', *dense]",
    "from cnnlib.widgets import PhotoKernel\nphoto = PhotoKernel('flower')\nphoto",
    "print('weight', photo.weight[0, 0, 0], 'output', photo.output.shape)",
    "photo.image = photo.image[:, ::3, ::4]",
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a notebook with CELLS in a JupyterLab of its own."""
    tmp_path = tmp_path_factory.mktemp("lab")
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


@pytest.fixture
def notebook(browser, lab):
    """The notebook's page, and run(index), which runs one of its cells."""
    page = browser.new_page(viewport={"width": 1280, "height": 1400})
    page.goto(lab)
    page.locator(".jp-Notebook .jp-CodeCell").nth(len(CELLS) - 1).wait_for(timeout=60_000)
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

    yield page, run
    page.close()


def test_the_page_and_python_share_the_numbers(notebook):
    page, run = notebook

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


def test_a_network_is_trained_in_the_page_and_read_and_changed_in_python(notebook):
    page, run = notebook
    run(4)
    play = page.locator(".playground")
    where = play.locator(".where")
    expect(where).to_contain_text("epoch 0", timeout=60_000)
    play.get_by_role("button", name="One epoch").click()
    expect(where).to_contain_text("epoch 1, batch 2", timeout=20_000)
    play.get_by_role("tab", name="Train").click()
    play.get_by_role("combobox", name="Learning rate").select_option("0.2")
    run(5)
    page.get_by_text("epoch 1 lr 0.2").wait_for(timeout=20_000)
    run(6)
    expect(play.locator("button.card")).to_have_count(3, timeout=20_000)
    expect(where).to_contain_text("epoch 0", timeout=20_000)


def test_a_kernel_on_a_photograph_is_shared_with_python(notebook):
    page, run = notebook
    run(7)
    photo = page.locator(".photo-kernel")
    photo.locator("[data-took]").wait_for(state="attached", timeout=60_000)
    photo.get_by_role("grid", name="Kernel", exact=True).locator(".number").first.click()
    page.keyboard.type("-4")
    page.keyboard.press("Enter")
    photo.get_by_text("Size, stride").click()
    photo.get_by_role("combobox", name="Stride").select_option("2")
    run(8)
    size = ((240 - 3) // 2 + 1, (320 - 3) // 2 + 1)
    page.get_by_text(f"weight -4 output (1, {size[0]}, {size[1]})").wait_for(timeout=20_000)
    run(9)
    expect(photo.locator(".caption").first).to_have_text("Photograph 80 × 80", timeout=20_000)
    assert photo.locator(".error").inner_text() == ""
