"""The repository that the book's buttons open is the one it is built from."""

import os
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
