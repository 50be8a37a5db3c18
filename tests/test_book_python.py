"""What a page loads for Python, and what runs its cells, without a page."""

import ast
import builtins
import importlib.util
import io
import json
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import safetensors.numpy
import sklearn.datasets
from PIL import Image

from tools import book_python

ROOT = Path(__file__).parents[1]
HERE = ROOT / "assets" / "python"


def load(path, name):
    """A module from its file, under a name of its own."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Page:
    """Runs cells, and has what they sent."""

    def __init__(self, later=()):
        self.sent, self.fetched = [], []
        self.runner = load(HERE / "runner.py", "runner_of_test")
        self.kernel = self.runner.Kernel(
            lambda text: self.sent.append(json.loads(text)), later, self.fetched.append
        )

    def run(self, source):
        """The result, and the messages without the cell's name."""
        self.sent.clear()
        result = self.kernel.run("one", source)
        assert all(message.pop("cell") == "one" for message in self.sent)
        return result, self.sent


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(builtins, "input", input)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("torch", "pooch")]:
        monkeypatch.delitem(sys.modules, name)
    yield Page(later=["wave"])
    for name in [name for name in sys.modules if name.partition(".")[0] in ("torch", "pooch")]:
        del sys.modules[name]


def shown(text):
    return {"kind": "display", "data": {"text/plain": text}}


def printed(text, name="stdout"):
    return {"kind": "stream", "name": name, "text": text}


@pytest.mark.parametrize(
    ("source", "messages"),
    [
        ("", []),
        ("a = 2\na * 3", [shown(repr(2 * 3))]),
        ("2 * 3;", []),
        ("None", []),
        ("print(1)\nprint(2)\n3", [printed("1\n2\n"), shown("3")]),
        ("display('a', 2)", [shown("'a'"), shown("2")]),
        (
            "import sys\nprint(1)\nprint(2, file=sys.stderr)",
            [printed("1\n"), printed("2\n", "stderr")],
        ),
        ("if True:\n    5", []),
    ],
)
def test_a_cell_sends_what_it_prints_and_its_last_value(page, source, messages):
    assert page.run(source) == ("ok", messages)


def test_a_cell_that_prints_without_end_does_not_fill_the_page(page):
    result, sent = page.run("for n in range(100_000):\n    print('0123456789')\n5")
    text = "".join(message["text"] for message in sent[:-1])
    rest = "\n… What the cell prints from here on is not shown.\n"
    assert result == "ok"
    assert len(text) == page.runner.MOST + len(rest)
    assert text.endswith(rest)
    assert sent[-1] == shown("5")
    assert page.run("print(1)")[1] == [printed("1\n")]


def test_a_value_too_long_for_the_page_is_cut(page):
    _, [value] = page.run("[12345678] * 10_000")
    text = value["data"]["text/plain"]
    assert text[: page.runner.MOST] == repr([12345678] * 10_000)[: page.runner.MOST]
    assert text[page.runner.MOST :] == "\n… The rest of the 100,000 letters is not shown."


def test_a_cell_that_spoils_the_streams_spoils_its_own_only(page):
    page.run("import sys\nsys.stdout = sys.stderr = None")
    assert page.run("print(1)") == ("ok", [printed("1\n")])


def test_a_cell_is_interrupted_without_an_error(page):
    assert page.run("print(1)\nraise KeyboardInterrupt") == ("stopped", [printed("1\n")])


def test_names_stay_from_cell_to_cell(page):
    page.run("def double(x):\n    return 2 * x")
    assert page.run("double(4)")[1] == [shown(repr(2 * 4))]
    assert page.run("_ + 1")[1] == [shown(repr(2 * 4 + 1))]


def test_a_value_is_sent_in_all_its_forms(page):
    page.run("class A:\n    def _repr_html_(self): return '<b>a</b>'\n    __repr__ = lambda s: 'A'")
    forms = {"text/html": "<b>a</b>", "text/plain": "A"}
    assert page.run("A()")[1] == [{"kind": "display", "data": forms}]


@pytest.mark.parametrize(
    ("source", "name", "text", "line"),
    [
        ("a = 1\n\n1 / 0", "ZeroDivisionError", "division by zero", 3),
        ("def f():\n    return x_\n\nf()", "NameError", "name 'x_' is not defined", 2),
        ("a = 1\nb = a +", "SyntaxError", "invalid syntax", 2),
        ("%matplotlib inline", "SyntaxError", "% begins a command of Jupyter, not Python", 1),
        ("1\n!pip install x", "SyntaxError", "! begins a command of Jupyter, not Python", 2),
        ("import json\njson.loads('{')", "JSONDecodeError", None, 2),
        ("input('name?')", "RuntimeError", None, 1),
        ("import no_such_module", "ModuleNotFoundError", "No module named 'no_such_module'", 1),
        ("a = 1\nprint(“a”)", "SyntaxError", "invalid character '“' (U+201C); write \"", 2),
        ("5 − 3", "SyntaxError", "invalid character '−' (U+2212); write -", 1),
        ("a = €", "SyntaxError", "invalid character '€' (U+20AC)", 1),
        (
            "a =\xa01",
            "SyntaxError",
            "a space is of a kind that Python does not read; write it again",
            1,
        ),
    ],
)
def test_an_error_names_its_line_in_the_cell(page, source, name, text, line):
    result, [error] = page.run(source)
    assert result == "error"
    assert (error["kind"], error["name"], error["line"]) == ("error", name, line)
    assert text in (None, error["text"])
    assert "runner.py" not in error["traceback"]


def test_what_needs_torch_is_told_from_what_is_wrong(page):
    absent = {"kind": "absent", "library": "PyTorch"}
    first = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\nb = 1"
    assert page.run(first) == ("ok", [])
    draws = "import matplotlib.pyplot as plt\n_ = plt.figure()\nplt.plot([1, 2], [3, 4]);"
    assert page.run(draws)[0] == "ok"  # although matplotlib looks for torch's tensors
    assert page.run("x = torch.tensor(1)\ny = {}") == ("absent", [absent])
    assert page.run("print(x)") == ("absent", [absent])
    assert page.run("y['a']") == ("absent", [absent])
    assert page.run("z.append(F.relu(b))") == ("error", page.sent)  # there never was a z
    assert page.run("class Net(nn.Module):\n    pass") == ("absent", [absent])
    assert page.run("Net()") == ("absent", [absent])
    assert page.run("x = 3\nx") == ("ok", [shown("3")])
    assert page.run("x / 0")[0] == "error"  # the x of today is there: the fault is the reader's
    assert page.run("c")[0] == "error"
    download = {"kind": "absent", "library": "A download"}
    assert page.run("import pooch\npooch.retrieve('x')") == ("absent", [download])


def test_a_solution_is_kept_with_its_own_code_and_no_other(page, monkeypatch, tmp_path):
    from cnnlib import exercises

    monkeypatch.setattr(exercises, "SOLVED", {})
    right = "def my_relu(x):\n    return x.clip(0)\n"
    load = "from cnnlib.exercises import check, own"
    assert page.run(load)[1] == []
    _, sent = page.run(f'{right}check("activations-own")')
    assert [one for one in sent if one["kind"] == "solved"] == [
        {"kind": "solved", "label": "activations-own", "source": right}
    ]
    assert page.run("1;")[1] == []  # it is told once
    exercises.SOLVED.clear()
    kept = tmp_path / "solutions.json"
    kept.write_text(json.dumps({"activations-own": right}))
    monkeypatch.setenv("CNNLIB_SOLUTIONS", str(kept))
    assert page.run('theirs = own("activations-own")')[1] == []  # to take it is not to solve it
    assert page.run("theirs.__name__")[1] == [shown("'my_relu'")]


def test_a_package_is_fetched_when_it_is_first_imported(page):
    assert page.fetched == []
    page.run("import wave")
    page.run("import wave")
    assert page.fetched == ["wave"]


def test_a_package_that_did_not_come_is_asked_for_again(page, monkeypatch):
    def fail():
        raise OSError("404")

    monkeypatch.delitem(sys.modules, "wave", raising=False)
    before = sys.meta_path[0].before
    fetch, before["wave"] = before["wave"], fail
    result, [error] = page.run("import wave")
    text = "wave could not be loaded. Run the cell again when there is a network"
    assert (result, error["name"], error["text"]) == ("error", "ImportError", text)
    before["wave"] = fetch
    assert page.run("import wave") == ("ok", [])
    assert page.fetched == ["wave"]


def test_a_function_that_was_renamed_is_not_checked_as_it_was(page, monkeypatch):
    from cnnlib import exercises

    monkeypatch.setattr(exercises, "SOLVED", {})
    page.run("from cnnlib.exercises import check")
    right, check = "def my_relu(x):\n    return x.clip(0)\n", 'check("activations-own")'
    assert page.run(f"{right}{check}.right")[1][0] == shown("True")
    assert page.run(f"{right.replace('my_relu', 'mine')}{check}.right")[1][0] == shown("False")
    page.kernel.run("another cell", right)
    assert page.run(f"{check}.right")[1][0] == shown("True")


def test_a_figure_is_shown_and_closed(page):
    source = "import matplotlib.pyplot as plt\n_ = plt.figure(figsize=(3, 2))\nplt.plot([1, 2]);"
    result, [figure] = page.run(source)
    assert (result, list(figure["data"])) == ("ok", ["image/png"])
    assert page.run("plt.get_fignums()")[1] == [shown("[]")]


def test_long_values_go_over_several_lines_as_in_a_notebook(page):
    _, [value] = page.run("{name: 1 for name in 'abcdefghijklmnopqrst'}")
    lines = value["data"]["text/plain"].splitlines()
    assert len(lines) == len("abcdefghijklmnopqrst")


def test_what_stands_in_for_safetensors_reads_and_writes_its_files(tmp_path):
    own = load(HERE / "packages" / "safetensors" / "numpy.py", "own_safetensors")
    rng = np.random.default_rng(0)
    arrays = {
        "b": rng.normal(size=(2, 3)).astype(np.float32),
        "a": rng.normal(size=(4,)),
        "half": rng.normal(size=(1, 5)).astype(np.float16),
        "whole": np.array(7),
        "bytes": np.arange(3, dtype=np.uint8),
        "empty": np.zeros((0, 2), np.float32),
    }
    content = own.save(arrays, {"run": "ä"})
    theirs = safetensors.numpy.load(content)
    mine = own.load(safetensors.numpy.save(arrays, {"run": "ä"}))
    for name, array in arrays.items():
        for read in (theirs[name], mine[name]):
            assert read.dtype == array.dtype
            np.testing.assert_array_equal(read, array)
    own.save_file(arrays, tmp_path / "one")
    assert own.load_file(tmp_path / "one").keys() == arrays.keys()


def test_the_data_are_those_of_scikit_learn(tmp_path, monkeypatch):
    for name, content in [*book_python.of_page(), *book_python.of_photographs()]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    datasets = load(tmp_path / "sklearn" / "datasets.py", "own_datasets")
    theirs, mine = sklearn.datasets.load_digits(), datasets.load_digits()
    np.testing.assert_array_equal(mine.images, theirs.images)
    np.testing.assert_array_equal(mine.data, theirs.data)
    np.testing.assert_array_equal(mine.target, theirs.target)
    assert mine.DESCR == theirs.DESCR
    monkeypatch.syspath_prepend(tmp_path)
    theirs, mine = sklearn.datasets.load_sample_images(), datasets.load_sample_images()
    assert [Path(name).stem for name in mine.filenames] == [
        Path(name).stem for name in theirs.filenames
    ]
    for one, other in zip(mine.images, theirs.images, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_loaded_holds_what_cells_import():
    names = [name for name, _ in [*book_python.of_cnnlib(), *book_python.of_page()]]
    for name in ("runner.py", "cnnlib/convolution.py", "cnnlib/assets/mnist.safetensors"):
        assert name in names
    assert len(names) == len(set(names))


def test_python_is_compiled_and_the_books_own_keeps_its_source(tmp_path, monkeypatch):
    pyodide = book_python.KEPT / book_python.PYODIDE
    if not pyodide.exists():
        pytest.skip("Pyodide could not be fetched")
    (tmp_path / "kept" / book_python.PYODIDE).mkdir(parents=True)
    for name in (*book_python.CORE, book_python.LOCK):
        (tmp_path / "kept" / book_python.PYODIDE / name).symlink_to(pyodide / name)
    monkeypatch.setattr(book_python, "KEPT", tmp_path / "kept")
    files = [("a/__init__.py", b"x = 2 * 3\n"), ("a/b.txt", b"5"), ("c.py", b"def f(): 1 / 0\n")]
    others = dict(book_python.compiled("one", files))
    assert list(others) == ["a/__init__.pyc", "a/b.txt", "c.pyc"]
    assert others["a/b.txt"] == b"5"
    codes = others["a/__init__.pyc"], others["c.pyc"]
    for code in codes:
        assert int.from_bytes(code[4:8], "little") == 1  # not to be compared with a source
    assert b"/lib/python3.14/site-packages/c.py" in others["c.pyc"]
    own = book_python.compiled("one", files, own=True)
    beside = ["a/__pycache__/__init__.cpython-314.pyc", "__pycache__/c.cpython-314.pyc"]
    assert sorted(own) == sorted([*files, *zip(beside, codes, strict=True)])
    monkeypatch.setattr(book_python.subprocess, "run", None)  # it is not compiled again
    assert dict(book_python.compiled("one", files)) == others
    assert book_python.tar(own) == book_python.tar(own)


def test_the_photographs_of_a_page_need_no_jpeg():
    files = dict(book_python.of_cnnlib())
    for name in ("china.jpg", "flower.jpg"):
        packed = Image.open(io.BytesIO(files[f"cnnlib/assets/{name}"]))
        assert packed.format == "PNG"
        original = np.asarray(Image.open(ROOT / "assets" / name))
        np.testing.assert_array_equal(np.asarray(packed), original)


def test_the_pages_know_every_cell_but_the_one_for_colab():
    for path in (ROOT / "chapters").glob("*.ipynb"):
        cells = [cell for cell in nbformat.read(path, as_version=4).cells]
        code = [cell for cell in cells if cell.cell_type == "code" and cell.id != "colab"]
        known = book_python.cells_of(path)
        assert [cell["source"] for cell in known] == [cell.source for cell in code]
        assert len({cell["id"] for cell in known}) == len(known)


def test_what_makes_a_long_cell_shorter_is_in_it():
    shorter = [
        (cell["source"], text, less)
        for path in (ROOT / "chapters").glob("*.ipynb")
        for cell in book_python.cells_of(path)
        for text, less in cell.get("smaller", [])
    ]
    assert len(shorter) > 3
    for source, text, less in shorter:
        assert source.count(text) == 1
        ast.parse(source.replace(text, less))


def test_a_folder_without_a_package_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PYODIDE_WHEELS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"PYODIDE_WHEELS: there is no numpy-\*\.whl in "):
        book_python.fetch()


def test_matmul_without_blas_is_matmul():
    source = (HERE / "runner.py").read_text("utf-8")
    (function,) = [
        one for one in ast.parse(source).body if getattr(one, "name", "") == "replace_matmul"
    ]
    names = {"Any": object}
    exec(compile(ast.Module([function], []), "runner", "exec"), names)
    own = np.matmul
    try:
        names["replace_matmul"]()
        rng = np.random.default_rng(0)
        for shapes in [
            ((2, 3), (3, 4)),
            ((5, 2, 3), (3, 4)),
            ((5, 2, 3), (5, 3, 1)),
            ((3,), (3, 2)),
        ]:
            a, b = (rng.normal(size=shape) for shape in shapes)
            np.testing.assert_allclose(np.matmul(a, b), own(a, b), rtol=1e-12)
        out = np.empty((2, 4))
        assert np.matmul(rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), out=out) is out
        whole = np.arange(6).reshape(2, 3)
        assert np.matmul(whole, whole.T).dtype == whole.dtype
    finally:
        np.matmul = own


def test_the_record_of_what_runs_is_of_the_chapters_as_they_are():
    """Whoever changes a chapter's code runs `python -m tools.record_cells CHAPTER` again."""
    record = json.loads((ROOT / "assets" / "cells.json").read_text("utf-8"))
    runner = load(HERE / "runner.py", "runner_of_record")
    results = []
    for path in (ROOT / "chapters").glob("*.ipynb"):
        recorded = record[path.stem]["cells"]
        assert list(recorded) == [cell["id"] for cell in book_python.cells_of(path)], path.stem
        results += [result for result, *_ in recorded.values()]
        missing = set()  # what was missing: each absent cell names torch, or what such a cell makes
        for cell in book_python.cells_of(path):
            if recorded[cell["id"]][0] == "absent":
                tree = ast.parse(cell["source"])
                words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
                assert "torch" in cell["source"] or words & missing, (path.stem, cell["id"])
                missing |= runner.names_made(tree)
                missing |= {name for name in words if name in ("F", "nn")}
    assert set(results) == {"same", "other", "absent"}
    ran = results.count("same") + results.count("other")
    assert ran > 0.93 * len(results)
    assert results.count("same") >= 0.97 * ran
