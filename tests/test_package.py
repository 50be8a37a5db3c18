"""The package as it leaves the checkout: the wheel, Colab's first cell, and Binder's image."""

import json
import shutil
import subprocess
import sys
import threading
import types
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import nbformat
import pytest

import cnnlib
from tools import run_notebooks

ROOT = Path(__file__).parents[1]
COLAB_CELL = (ROOT / "tools" / "colab_cell.py").read_text("utf-8")
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """A wheel built in a folder of its own, where no older build can shine through."""
    folder = tmp_path_factory.mktemp("wheel")
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("assets", "cnnlib"):
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    pip("wheel", "--no-build-isolation", "--wheel-dir", folder, folder / "source")
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """A folder outside the checkout into which the wheel is installed."""
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--target", folder, wheel)
    return folder


def pip(command, *arguments):
    subprocess.run(
        [sys.executable, "-m", "pip", command, "-q", "--no-deps", *arguments], check=True
    )


def test_the_wheel_holds_every_file_of_the_package(wheel):
    files = [path for path in (ROOT / "cnnlib").rglob("*") if path.suffix in (".py", ".js", ".css")]
    assert {path.suffix for path in files} == {".py", ".js", ".css"}
    expected = {path.relative_to(ROOT).as_posix() for path in files}
    expected |= {f"cnnlib/assets/{name}.safetensors" for name in ("mnist", "cifar10")}
    expected |= {"cnnlib/assets/cifar10_examples.jpg", "cnnlib/py.typed"}
    assert expected <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_has_the_version_that_the_package_tells(wheel):
    assert wheel.name.startswith(f"cnnlib-{cnnlib.__version__}-")


def test_a_chapter_rerun_outside_the_checkout_gives_the_stored_bytes(
    installed, tmp_path, monkeypatch
):
    """With the wheel alone, a chapter that reads a record, trains and plots."""
    monkeypatch.setenv("PYTHONPATH", str(installed))
    where = [sys.executable, "-c", "import cnnlib; print(cnnlib.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(installed)
    chapter = ROOT / "chapters" / "why_convolution.ipynb"
    copy = shutil.copy(chapter, tmp_path)
    assert run_notebooks.run(Path(copy)) == chapter.read_text("utf-8")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_first_code_cell_is_the_one_for_colab(path):
    cells = nbformat.read(path, as_version=4).cells
    first = next(cell for cell in cells if cell.cell_type == "code")
    assert first.source == COLAB_CELL.rstrip()
    assert first.metadata.tags == ["remove-cell"]
    assert first.metadata.jupyter.source_hidden and first.metadata.cellView == "form"
    assert first.source.startswith("# @title ")  # a form shows this line alone
    assert first.outputs == []


class Colab:
    """What the cell meets in Colab: its module, its list of sessions, and no cnnlib.

    `notebook` is what the page answers when it is asked for the notebook; None, if it is silent.
    """

    def __init__(self, monkeypatch, path, notebook=None):
        self.called = []
        output = types.SimpleNamespace(
            enable_custom_widget_manager=lambda: self.called.append("custom widgets")
        )
        colab = types.ModuleType("google.colab")
        colab.output = output
        answers = {"get_ipynb": notebook}
        colab._message = types.SimpleNamespace(blocking_request=answers.__getitem__)
        monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
        monkeypatch.setitem(sys.modules, "google.colab", colab)
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        answer = json.dumps([{"name": "convolution.ipynb", "path": path}]).encode()

        class Sessions(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == "/api/sessions" else 404)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Sessions)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        monkeypatch.setenv("COLAB_JUPYTER_IP", "127.0.0.1")
        monkeypatch.setenv("KMP_TARGET_PORT", str(self.server.server_port))

    def run_cell(self):
        shell = types.SimpleNamespace(run_line_magic=lambda *line: self.called.append(line))
        exec(COLAB_CELL, {"get_ipython": lambda: shell})

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def colab(monkeypatch):
    machines = []

    def start(path, notebook=None):
        machines.append(Colab(monkeypatch, path, notebook))
        return machines[-1]

    yield start
    for machine in machines:
        machine.stop()


@pytest.mark.parametrize(
    "path",
    [
        "fileId=https%3A%2F%2Fgithub.com%2Ffork%2Fa.book%2Fblob%2Fmain%2Fchapters%2Fa.ipynb",
        "fileId=https%3A//github.com/fork/a.book/blob/main/chapters/a.ipynb",
    ],
)
def test_colab_installs_from_the_repository_of_the_notebook(colab, path):
    machine = colab(path)
    machine.run_cell()
    url = "https://github.com/fork/a.book/archive/main.zip"
    assert machine.called == [("pip", f"install -q {url}"), "custom widgets"]


def copied_from(*addresses):
    """A notebook as Colab saves a copy in Drive: the newest of its origins comes first."""
    origins = [{"file_id": address, "timestamp": 1669093216189} for address in addresses]
    return {"ipynb": {"cells": [], "metadata": {"colab": {"provenance": origins}}}}


CHAPTER = "https://github.com/fork/a.book/blob/main/chapters/a.ipynb"


@pytest.mark.parametrize(
    "origins",
    [
        [CHAPTER],
        ["1w6mqQiNV3", CHAPTER, "https://github.com/owner/book/blob/main/chapters/a.ipynb"],
    ],
)
def test_colab_installs_from_what_a_copy_in_google_drive_was_copied_from(colab, origins):
    machine = colab("fileId=1a2b3c", copied_from(*origins))
    machine.run_cell()
    url = "https://github.com/fork/a.book/archive/main.zip"
    assert machine.called == [("pip", f"install -q {url}"), "custom widgets"]


def test_a_copy_installs_even_when_no_session_answers(colab):
    machine = colab("", copied_from(CHAPTER))
    machine.stop()
    machine.run_cell()
    assert machine.called[-1] == "custom widgets"


@pytest.mark.parametrize("notebook", [None, {}, copied_from(), copied_from("1w6mqQiNV3")])
def test_colab_says_what_to_do_with_a_copy_of_unknown_origin(colab, notebook):
    with pytest.raises(SystemExit, match="Open the chapter in Colab by the rocket on its page"):
        colab("fileId=1a2b3c", notebook).run_cell()


def test_colab_installs_nothing_when_cnnlib_is_there(colab, monkeypatch):
    machine = colab("fileId=1a2b3c")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: "found")
    machine.run_cell()
    assert machine.called == ["custom widgets"]


def test_elsewhere_the_cell_does_nothing(capsys):
    exec(COLAB_CELL, {})
    assert capsys.readouterr() == ("", "")


def test_on_binder_numpy_computes_with_one_thread():
    """Its servers have many cores and give a reader a part of one."""
    command = [ROOT / ".binder" / "start", sys.executable, "-c"]
    code = "import os; print(os.environ['OMP_NUM_THREADS'])"
    run = subprocess.run([*command, code], capture_output=True, text=True, check=True)
    assert run.stdout == "1\n"


def test_binder_accepts_the_repository():
    command = [Path(sys.executable).with_name("jupyter-repo2docker"), "--no-build", "--debug", ROOT]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    dockerfile = run.stdout + run.stderr
    assert "python=3.11" in dockerfile
    assert "/.binder/start" in dockerfile
    copied, installed = "COPY --chown=0:0 src/ ", 'pip install --no-cache-dir -r ".binder/'
    assert 0 < dockerfile.index(copied) < dockerfile.index(installed)
