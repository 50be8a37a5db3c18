import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cnnlib
from cnnlib import plots
from cnnlib.widgets import Question

MODULES = sorted(Path(cnnlib.__file__).parent.glob("*.py"))
ON_TOP = {"plots", "reproduce"}  # figures and a command: nothing in the core imports them


def code_lines(path):
    """The lines of a module that a budget counts, of it all and of each function.

    Blank lines, closing brackets, comments and docstrings are not counted.
    """
    text = path.read_text("utf-8")
    lines = {n for n, line in enumerate(text.splitlines(), 1) if line.strip(" )]}")}
    lines -= {n for n, line in enumerate(text.splitlines(), 1) if line.lstrip().startswith("#")}
    functions = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            if ast.get_docstring(node):
                lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
            if isinstance(node, ast.FunctionDef):
                functions[node.name, node.lineno] = set(range(node.lineno, node.end_lineno + 1))
    return len(lines), {name: len(lines & own) for (name, _), own in functions.items()}


def test_no_module_of_the_core_is_longer_than_one_reads_at_once():
    core = [path for path in MODULES if path.stem not in ON_TOP]
    lines = {path.stem: code_lines(path)[0] for path in core}
    assert lines["convolution"] > 100  # something was counted
    assert not {n: k for n, k in lines.items() if k > 250}


def test_a_function_fits_a_screen():
    lines = {(path.stem, n): k for path in MODULES for n, k in code_lines(path)[1].items()}
    assert lines["training", "fit"] > 40  # something was counted
    assert not {name: k for name, k in lines.items() if k > 55}


def test_importing_cnnlib_is_quick_and_does_not_import_what_may_never_be_used():
    heavy = "matplotlib PIL anywidget ipywidgets sklearn tqdm pooch safetensors".split()
    code = f"import sys, cnnlib; print([m for m in {[*heavy, 'torch']} if m in sys.modules])"
    root = Path(cnnlib.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert done.stdout.strip() == "[]", done.stderr


def test_no_function_hides_the_module_of_its_name():
    for path in MODULES:
        if path.stem != "__init__":
            module = importlib.import_module(f"cnnlib.{path.stem}")
            assert getattr(cnnlib, path.stem) is module, path.stem


def test_the_trained_network_needs_no_widget():
    code = "import sys; from cnnlib.classifiers import trained_mnist_network as made; made()"
    code += "; print([m for m in sys.modules if 'widget' in m])"
    root = Path(cnnlib.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert done.stdout.strip() == "[]", done.stderr


def test_every_public_function_and_class_of_a_layer_module_is_importable_from_cnnlib():
    internal = {
        "checkpoints",
        "checks",
        "classifiers",
        "downloads",
        "layer",
        "progress",
        "records",
        "__init__",
        "worked_example",
    } | ON_TOP
    hidden = {
        "Correlation",
        "rows_first",
        "side_by_side",
        "in_halves",
        "or_one_image",
        "Windows",
        "transposed_geometry",
        "transposed_windows",
        "Run",
        "Row",
        "Summary",
        "Source",
        "Split",
    }
    hidden |= {"Folder", "usable", "not_finite", "batch_count"}
    hidden |= {
        "padding_sides",
        "fans",
        "check_data",
        "Optimizer",
        "Schedule",
        "Loss",
    }
    for path in MODULES:
        if path.stem not in internal:
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_":
                    assert hasattr(cnnlib, node.name) or node.name in hidden, node.name


def public(module):
    return [
        one
        for name, one in vars(module).items()
        if name[0] != "_" and callable(one) and one.__module__.startswith("cnnlib")
    ]


def test_every_function_and_class_refuses_an_argument_that_it_does_not_know():
    asked = [*public(cnnlib), *public(plots), Question]
    classes = [one for one in asked if inspect.isclass(one)]
    methods = {m for one in classes for _, m in inspect.getmembers(one, inspect.isfunction)}
    asked += [m for m in methods if m.__name__[0] != "_" and m.__module__.startswith("cnnlib")]
    assert {cnnlib.fit, cnnlib.conv2d, cnnlib.SGD.step, plots.show_images} <= set(asked)
    for one in asked:
        with pytest.raises(TypeError):
            one(qqqq=1)
    x = np.ones((1, 1, 4, 5))
    with pytest.raises(TypeError, match="unexpected keyword argument 'strides'"):
        cnnlib.conv2d(x, x[..., :2, :2], strides=2)
