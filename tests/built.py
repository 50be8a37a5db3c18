"""A pytest plugin: with --built, nbval compares what the cells have printed in the book's build.

That is what the pages show, and no chapter runs twice. Without the option nbval runs them itself.
"""

from collections import deque
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbFile

EXECUTED = Path(__file__).parents[1] / "_build" / "jupyter_execute" / "chapters"


class BuiltRun:
    """What nbval takes for a kernel: it answers each cell with what the build stored for it."""

    def __init__(self, executed):
        notebook = nbformat.read(executed, as_version=4)
        self.cells = iter([cell for cell in notebook.cells if cell.cell_type == "code"])
        self.messages = deque()

    def execute_cell_input(self, source, allow_stdin=None):
        cell = next(self.cells, None)
        if cell is None or cell.source != source:
            pytest.fail("the book was built from another version of this cell", pytrace=False)
        for output in cell.outputs:
            self.say(output.output_type, output)
        self.say("status", {"execution_state": "idle"})
        return "the cell"

    def say(self, kind, content):
        header = {"msg_id": "the cell"}
        self.messages.append({"msg_type": kind, "content": content, "parent_header": header})

    def get_message(self, stream, timeout=None):
        return self.messages.popleft()

    def await_reply(self, msg_id, timeout=None):
        pass

    def await_idle(self, msg_id, timeout=None):
        self.messages.clear()

    def is_alive(self):
        return True

    def stop(self):
        pass


def pytest_addoption(parser):
    parser.addoption("--built", action="store_true", help="compare what `make book` has printed")


def pytest_configure(config):
    if config.getoption("--built"):
        IPyNbFile.setup = set_up


def set_up(chapter):
    chapter.kernel = BuiltRun(EXECUTED / chapter.path.name)
    chapter.setup_sanitize_files()
