"""A chapter can be left out of _toc.yml: no page then warns or has a sentence that breaks off."""

import io
import re
from pathlib import Path

import nbformat
import pytest
from jupyter_book.config import get_final_config
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

pytest_plugins = ["tests.browser"]
ROOT = Path(__file__).parents[1]
FILES = [
    ROOT / "intro.md",
    *sorted(ROOT.glob("chapters/*.md")),
    *sorted(ROOT.glob("chapters/*.ipynb")),
]
# The texts link to the one with {term} and to the other with {cite}.
STAY = {"glossary", "bibliography"}
CHAPTERS = sorted({path.stem for path in FILES[1:]} - STAY)
ROLE = re.compile(r"\{chapter\}`(?:([^`<]*[^`<\s])\s*<)?(\w+)>?`")


def texts():
    """Where a text stands, in words, and the text."""
    for path in FILES:
        if path.suffix == ".md":
            yield path.name, path.read_text("utf-8")
            continue
        for number, cell in enumerate(nbformat.read(path, as_version=4).cells, 1):
            if cell.cell_type == "markdown":
                yield f"{path.name}, cell {number}", cell.source


def faults_of_links(text):
    """What is wrong with the links to chapters in a text, each in a sentence."""
    faults = []
    for link in re.findall(
        r"\]\(((?!\w+:|#)[\w./-]+\.(?:ipynb|md|html)[^)\s]*)\)|:target: (?!http)(\S+)", text
    ):
        faults.append(f"{''.join(link)}: a link to a chapter is written {{chapter}}`words <name>`")
    for role in ROLE.finditer(text):
        if role[2] not in {path.stem for path in FILES[1:]}:
            faults.append(f"{role[0]}: there is no chapters/{role[2]}")
        before = re.search(r"(^|\n\n|[.?!]\s+|`\s+)$", text[: role.start()])
        after = re.match(r"\s*($|\n\n|:::|```)|\s+[A-Z`{*]", text[role.end() :])
        if not role[1] and not (before and after):
            faults.append(
                f"{role[0]}: without words of its own it is a sentence of its own, after a full "
                "stop, because it vanishes when the chapter is left out"
            )
    return faults


def test_links_to_chapters_can_be_left_out():
    assert [f"{where}: {fault}" for where, text in texts() for fault in faults_of_links(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "So it is: {chapter}`loss`.",
        "It is told ({chapter}`loss`).",
        "It is so. {chapter}`loss` tells why.",
        "[why](loss.ipynb)",
        "[why](loss.ipynb#the-rule)",
        ":target: chapters/loss.html",
        "It is so. {chapter}`los`",
    ],
)
def test_a_link_that_would_leave_a_hole_is_found(text):
    assert len(faults_of_links(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "It is so. {chapter}`loss`",
        "{chapter}`It <loss>` is so.",
        "So. {chapter}`loss` It is [x](#y).",
    ],
)
def test_a_link_that_leaves_no_hole_is_accepted(text):
    assert faults_of_links(text) == []


@pytest.fixture
def read_book(book, tmp_path):
    """The book as Sphinx read it when it was built, and what Sphinx complains of from now on."""
    own = {"latex_individualpages": False, "external_toc_path": str(ROOT / "_toc.yml")}
    config, _ = get_final_config(
        user_yaml=ROOT / "_config.yml", sourcedir=ROOT, cli_config=own, validate=False
    )
    read, complaints = book.parent / ".doctrees", io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "tools")
        app = Sphinx(ROOT, None, tmp_path, read, "dummy", config, status=None, warning=complaints)
    return app, complaints


def test_each_chapter_can_be_left_out(read_book):
    app, complaints = read_book
    env = app.env
    linking = {
        name: {
            path.relative_to(ROOT).with_suffix("").as_posix()
            for path in FILES
            if re.search(rf"\{{chapter\}}`(?:[^`<]*<)?{name}>?`", path.read_text("utf-8"))
        }
        for name in CHAPTERS
    }
    assert max(map(len, linking.values())) > 3
    doctrees = {doc: env.get_doctree(doc) for doc in set().union(*linking.values())}
    for name in CHAPTERS:
        page = f"chapters/{name}"
        env.found_docs.remove(page)
        read = env.all_docs.pop(page)
        for doc in sorted(linking[name] - {page}):
            wanted = [
                one for one in doctrees[doc].findall(pending_xref) if one["reftarget"] == f"/{page}"
            ]
            assert wanted
            paragraphs = dict.fromkeys(one.parent.parent for one in wanted)
            excerpt = doctrees[doc].copy()
            excerpt += [paragraph.deepcopy() for paragraph in paragraphs]
            links = [
                (one.parent, one.astext())
                for one in excerpt.findall(pending_xref)
                if one["reftarget"] == f"/{page}"
            ]
            assert len(links) == len(wanted)
            env.resolve_references(excerpt, doc, app.builder)
            for wrapper, words in links:
                assert wrapper.astext() == words, f"{doc} still names {name}"
                assert "chapter-link" not in wrapper["classes"]
            for paragraph in excerpt:
                text = paragraph.astext().strip()
                assert not re.search(r"\(\)|\(\s|[,;(]$| [.,:;]", text), f"{doc}: {text}"
        env.found_docs.add(page)
        env.all_docs[page] = read
    assert complaints.getvalue() == ""
