"""The teacher's kit: what is listed is there, and nothing outside of its folder is needed."""

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tools import kit, worksheets
from tools.answer_key import of_book

pytest_plugins = ["tests.browser"]
CHAPTERS = Path(__file__).parents[1] / "chapters"


@pytest.fixture(scope="module")
def folder(book, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kit")
    kit.write(folder, 7)
    return folder


def test_the_list_leads_to_every_file_and_to_no_other(folder):
    soup = BeautifulSoup((folder / "index.html").read_text("utf-8"), "html.parser")
    linked = {one["href"] for one in soup.select("a")}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert linked == files - {"index.html"}
    assert len(linked) > 2 * len(worksheets.SHEETS) + 20


def test_the_key_has_every_solution_of_the_book_in_its_order(folder):
    key = (folder / "key.html").read_text("utf-8")
    for name in of_book():
        path = CHAPTERS / f"{name}.ipynb"
        if not path.exists():
            continue
        count = path.read_text("utf-8").count("{solution-start}")
        assert count > 0
        part, _, key = key.partition("<h2>")[2].partition("<h2>")
        key = f"<h2>{key}"
        numbers = re.findall(r"<h3>Exercise (?:\d+\.)?(\d+) \((?:easy|medium|hard)\)</h3>", part)
        assert len(numbers) == count, name
        assert list(map(int, numbers)) == sorted(map(int, numbers))
    assert key == "<h2>"


def test_no_page_asks_for_anything_and_none_is_wider_than_its_window(folder, page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for name in ("index", "key"):
        page.goto((folder / f"{name}.html").as_uri())
        page.set_viewport_size({"width": 390, "height": 844})
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not page.evaluate(wide), name
    page.set_viewport_size({"width": 1440, "height": 900})
    assert [url for url in asked if not url.startswith(("data:", folder.as_uri()))] == []
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
