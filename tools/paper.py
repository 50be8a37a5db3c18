"""The book on paper, on e-readers and as one archive, made of the built pages: no chapter runs.

python -m tools.paper pages
python -m tools.paper pdf
python -m tools.paper epub
python -m tools.paper zip

`pages` opens each page as it is printed and keeps it in _build/paper, its widgets as pictures;
the PDF and the EPUB are made of that. All three books lie in _build/html, whose first page offers
those that are there.
"""

import base64
import datetime
import io
import json
import re
import sys
import uuid
import zipfile
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlparse

import yaml
from bs4 import BeautifulSoup
from pikepdf import ObjectStreamMode, Pdf
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tools.book_site import BOOKS, OFFER, WIDGET_VIEW, offer_books
from tools.browser import launch

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SITE, PAPER = ROOT / "_build" / "html", ROOT / "_build" / "paper"
DRAWN = f"""() => [...document.querySelectorAll('script[type="{WIDGET_VIEW}"]')].every(
    (view) => view.nextElementSibling?.querySelector(".cnn-widget"))"""
PICTURED = ".cnn-widget:not(.check)"
XHTML = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"
lang="en" xml:lang="en" data-theme="light">
<head><meta charset="utf-8"/><title>{title}</title>{head}</head>
<body>{body}</body>
</html>
"""


def settings() -> dict:
    """Return the book's title, author and license, as _config.yml has them."""
    return yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))


def parts() -> list[tuple[str, list[str]]]:
    """Return the captions of the book's parts with the names of their pages; the first has none."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    rest = [(part["caption"], [one["file"] for one in part["chapters"]]) for part in toc["parts"]]
    return [("", [toc["root"]]), *rest]


# --- the pages ---


def said(page: Path) -> list[str]:
    """Return what each widget of a page that becomes a picture says of itself in words."""
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    texts = []
    for view in soup.select(f'article script[type="{WIDGET_VIEW}"]'):
        text = view.find_next_sibling(class_="widget-text")
        image = text and text.find("img")
        texts.append(image["alt"] if image else text.pre.get_text() if text else "")
    return [text for text in texts if not text.startswith("Check: ")]


def store(picture: bytes, path: Path) -> None:
    """Store a picture with a palette of 256 colors: a third of the bytes, and no eye sees it."""
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(256).save(path, optimize=True)


def take_pictures(page: Page, name: str, texts: list[str], folder: Path) -> list[dict]:
    """Store the pictures of a page's widgets; return for each what an <img> needs."""
    pictures = []
    for i, widget in enumerate(page.locator(PICTURED).all()):
        file, box = f"{name}-{i}.png", widget.bounding_box()
        store(widget.screenshot(animations="disabled"), folder / file)
        size = {"width": round(box["width"]), "height": round(box["height"])}
        alt = " ".join(texts[i].split()) or widget.get_attribute("aria-label")
        pictures.append({"src": f"pictures/{file}", "alt": alt, **size})
    return pictures


def open_printed(page: Page, site: Path, name: str) -> None:
    """Open a page of the site as it is when it is printed, and wait for its widgets."""
    page.goto((site / f"{name}.html").resolve().as_uri())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function(DRAWN)
    page.evaluate("document.fonts.ready")


def collect(browser: Browser, site: Path, names: list[str], folder: Path) -> None:
    """Write each page as XHTML into a folder, with its pictures, and pages.json, their list."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    keys = {name: name.rpartition("/")[2] for name in names}
    page = browser.new_page(viewport={"width": 760, "height": 1000}, device_scale_factor=2)
    page.emulate_media(media="print", color_scheme="light", reduced_motion="reduce")
    page.set_default_timeout(120_000)  # a busy machine draws a page slowly
    pages = {}
    for name, key in keys.items():
        open_printed(page, site, name)
        texts = said(site / f"{name}.html")
        pictures = take_pictures(page, key, texts, folder / "pictures")
        # The address of the published book is known where it was built: BOOK_URL.
        address = page.evaluate("document.querySelector('meta[property=\"og:url\"]')?.content")
        published = [address.removesuffix(f"{name}.html"), address] if address else None
        page.add_script_tag(path=HERE / "paper.js")
        given = {"name": key, "pages": keys, "pictures": pictures, "published": published}
        pages[key] = page.evaluate("given => onPaper(given)", given)
        for url in pages[key].pop("files"):
            file = Path(unquote(urlparse(url).path))
            (folder / "pictures" / file.name).write_bytes(file.read_bytes())
    page.close()
    known = {found for one in pages.values() for found in re.findall(r' id="([^"]+)"', one["html"])}

    def mend(link: re.Match) -> str:
        """Let a link to what is not printed lead to its page."""
        return link[0] if link[2] in known else f'href="{link[1]}.xhtml#{link[1]}"'

    for key, one in pages.items():
        text = re.sub(r'href="([\w-]+)\.xhtml#([^"]+)"', mend, one.pop("html"))
        (folder / f"{key}.html").write_text(text, "utf-8")
    write_styles(site, folder)
    (folder / "pages.json").write_text(json.dumps(pages), "utf-8")


MATH_FONT = re.compile(r'@font-face \{ font-family: "Book Math"; src: url\(([^)]*)\)')


def write_styles(site: Path, folder: Path) -> None:
    """Write the style of both books, with the colors of the code, and the font of the formulas."""
    style = (HERE / "paper.css").read_text("utf-8")
    colors = (site / "_static" / "pygments.css").read_text("utf-8")
    light = [line for line in colors.splitlines() if 'data-theme="light"] .highlight .' in line]
    font = MATH_FONT.search((site / "_static" / "theme.css").read_text("utf-8"))
    if font:
        (folder / "math.woff2").write_bytes(
            base64.b64decode(font[1].strip("\"'").partition(",")[2])
        )
        style = f'@font-face {{ font-family: "Book Math"; src: url(math.woff2); }}\n{style}'
    (folder / "paper.css").write_text("\n".join([style, *light, ""]), "utf-8")


# --- the PDF ---


def front_matter(pages: dict) -> str:
    """Return the title page and the contents, with room for the page numbers."""
    config = settings()
    logo = (ROOT / config["logo"]).read_text("utf-8")
    title, _, rest = config["title"].partition(", ")
    html = (
        f'<div class="title-page">{logo}<p class="title">{escape(title)}</p>'
        f'<p class="subtitle">{escape(rest)}</p><p>{escape(config["author"])}</p>'
        f'<p class="license">© {escape(str(config["copyright"]))}</p></div>'
        '<div class="contents"><p class="contents-title">Contents</p>'
    )
    for caption, names in parts():
        keys = [name.rpartition("/")[2] for name in names]
        lines = [
            f'<li><a href="#{key}"><span>{escape(pages[key]["title"])}</span>'
            f'<span class="number" data-page="{key}"></span></a></li>'
            for key in keys
            if key in pages
        ]
        if lines:
            heading = f"<p>{escape(caption)}</p>" if caption else ""
            html += f"{heading}<ul>{''.join(lines)}</ul>"
    return html + "</div>"


# E-readers do not take these rules, so they are not in paper.css.
PAGES = """@page { size: A4; margin: 22mm 25mm 24mm; @bottom-right { content: counter(page); } }
@page title { @bottom-right { content: none; } }
@page part { @bottom-right { content: none; } }"""


def one_document(folder: Path) -> str:
    """Return the whole book as one page: parts are its first headings, chapters the second."""
    pages = json.loads((folder / "pages.json").read_text("utf-8"))
    rules, body = [PAGES], front_matter(pages)
    for caption, names in parts():
        keys = [name.rpartition("/")[2] for name in names]
        for key in [key for key in keys if key in pages]:
            text = (folder / f"{key}.html").read_text("utf-8")
            text = re.sub(r"<(/?)h([1-5])\b", lambda tag: f"<{tag[1]}h{int(tag[2]) + 1}", text)
            text = re.sub(r'href="[\w-]+\.xhtml#', 'href="#', text)
            if caption:
                text = f'<div class="part"><h1>{escape(caption)}</h1></div>{text}'
                caption = ""
            body += text
            title = json.dumps(pages[key]["title"], ensure_ascii=False)
            rules.append(f"@page {key} {{ @bottom-left {{ content: {title}; }} }}")
            rules.append(f"#{key} {{ page: {key}; }}")
    head = (
        f'<meta name="author" content="{escape(settings()["author"])}"/>'
        f'<link rel="stylesheet" href="paper.css"/><style>{escape(chr(10).join(rules))}</style>'
    )
    return XHTML.format(title=escape(settings()["title"]), head=head, body=body)


def page_numbers(pdf: Pdf) -> dict[str, int]:
    """Return on which page, from 1, each place of the book is that a link leads to."""
    numbers = {page.objgen: number for number, page in enumerate(pdf.pages, 1)}
    return {name.lstrip("/"): numbers[to[0].objgen] for name, to in pdf.Root.Dests.items()}


def write_pdf(browser: Browser, folder: Path, path: Path) -> None:
    """Print the collected pages: once to know the page numbers, and again with them."""
    book = folder / "book.xhtml"
    book.write_text(one_document(folder), "utf-8")
    page = browser.new_page()
    page.set_default_timeout(600_000)
    page.goto(book.resolve().as_uri())
    page.evaluate("document.fonts.ready")
    options = {"prefer_css_page_size": True, "print_background": True, "tagged": True}
    numbers = page_numbers(Pdf.open(io.BytesIO(page.pdf(**options))))
    page.evaluate(
        """numbers => {
          for (const one of document.querySelectorAll("[data-page]"))
            one.textContent = numbers[one.dataset.page];
        }""",
        numbers,
    )
    pdf = Pdf.open(io.BytesIO(page.pdf(outline=True, **options)))
    pdf.docinfo["/Title"] = settings()["title"]
    pdf.docinfo["/Author"] = settings()["author"]
    pdf.save(path, object_stream_mode=ObjectStreamMode.generate)  # else it is twice as large
    page.close()


# --- the EPUB ---

CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="book/package.opf"
media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">{identifier}</dc:identifier>
<dc:title>{title}</dc:title>
<dc:language>en</dc:language>
<dc:creator>{author}</dc:creator>
<dc:rights>{rights}</dc:rights>
<meta property="dcterms:modified">{now}</meta>
<meta property="schema:accessMode">textual</meta>
<meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">MathML</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityHazard">none</meta>
</metadata>
<manifest>
{items}
</manifest>
<spine>
{spine}
</spine>
</package>
"""
KINDS = {
    ".xhtml": "application/xhtml+xml",
    ".css": "text/css",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain",
}
COVER = """<body style="box-sizing: border-box; height: 100vh; margin: 0; padding: 220px 90px;
background: #1f4e79; color: white; font: 84px/1.15 sans-serif">
<div style="width: 420px; margin-bottom: 120px">{logo}</div>
<b>{title}</b><p style="margin: 30px 0 160px; font-size: 54px">{rest}</p>
<p style="font-size: 40px">{author}</p></body>"""


def cover(browser: Browser) -> bytes:
    """Return the picture of the cover."""
    config = settings()
    title, _, rest = config["title"].partition(", ")
    logo = (ROOT / config["logo"]).read_text("utf-8")
    page = browser.new_page(viewport={"width": 1200, "height": 1600})
    page.set_content(COVER.format(logo=logo, title=title, rest=rest, author=config["author"]))
    picture = page.screenshot()
    page.close()
    return picture


def contents(pages: dict) -> str:
    """Return the contents of the EPUB: parts, chapters and their sections.

    A reader's menu has them all, the page of contents without the sections.
    """
    html = ""
    for caption, names in parts():
        keys = [name.rpartition("/")[2] for name in names]
        items = ""
        for key in [key for key in keys if key in pages]:
            sections = "".join(
                f'<li><a href="{key}.xhtml#{place}">{escape(title)}</a></li>'
                for place, title in pages[key]["sections"]
            )
            inner = f'<ol hidden="hidden">{sections}</ol>' if sections else ""
            items += f'<li><a href="{key}.xhtml">{escape(pages[key]["title"])}</a>{inner}</li>'
        if caption and items:
            items = f"<li><span>{escape(caption)}</span><ol>{items}</ol></li>"
        html += items
    return f'<nav epub:type="toc" id="toc"><h1>Contents</h1><ol>{html}</ol></nav>'


def write_epub(browser: Browser, folder: Path, path: Path) -> None:
    """Put the collected pages into an EPUB 3."""
    config = settings()
    pages = json.loads((folder / "pages.json").read_text("utf-8"))
    style = '<link rel="stylesheet" href="paper.css"/>'
    texts = {"nav": contents(pages)}
    texts |= {key: (folder / f"{key}.html").read_text("utf-8") for key in pages}
    titles = {"nav": "Contents"} | {key: one["title"] for key, one in pages.items()}
    files = {
        f"{key}.xhtml": XHTML.format(title=escape(titles[key]), head=style, body=text).encode()
        for key, text in texts.items()
    }
    spine = list(files)
    files |= {
        "cover.png": cover(browser),
        "STIX-OFL.txt": (ROOT / "assets/STIX-OFL.txt").read_bytes(),
    }
    shown = {found for text in texts.values() for found in re.findall(r'src="([^"]+)"', text)}
    for name in ["paper.css", "math.woff2", *sorted(shown)]:
        files[name] = (folder / name).read_bytes()
    marks = {"nav.xhtml": ["nav"], "cover.png": ["cover-image"]}
    for key, text in texts.items():
        if "<math" in text:
            marks.setdefault(f"{key}.xhtml", []).append("mathml")
    items = []
    for i, name in enumerate(files):
        mark = f' properties="{" ".join(marks[name])}"' if name in marks else ""
        kind = KINDS[Path(name).suffix]
        items.append(f'<item id="f{i}" href="{name}" media-type="{kind}"{mark}/>')
    package = PACKAGE.format(
        identifier=f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, config['title'])}",
        title=escape(config["title"]),
        author=escape(config["author"]),
        rights=escape(str(config["copyright"])),
        now=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        items="\n".join(items),
        spine="\n".join(f'<itemref idref="f{i}"/>' for i in range(len(spine))),
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        book.writestr("META-INF/container.xml", CONTAINER)
        book.writestr("book/package.opf", package)
        for name, content in files.items():
            book.writestr(f"book/{name}", content)


# --- the archive ---


def write_zip(site: Path, path: Path) -> None:
    """Put the whole site into an archive, whose first page offers none of the books."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(site.rglob("*")):
            name = f"cnn-book/{file.relative_to(site).as_posix()}"
            if file.parent == site and file.suffix == ".html":
                archive.writestr(name, OFFER.sub(r"\1 hidden>\2", file.read_text("utf-8")))
            elif file.is_file() and file.name not in BOOKS:
                archive.write(file, name)


def main(asked: str) -> None:
    """Make what is asked for."""
    if asked == "zip":
        write_zip(SITE, SITE / "cnn-book.zip")
    else:
        with sync_playwright() as playwright:
            browser = launch(playwright)
            if asked == "pages":
                collect(browser, SITE, [name for _, names in parts() for name in names], PAPER)
            elif asked == "pdf":
                write_pdf(browser, PAPER, SITE / "cnn-book.pdf")
            elif asked == "epub":
                write_epub(browser, PAPER, SITE / "cnn-book.epub")
            browser.close()
    offer_books(SITE)


if __name__ == "__main__":
    main(*sys.argv[1:])
