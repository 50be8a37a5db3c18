"""A chapter as one HTML file, as nbconvert makes it of a notebook."""

from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from nbconvert import HTMLExporter
from playwright.sync_api import expect

pytest_plugins = ["tests.browser"]
ROOT = Path(__file__).parents[1]
VIEW = "application/vnd.jupyter.widget-view+json"


def convert(path, **options):
    """A notebook's results, and its HTML: no widget is without its words there."""
    notebook = nbformat.read(path, as_version=4)
    html, _ = HTMLExporter(**options).from_notebook_node(notebook)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    results = [output.data for output in outputs if "data" in output]
    words = [data["text/plain"] for data in results if len(data) == 1 or VIEW in data]
    assert any(text.startswith("Logits: ") for text in words)
    assert [text for text in words if escape(text, quote=False) not in html] == []
    return results, html


def test_a_chapter_as_it_is_stored_shows_each_widget_in_words():
    _, html = convert(ROOT / "chapters" / "loss.ipynb")
    assert VIEW not in html


def test_the_widgets_of_a_chapter_that_was_run_work_in_one_file_without_a_network(
    browser, book, tmp_path
):
    executed = book.parent / "jupyter_execute" / "chapters" / "loss.ipynb"
    template = ROOT / "assets" / "notebook.html.j2"
    results, html = convert(executed, template_file=str(template))
    file = tmp_path / "loss.html"
    file.write_text(html, "utf-8")
    page, asked, raised = browser.new_page(), [], []
    page.on("request", lambda request: asked.append(urlsplit(request.url)))
    page.on("pageerror", lambda error: raised.append(error))
    page.goto(file.as_uri())
    count = sum(VIEW in data for data in results)
    expect(page.locator(".cnn-widget")).to_have_count(count, timeout=20_000)
    expect(page.locator(".widget-text")).to_have_count(0)
    logits = page.locator(".logits")
    expect(logits.locator(".sum")).to_contain_text("loss = −ln 0.6282 = 0.4649")
    logits.get_by_role("combobox", name="Logits").select_option("chance")
    expect(logits.locator(".sum")).to_contain_text("= 1.0986")
    assert raised == []
    # Formulas need MathJax, as in all that nbconvert makes; without it their TeX stays.
    hosts = {one.hostname for one in asked if one.scheme not in ("blob", "file")}
    assert hosts == {"cdnjs.cloudflare.com"}
    page.close()
