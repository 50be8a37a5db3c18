"""What the book's pages are written with besides MyST.

The role {chapter}`pooling` becomes a link with that chapter's title, and {chapter}`words <pooling>`
a link of these words. While _toc.yml has no such chapter, nothing is left of the first and the
words of the second, so the first is a sentence of its own. The directive {sources} becomes the
tables of assets/sources.yml. In a chapter, the first use of each of the glossary's terms becomes a
link. Docstrings, which are plain text with `code` and with headings, become reStructuredText for
autodoc.
"""

import copy
import re
from collections.abc import Iterable
from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import ReferenceRole, SphinxDirective

SOURCES = Path(__file__).parents[1] / "assets" / "sources.yml"
VERDICTS = ("confirmed", "corrected", "completed")
GLOSSARY = "chapters/glossary"
# These stand in the glossary for the one place where they are a term; elsewhere they are words.
WORDS = {"class", "feature", "label", "shape", "training", "translation"}
NO_PROSE = (nodes.reference, nodes.literal, nodes.math, nodes.title, nodes.raw)
HEADS = {"Fact": 34, "The text says": 23, "It is": 28, "Worked in": 15}  # widths in percent


def chapter_link(env: BuildEnvironment, name: str, words: str = "") -> nodes.Node:
    """A link to the chapter, of the words or of its title."""
    link = pending_xref(
        "",
        nodes.inline(text=words),
        refdomain="std",
        reftype="doc",
        reftarget=f"/chapters/{name}",
        refdoc=env.docname,
        refexplicit=bool(words),
        refwarn=True,
    )
    return nodes.inline("", "", link, classes=["chapter-link"])


class Chapter(ReferenceRole):
    """A link to a chapter, by the name of its file."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the link and no messages."""
        words = self.title if self.has_explicit_title else ""
        return [chapter_link(self.env, self.target, words)], []


def leave_out(
    app: Sphinx, env: BuildEnvironment, link: pending_xref, words: nodes.Node
) -> nodes.Node | None:
    """Keep the words, or nothing, of a link to a chapter that _toc.yml leaves out."""
    if "chapter-link" not in link.parent["classes"]:
        return None
    link.parent["classes"].remove("chapter-link")
    return words


class Sources(SphinxDirective):
    """The texts, the choice of a verdict, and a table for each topic."""

    def run(self) -> list[nodes.Node]:
        """Return a list, the buttons and a section for each topic."""
        self.env.note_dependency(str(SOURCES))
        data = yaml.safe_load(SOURCES.read_text("utf-8"))
        texts = nodes.field_list()
        for key, title in data["texts"].items():
            body = nodes.field_body("", *self.markdown(title))
            texts += nodes.field("", nodes.field_name(text=key), body)
        return [texts, self.buttons(data["topics"]), *map(self.section, data["topics"])]

    def markdown(self, text: str) -> list[nodes.Node]:
        """The nodes that a text becomes."""
        container = nodes.container()
        self.state.nested_parse(StringList(text.splitlines(), str(SOURCES)), 0, container)
        return container.children

    def buttons(self, topics: list[dict]) -> nodes.raw:
        """One choice of which facts are shown; the style sheet does the rest, without a script."""
        verdicts = [fact["verdict"] for topic in topics for fact in topic["facts"]]
        choices = [("all", len(verdicts)), *((name, verdicts.count(name)) for name in VERDICTS)]
        labels = "".join(
            f'<label><input type="radio" name="verdict" id="show-{name}"'
            f"{' checked' if name == 'all' else ''}/> {name} ({count})</label>"
            for name, count in choices
        )
        html = f'<fieldset class="verdicts"><legend>Show</legend>{labels}</fieldset>'
        return nodes.raw("", html, format="html")

    def section(self, topic: dict) -> nodes.section:
        """A topic's heading and table."""
        group = nodes.tgroup("", cols=len(HEADS))
        group.extend(nodes.colspec(colwidth=width) for width in HEADS.values())
        cells = [nodes.entry("", nodes.paragraph(text=head)) for head in HEADS]
        group += nodes.thead("", nodes.row("", *cells))
        group += nodes.tbody("", *map(self.row, topic["facts"]))
        title = nodes.title(text=topic["title"])
        table = nodes.table("", group, classes=["sources", "colwidths-given"])
        name = nodes.make_id(topic["title"])
        return nodes.section("", title, table, ids=[name], names=[name], classes=["topic"])

    def row(self, fact: dict) -> nodes.row:
        """A fact, to be found as #ID in the page's address."""
        verdict = nodes.inline(text=fact["verdict"], classes=["verdict"])
        key = nodes.inline(text=fact["id"], classes=["fact-id"])
        about = [*self.markdown(fact["statement"]), nodes.paragraph("", "", verdict, key)]
        worked = [
            nodes.paragraph("", "", chapter_link(self.env, name))
            for name in fact["chapters"]
            if f"chapters/{name}" in self.env.found_docs
        ]
        cells = (about, self.markdown(fact["says"]), self.markdown(fact["is"]), worked)
        cells = [nodes.entry("", *cell) for cell in cells]
        return nodes.row("", *cells, ids=[fact["id"]], classes=[fact["verdict"]])


def definitions(env: BuildEnvironment) -> dict[str, str]:
    """The text of each definition of the glossary, without its link to a chapter, by its term."""
    items = env.get_doctree(GLOSSARY).findall(nodes.definition_list_item)
    return {
        item.next_node(nodes.term).astext(): item.next_node(nodes.paragraph)[0].astext().strip()
        for item in items
        if item.next_node(nodes.term)["ids"]
    }


def link_terms(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Make the first use of each term in a chapter a link that shows the definition."""
    env = app.env
    if GLOSSARY not in env.found_docs or not env.doc2path(docname).endswith(".ipynb"):
        return
    meanings = definitions(env)
    page = app.builder.get_relative_uri(docname, GLOSSARY)
    names = {
        anchor: name
        for (kind, name), (_, anchor) in env.domaindata["std"]["objects"].items()
        if kind == "term"
    }
    anchors = {
        name.lower(): (name, f"{page}#{anchor}")
        for anchor, name in names.items()
        if name not in WORDS
    }
    longest_first = "|".join(map(re.escape, sorted(anchors, key=len, reverse=True)))
    pattern = re.compile(rf"(?<![\w-])({longest_first})(?:e?s)?(?![\w-])", re.IGNORECASE)
    linked = set()
    for text in list(doctree.findall(nodes.Text)):
        parents = [text.parent]
        while parents[-1].parent:
            parents.append(parents[-1].parent)
        if by_hand := next((one for one in parents if "std-term" in one.get("classes", [])), None):
            anchor = by_hand.parent.get("refuri", "").rpartition("#")[2]
            linked.add(anchor)
            if anchor in names:
                by_hand.parent["reftitle"] = meanings[names[anchor]]
        of_prose = any(isinstance(one, nodes.paragraph) for one in parents)
        if not of_prose or any(isinstance(one, NO_PROSE) for one in parents):
            continue
        pieces, end = [], 0
        for found in pattern.finditer(text):
            name, address = anchors[found[1].lower()]
            # An abbreviation is one only in its own letters: Adam, ReLU, NCHW.
            known = name.islower() or found[1] == name
            if not known or (anchor := address.rpartition("#")[2]) in linked:
                continue
            linked.add(anchor)
            link = nodes.reference(
                "", found[0], refuri=address, reftitle=meanings[name], internal=True
            )
            link["classes"].append("glossary-term")
            pieces += [nodes.Text(text[end : found.start()]), link]
            end = found.end()
        if pieces:
            text.parent.replace(text, [*pieces, nodes.Text(text[end:])])


def shown_elsewhere(env: BuildEnvironment) -> object:
    """What pages show of other pages: titles and places in the book, and what can be linked to."""
    contents = {name: contents.pformat() for name, contents in env.tocs.items()}
    links = {name: env.domaindata[name] for name in ("std", "py", "math")}
    cited = [(one.docname, one.targets) for one in env.domaindata["cite"]["citation_refs"]]
    return copy.deepcopy([contents, env.toc_secnumbers, env.toc_fignumbers, links, cited])


def note_shown(app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
    """Keep in mind, before pages are read, what others show of them."""
    app.shown_before = None if GLOSSARY in names else shown_elsewhere(env)


def to_write(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Return the pages to write beside those that were read: all, if they may show a change."""
    return [] if shown_elsewhere(env) == app.shown_before else env.found_docs


def docstring(app: Sphinx, what: str, name: str, obj: object, options: dict, lines: list) -> None:
    """Turn a docstring's lines into reStructuredText, in place."""
    text = "\n".join(lines)
    text = re.sub(r"^(\w+)\n-{3,}$", r".. rubric:: \1\n", text, flags=re.MULTILINE)
    # Outside of code, these signs are meant as they stand.
    signs = re.compile(r"(`[^`]*`)|([*|]|_(?!\w))")
    lines[:] = signs.sub(lambda sign: sign[1] or f"\\{sign[2]}", text).splitlines()


def setup(app: Sphinx) -> dict:
    """Register the role and the directive."""
    app.connect("autodoc-process-docstring", docstring)
    app.connect("env-before-read-docs", note_shown)
    app.connect("env-updated", to_write)
    app.connect("missing-reference", leave_out)
    app.connect("doctree-resolved", link_terms)
    app.add_role("chapter", Chapter())
    app.add_directive("sources", Sources)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
