"""The repository that the book's buttons open, what chapters are run for, what pages share."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from tools import book_site

ROOT = Path(__file__).parents[1]


@pytest.fixture
def no_variables(monkeypatch):
    for name in ("GITHUB_REPOSITORY", "GITHUB_SERVER_URL", "BOOK_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def checkout(tmp_path, monkeypatch, no_variables):
    """A repository with a book of one page."""
    for name in ("_config.yml", "assets", "tools"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    (tmp_path / "_toc.yml").write_text("{format: jb-book, root: page}")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A page")])
    nbformat.write(notebook, tmp_path / "page.ipynb")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.setattr(book_site, "__file__", str(tmp_path / "tools" / "book_site.py"))
    return tmp_path


def links(checkout, **variables):
    """Build the book and return the addresses of its page's links to other hosts."""
    command = [Path(sys.executable).parent / "jupyter-book", "build", checkout, "-W", "-q"]
    subprocess.run(command, check=True, env={**os.environ, **variables}, capture_output=True)
    page = (checkout / "_build" / "html" / "page.html").read_text("utf-8")
    soup = BeautifulSoup(page, "html.parser")
    return [a["href"] for a in soup.find_all("a", href=True) if a["href"].startswith("http")], soup


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("https://github.com/owner/book.git", "https://github.com/owner/book"),
        ("https://name:secret@github.com/owner/book", "https://github.com/owner/book"),
        ("git@github.com:owner/book.js.git", "https://github.com/owner/book.js"),
        ("ssh://git@gitlab.com:22/owner/book/", "https://gitlab.com/owner/book"),
        ("https://git.example.org/owner/book.git", ""),
        ("/home/me/book", ""),
    ],
)
def test_the_remote_names_the_repository(checkout, origin, url):
    subprocess.run(["git", "-C", checkout, "remote", "add", "origin", origin], check=True)
    assert book_site.repository_url() == url


def test_the_variable_of_github_actions_goes_before_the_remote(checkout, monkeypatch):
    origin = ["remote", "add", "origin", "https://github.com/owner/book"]
    subprocess.run(["git", "-C", checkout, *origin], check=True)
    monkeypatch.setenv("GITHUB_REPOSITORY", "fork/book")
    assert book_site.repository_url() == "https://github.com/fork/book"
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example.com")
    assert book_site.repository_url() == "https://github.example.com/fork/book"


def test_a_book_without_a_repository_has_no_buttons_and_no_placeholders(checkout):
    found, soup = links(checkout)
    assert found == []
    assert soup.find("meta", property="og:image") is None
    (slides,) = soup.select(".header-article-items__end .btn-slides-button")  # a chapter's own
    assert slides["onclick"] == "location.hash = 'slides'"
    assert slides["title"] == "Slides"


def test_the_buttons_of_a_fork_open_the_fork(checkout):
    found, soup = links(
        checkout, GITHUB_REPOSITORY="fork/book", BOOK_URL="https://fork.github.io/book/"
    )
    assert "https://mybinder.org/v2/gh/fork/book/main?urlpath=lab/tree/page.ipynb" in found
    assert "https://colab.research.google.com/github/fork/book/blob/main/page.ipynb" in found
    assert "https://github.com/fork/book" in found
    image = soup.find("meta", property="og:image")["content"]
    assert image == "https://fork.github.io/book/_static/sliding-kernel.png"


COMPUTED_WITH = ["cnnlib/a.py", "cnnlib/widgets/a.py", "assets/a.json", "assets/a.safetensors"]
COMPUTED_WITH += ["tools/book_a.py", "requirements.txt"]


@pytest.mark.parametrize(
    "file",
    [*COMPUTED_WITH, "cnnlib/widgets/a.js", "cnnlib/widgets/a.css", "assets/a.js", "tools/a.py"],
)
def test_chapters_run_again_when_what_they_compute_with_changes(tmp_path, file):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("1")
    before = book_site.executed_with(tmp_path)
    path.write_text("2")
    assert (book_site.executed_with(tmp_path) != before) == (file in COMPUTED_WITH)


STATE = '<script type="application/vnd.jupyter.widget-state+json">{}</script>'
MODULES = {"layout": "@jupyter-widgets/base", "mine": "anywidget", "theirs": "anywidget"}
LARGE = [[0.5, "<b>"]] * 5000


def page_of(large):
    """A page with one widget of the library, one of another, and what ipywidgets add to them."""
    ids = {"mine": "cnnlib.widgets.logits.Logits", "theirs": "other.Widget", "layout": ""}
    common = {"_view_name": "AnyView", "layout": "IPY_MODEL_layout"}
    states = {
        name: {
            "model_module": MODULES[name],
            "state": {"_anywidget_id": ids[name], "large": large, "small": [1, 2], **common},
        }
        for name in MODULES
    }
    return f"<p>{STATE.format(json.dumps({'state': states}))}</p>"


@pytest.fixture
def shared(tmp_path):
    """What pages share, by two of them: the folder of the site, and their states."""
    (tmp_path / "deep").mkdir()
    pages = [tmp_path / "one.html", tmp_path / "deep" / "two.html"]
    for page in pages:
        page.write_text(page_of(LARGE), "utf-8")

    def shared():
        book_site.share_states(tmp_path)
        texts = [
            re.fullmatch(f"<p>{STATE.format('(.*)')}</p>".replace("+", "[+]"), p.read_text())
            for p in pages
        ]
        return [json.loads(text[1])["state"] for text in texts]

    shared.pages, shared.folder = pages, tmp_path / "_static" / "widgets" / "parts"
    return shared


def test_large_parts_of_states_lie_in_one_file_for_all_pages(shared):
    one, two = shared()
    assert one == two
    (file,) = shared.folder.iterdir()
    name = f"parts/{file.stem}"
    assert one["theirs"]["files"] == one["mine"]["files"] == {"large": name}
    text = file.read_text("utf-8")
    begin = f'(globalThis.widgetScripts ??= {{}})["{name}"] = '
    assert json.loads(text.removeprefix(begin).removesuffix(";\n")) == LARGE
    assert one["mine"]["state"]["small"] == [1, 2]
    assert shared() == [one, two]  # as it is when scripts are put into pages that are built
    assert list(shared.folder.iterdir()) == [file]


def test_a_state_has_nothing_that_no_page_uses(shared):
    one, _ = shared()
    assert set(one) == {"mine", "theirs"}
    assert set(one["mine"]["state"]) == {"_anywidget_id", "small"}
    assert "_view_name" in one["theirs"]["state"]  # what another library needs is not known here


def test_what_no_page_names_any_more_goes(shared):
    shared()
    for page in shared.pages:
        page.write_text(page_of([7] * 9000), "utf-8")
    before = set(shared.folder.iterdir())
    shared()
    assert len(before | set(shared.folder.iterdir())) == 2
    assert len(set(shared.folder.iterdir())) == 1


def test_what_pages_share_is_kept_with_them(shared, tmp_path):
    shared()
    for name in ("index", "search", "genindex"):
        (tmp_path / f"{name}.html").write_text('<a href="one.html">one</a>')
    book_site.write_widgets(tmp_path)
    book_site.list_for_offline(tmp_path)
    (file,) = shared.folder.iterdir()
    listed = json.loads((tmp_path / "offline.json").read_text())
    assert f"_static/widgets/parts/{file.name}?v=0" in listed


def test_what_the_theme_and_sphinx_leave_unnamed_is_named():
    signature = '<dt class="sig">f(<dl>\n<dd>x,</dd>\n<dd>y=<em>0</em>,</dd>\n</dl>\n\n)</dt>'
    lines = '<span class="sig-line">x,</span>\n<span class="sig-line">y=<em>0</em>,</span>\n'
    assert book_site.name_parts(signature) == f'<dt class="sig">f({lines}\n\n)</dt>'
    glossary = '<dl class="simple">\n<dt>a</dt><dd>b</dd>\n</dl>'
    assert book_site.name_parts(glossary) == glossary
    sidebar = BeautifulSoup(
        book_site.name_parts(f'{book_site.SIDEBAR}"bd-sidebar"></div>'), "html.parser"
    ).div
    assert (sidebar["role"], sidebar["aria-label"]) == ("navigation", "Book")
    assert book_site.name_parts(book_site.name_parts(signature)) == book_site.name_parts(signature)
