"""Python in the page: what a reader's browser loads when a cell is run, and nothing before.

Pyodide, a Python for browsers, comes from npm, and the packages that are compiled for it from its
release, each as the lock file in it says. All else is what the book is built with: the packages
that are Python alone, cnnlib, and the data of scikit-learn. It lies in _static/python, where
manifest.json names it; the page's part is assets/python.

To read its source takes a browser's Python three quarters of the time that it needs to start. So
what it loads is compiled here, once, by the same Pyodide in the Node that Playwright brings.
"""

import gzip
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path

import nbformat
import numpy as np
import playwright
import pooch
from docutils import nodes
from docutils.statemachine import StringList
from PIL import Image
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import cnnlib
from cnnlib import data
from cnnlib.exercises import CHECKS
from cnnlib.exercises.checking import as_code
from cnnlib.exercises.grading import CHECK

LOG = logging.getLogger(__name__)
ROOT = Path(__file__).parents[1]
RECORD = ROOT / "assets" / "cells.json"
LONG = 5.0  # seconds, from which a record says how long a cell takes
KEPT = Path(pooch.os_cache("cnnlib"))
PYODIDE = "314.0.7"
NPM = f"https://registry.npmjs.org/pyodide/-/pyodide-{PYODIDE}.tgz"
NPM_HASH = "66b7949e5a0cba2250b586d7e368bf12fb482800748d182c4618254b685ffaa0"
RELEASE = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE}/full/"
LIBRARY = "python_stdlib.zip"
CORE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", LIBRARY)
LOCK = "pyodide-lock.json"
# What is compiled, by the package whose first import fetches it; "" is fetched with Python.
COMPILED = {
    "": ("numpy",),
    "PIL": ("pillow",),
    "matplotlib": ("matplotlib", "contourpy", "kiwisolver"),
}
# What is Python alone, as it is installed here.
PURE = {
    "": (
        *("anywidget", "comm", "ipywidgets", "psygnal", "threadpoolctl", "tqdm", "traitlets"),
        "typing-extensions",
    ),
    "matplotlib": ("cycler", "packaging", "pyparsing", "python-dateutil", "six"),
}
NEEDS = {"matplotlib": ("PIL",)}
NODE = Path(playwright.__file__).parent / "driver" / ("node.exe" if os.name == "nt" else "node")
PACKAGES = "/lib/python3.14/site-packages/"  # where Pyodide's Python looks for them


def fetch() -> dict[str, Path]:
    """The files of Pyodide and the compiled packages, by their names; kept for further builds.

    PYODIDE_WHEELS may name a folder with packages that are compiled elsewhere. Raises OSError when
    something cannot be fetched, ValueError when it is not what its hash says.
    """
    archive = pooch.retrieve(NPM, f"sha256:{NPM_HASH}", f"pyodide-{PYODIDE}.tgz", KEPT)
    folder = KEPT / PYODIDE
    if not (folder / LOCK).exists():
        folder.mkdir(exist_ok=True)
        with tarfile.open(archive) as file:
            for name in (*CORE, LOCK):
                (folder / name).write_bytes(file.extractfile(f"package/{name}").read())
    files = {name: folder / name for name in (*CORE, LOCK)}
    packages = json.loads((folder / LOCK).read_text("utf-8"))["packages"]
    own = os.environ.get("PYODIDE_WHEELS")
    for name in sum(COMPILED.values(), ()):
        if own:
            found = sorted(Path(own).glob(f"{name}-*.whl"))
            if not found:
                raise FileNotFoundError(f"PYODIDE_WHEELS: there is no {name}-*.whl in {own}")
            files[name] = found[-1]
        else:
            one = packages[name]
            digest = f"sha256:{one['sha256']}"
            path = pooch.retrieve(RELEASE + one["file_name"], digest, one["file_name"], KEPT)
            files[name] = Path(path)
    return files


def of_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a zip file, a wheel for example."""
    with zipfile.ZipFile(path) as whole:
        for name in whole.namelist():
            if not name.endswith("/"):
                yield name, whole.read(name)


def of_distribution(name: str) -> Iterator[tuple[str, bytes]]:
    """The Python files of an installed package, with its version."""
    for file in distribution(name).files or ():
        is_code = file.suffix == ".py" and "tests" not in file.parts
        if is_code or file.name == "METADATA":
            yield str(file), file.locate().read_bytes()


def of_cnnlib() -> Iterator[tuple[str, bytes]]:
    """cnnlib with its records; the page has the widgets' scripts and styles."""
    package = Path(cnnlib.__file__).parent
    for file in sorted(package.rglob("*.py")):
        name = file.relative_to(package.parent).as_posix()
        yield name, file.read_bytes()
        if file.parent.name == "widgets" and file.with_suffix(".js").exists():
            yield name.removesuffix("py") + "js", b""
    yield "cnnlib/widgets/shared/view/widget.css", b""
    for file in sorted((ROOT / "assets").glob("*")):
        if file.suffix in (".json", ".safetensors"):
            yield f"cnnlib/assets/{file.name}", file.read_bytes()
        if file.suffix == ".jpg":
            yield f"cnnlib/assets/{file.name}", as_png(file)


def as_png(file: Path) -> bytes:
    """The pixels of a JPEG as PNG: not every Pillow that is compiled for a page reads JPEG."""
    content = io.BytesIO()
    with Image.open(file) as picture:
        picture.save(content, "PNG", optimize=True)
    return content.getvalue()


def of_page() -> Iterator[tuple[str, bytes]]:
    """What runs the cells, and what stands in for libraries that are too large."""
    from sklearn.datasets import load_digits  # which takes its time, and so only where it is needed

    folder = ROOT / "assets" / "python"
    yield "runner.py", (folder / "runner.py").read_bytes()
    for file in sorted((folder / "packages").rglob("*.py")):
        yield file.relative_to(folder / "packages").as_posix(), file.read_bytes()
    digits = data.digits()
    images = (digits.images[:, 0] * 16).astype(np.uint8)
    yield "sklearn/digits.txt", load_digits().DESCR.encode()
    yield "sklearn/digits.npz", packed(images=images, target=digits.labels.astype(np.uint8))


def of_photographs() -> Iterator[tuple[str, bytes]]:
    """A package with scikit-learn's two photographs."""
    images = {
        name: (image * 255).round().astype(np.uint8).transpose(1, 2, 0)
        for name, image in data.photographs().items()
    }
    yield "photographs/images.npz", packed(**images)
    module = ROOT / "assets" / "python" / "photographs" / "__init__.py"
    yield "photographs/__init__.py", module.read_bytes()


def packed(**arrays: np.ndarray) -> bytes:
    """Arrays as the content of an .npz file, the same at each build."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())
    return file.getvalue()


def tar(files: Iterable[tuple[str, bytes]]) -> bytes:
    """The content of a tar file, the same at each build."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as whole:
        for name, content in files:
            one = tarfile.TarInfo(name)
            one.size = len(content)
            whole.addfile(one, io.BytesIO(content))
    return file.getvalue()


def compiled(
    name: str, files: Iterable[tuple[str, bytes]], home: str = PACKAGES, own: bool = False
) -> list[tuple[str, bytes]]:
    """Files with the Python among them compiled; kept under a name for further builds.

    home: where they will lie. Of the book's own the source stays: an error shows its lines.
    """
    files = list(files)
    sources = tar(one for one in files if one[0].endswith(".py"))
    digest = sha256(sources + home.encode()).hexdigest()[:16]
    kept = KEPT / PYODIDE / f"{name}-{digest}.tar"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            begin, end = Path(folder, "from.tar"), Path(folder, "to.tar")
            begin.write_bytes(sources)
            script = ROOT / "tools" / "compile_python.mjs"
            subprocess.run([NODE, script, KEPT / PYODIDE, home, begin, end], check=True)
            for old in kept.parent.glob(f"{name}-*.tar"):
                old.unlink()
            shutil.copy(end, kept)
    with tarfile.open(kept) as whole:
        codes = {one.name[:-1]: whole.extractfile(one).read() for one in whole.getmembers()}
    if own:
        return [*files, *((beside(file), code) for file, code in codes.items())]
    return [(f"{file}c", codes[file]) if file in codes else (file, one) for file, one in files]


def beside(file: str) -> str:
    """Where Python looks for the compiled code of a file whose source is there."""
    path = Path(file)
    return (path.parent / "__pycache__" / f"{path.stem}.cpython-314.pyc").as_posix()


def archive(files: Iterable[tuple[str, bytes]]) -> bytes:
    """The content of a zip file, the same at each build."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as whole:
        for name, content in files:
            whole.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)
    return file.getvalue()


def packs(files: dict[str, Path]) -> Iterator[tuple[str, str, list[tuple[str, bytes]]]]:
    """What is fetched with a package: the package, the name of a file, and what is in it."""
    for package, names in COMPILED.items():
        name = package or "numpy"
        wheels = [one for wheel in names for one in of_archive(files[wheel])]
        pure = [one for other in PURE.get(package, ()) for one in of_distribution(other)]
        yield package, name, compiled(name, [*wheels, *pure])
    yield "", "book", compiled("book", [*of_cnnlib(), *of_page()], own=True)
    yield "photographs", "photographs", compiled("photographs", of_photographs(), own=True)


def write_python(site: Path, files: dict[str, Path], source: str = "") -> None:
    """Write what the worker loads, and the manifest that names it.

    source: the address of a copy of this folder that is to be asked instead, if there is one.
    """
    folder = site / "_static" / "python"
    manifest: dict = {"core": f"pyodide-{PYODIDE}/", "packages": {}}
    (folder / manifest["core"]).mkdir(parents=True, exist_ok=True)
    size = 0

    def write(name: str, content: bytes) -> str:
        nonlocal size
        size += len(content)
        (folder / name).write_bytes(content)
        return f"{name}?v={zlib.crc32(content):08x}"

    library = compiled("library", of_archive(files[LIBRARY]), "/lib/python314.zip/")
    for name in CORE:
        content = archive(library) if name == LIBRARY else files[name].read_bytes()
        write(manifest["core"] + name, content)
    manifest["core_bytes"] = size
    for package, name, pack in packs(files):
        address = write(f"{name}.tgz", gzip.compress(tar(pack), 6, mtime=0))
        manifest["packages"].setdefault(package, []).append(address)
    manifest["lock"] = json.loads(files[LOCK].read_text("utf-8")) | {"packages": {}}
    manifest["needs"] = NEEDS
    manifest["from"] = source and source.rstrip("/") + "/"
    manifest["bytes"] = {
        package: sum((folder / one.partition("?")[0]).stat().st_size for one in addresses)
        for package, addresses in manifest["packages"].items()
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def cells_of(path: Path) -> list[dict]:
    """What the page knows of a chapter's code cells: place, source, and what is told of it.

    That is the exercise it checks, how many seconds it takes if they are many (assets/cells.json),
    and, as the cell's metadata have it under "smaller", what may be replaced to make them fewer.
    """
    cells = []
    known = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
    known = known.get(path.stem, {"cells": {}})["cells"]
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code" or cell.id == "colab":
            continue
        one = {"id": f"code-{cell.id}", "source": cell.source}
        found = CHECK.search(cell.source)
        if found and "exercise" in cell.metadata.get("tags", ()):
            one["exercise"] = found[1]
        _, *seconds = known.get(one["id"], [""])
        if seconds:
            one["seconds"] = seconds[0]
        if smaller := cell.metadata.get("smaller"):
            one["smaller"] = smaller
        cells.append(one)
    return cells


class CellsThatRun(SphinxDirective):
    """A table of what assets/cells.json says of each chapter's cells."""

    def run(self) -> list[nodes.Node]:
        """The table: a row for each chapter of the book, in its order, and the sum of all."""
        toc = Path(self.env.srcdir, self.config.external_toc_path)
        for file in (RECORD, toc):
            self.env.note_dependency(str(file))
        record, rows, total = json.loads(RECORD.read_text("utf-8")), [], np.zeros(4, int)
        for name in re.findall(r"chapters/(\w+)$", toc.read_text("utf-8"), re.MULTILINE):
            if name not in record:
                continue
            cells = record[name]["cells"].values()
            results = [result for result, *_ in cells]
            absent = results.count("absent")
            numbers = len(results), len(results) - absent, results.count("same"), absent
            total += numbers
            slowest = max((seconds for _, *some in cells for seconds in some), default=0)
            told = f"{slowest} s" if slowest else f"less than {LONG:g} s"
            rows.append([f"{{doc}}`{name}`", *map(str, numbers), told])
        head = ["chapter", "cells", "run", "print the same", "lack a library", "the slowest takes"]
        lines = [head, ["---", *["---:"] * 5], *rows, ["together", *map(str, total), ""]]
        table = StringList([f"| {' | '.join(line)} |" for line in lines], str(RECORD))
        place = nodes.container()
        self.state.nested_parse(table, 0, place)
        return place.children


class RunButtons(SphinxPostTransform):
    """Give each code cell that a page shows a name, and a place for its buttons.

    The place is there from the beginning, so that nothing moves; assets/page.js fills it.
    """

    default_priority = 3
    formats = ("html",)

    def run(self, **kwargs: object) -> None:
        """Name the cells as the notebook does, and put the buttons under their code."""
        path = Path(self.env.doc2path(self.env.docname))
        if self.app.builder.name != "html" or path.suffix != ".ipynb":
            return
        names = [cell.id for cell in nbformat.read(path, as_version=4).cells]
        title = next(self.document.findall(nodes.title))
        all_cells = nodes.raw("", '<div class="run-page"></div>', format="html")
        title.parent.insert(title.parent.index(title) + 1, all_cells)
        for cell in list(self.document.findall(nodes.container)):
            if cell.get("nb_element") != "cell_code" or names[cell["cell_index"]] == "colab":
                continue
            cell["ids"].append(f"code-{names[cell['cell_index']]}")
            for part in cell.findall(nodes.container):
                if part.get("nb_element") == "cell_code_source":
                    source = part.astext()
                    part += nodes.raw("", buttons(source), format="html")


def buttons(source: str) -> str:
    """The place for a cell's buttons, and the hints of an exercise, as HTML."""
    found = CHECK.search(source)
    html = '<div class="run-tools"></div>'
    if found and found[1] in CHECKS:
        for number, hint in enumerate(getattr(CHECKS[found[1]], "hints", ()), 1):
            summary = f"<summary>Hint {number}</summary>"
            html += f"<details class='hint'>{summary}<p>{as_code(hint)}</p></details>"
    return html


def prepare(app: Sphinx) -> None:
    """Have the files at hand, or know why not."""
    app.python_files, app.python_missing = {}, ""
    if app.builder.name != "html":
        return
    try:
        app.python_files = fetch()
    except (OSError, ValueError) as error:
        app.python_missing = "it could not be fetched when this copy of the book was made"
        LOG.info("Python in the page: %s: %s", app.python_missing, error)
    # Where a build has Python and the one before had none, or the other way, all pages are written.
    app.config.python_is_here = bool(app.python_files)
    app.builder.build_info = app.builder.create_build_info()


def name_python(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Name in a chapter's page what is loaded when a cell is run."""
    if doctree is None or not app.env.doc2path(page).endswith(".ipynb"):
        return
    address = context["pathto"]
    files = {
        "run": "run.js",
        "editor": "codemirror.js",
        "worker": "worker.js",
        "manifest": "manifest.json",
        "cells": f"cells/{Path(page).name}.json",
    }
    named = {key: address(f"_static/python/{file}", 1) + "?v=0" for key, file in files.items()}
    known = {"missing": app.python_missing} if app.python_missing else named
    text = json.dumps(known).replace("<", "\\u003c")
    context["metatags"] += f'<script type="application/json" id="python">{text}</script>\n'


def write(site: Path, files: dict[str, Path], chapters: Iterable[Path], source: str = "") -> None:
    """Write all that belongs to Python in the page, as it is now."""
    folder = site / "_static" / "python"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "cells").mkdir(parents=True)
    for file in (ROOT / "assets" / "python").glob("*.js"):
        shutil.copy(file, folder)
    for path in chapters:
        text = json.dumps(cells_of(path), ensure_ascii=False)
        (folder / "cells" / f"{path.stem}.json").write_text(text, "utf-8")
    write_python(site, files, source)


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Write it when the pages are written."""
    if exception or app.builder.name != "html":
        return
    if app.python_files:
        paths = map(Path, map(app.env.doc2path, app.env.found_docs))
        chapters = [path for path in paths if path.suffix == ".ipynb"]
        write(Path(app.outdir), app.python_files, chapters, app.config.python_from)
    else:
        shutil.rmtree(Path(app.outdir, "_static", "python"), ignore_errors=True)


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.add_config_value("python_from", "", "")
    app.add_config_value("python_is_here", None, "html")
    app.add_directive("cells-that-run", CellsThatRun)
    app.add_post_transform(RunButtons)
    app.connect("builder-inited", prepare)
    app.connect("html-page-context", name_python)
    app.connect("build-finished", finish, priority=650)  # before book_site names what files hold
    return {"parallel_read_safe": True, "parallel_write_safe": True}
