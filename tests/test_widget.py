"""What every widget refuses: an unknown argument, an unknown attribute, a value of a wrong kind."""

import inspect
import math
import re
import warnings
from pathlib import Path

import ipywidgets
import numpy as np
import pytest
import traitlets

import cnnlib
from cnnlib import widgets
from cnnlib.widgets import Check, Question, SlidingKernel
from cnnlib.widgets.widget import Widget, script

pytest_plugins = ["tests.browser"]

ARGUMENTS = {  # of those that cannot be made without
    "Calibration": ([[2.0, 1, 0], [0, 3, 1]], [0, 2]),
    "Check": (Question("How many?", 3),),
    "Confusion": ([[3, 1], [0, 2]],),
    "Occlusion": (
        cnnlib.Sequential(cnnlib.Flatten(), cnnlib.Linear(30, 4)),
        np.zeros((3, 5, 6)),
        [0, 1, 3],
    ),
    "PixelMagnifier": (np.arange(30).reshape(5, 6),),
    "ShiftExplorer": (np.ones((6, 5)), np.ones((3, 2))),
}
CLASSES = [
    one for one in vars(widgets).values() if inspect.isclass(one) and issubclass(one, Widget)
]
every_widget = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def make(cls, **traits):
    return cls(*ARGUMENTS.get(cls.__name__, ()), **traits)


def own(cls):
    """The traits that a reader of the docstring knows."""
    traits = cls.class_traits(sync=True)
    foreign = ipywidgets.DOMWidget.class_trait_names()
    return {name: trait for name, trait in traits.items() if name not in foreign and name[0] != "_"}


def test_all_widgets_are_looked_at():
    assert len(CLASSES) == len(widgets.__all__) - 1 == 31  # all but Question


NUMBER = re.compile(r"^const ([A-Z]+) = ([\d.e]+);", re.MULTILINE)


def test_a_limit_of_the_script_is_that_of_its_module():
    limits = [
        (inspect.getmodule(cls), name, number)
        for cls in CLASSES
        for name, number in NUMBER.findall(
            Path(inspect.getfile(cls)).with_suffix(".js").read_text()
        )
    ]
    both = [one for one in limits if hasattr(one[0], one[1])]
    assert len(both) > 5
    assert [one for one in both if getattr(*one[:2]) != float(one[2])] == []


@every_widget
def test_an_argument_with_a_typo_is_refused_and_the_nearest_is_named(cls):
    name = max(own(cls), key=len)
    with pytest.raises(TypeError) as refusal:
        make(cls, **{name + "z": 2})
    assert str(refusal.value) == f"{cls.__name__}: {name}z is unknown; did you mean {name}?"


@every_widget
def test_an_argument_like_no_other_is_refused_and_the_known_are_listed(cls):
    with pytest.raises(TypeError, match=f"^{cls.__name__}: qqqq is unknown; expected ") as refusal:
        make(cls, qqqq=2)
    assert set(own(cls)) <= set(re.findall(r"\w+", str(refusal.value).partition("expected")[2]))


@every_widget
def test_an_attribute_with_a_typo_is_refused_too(cls):
    widget, name = make(cls), max(own(cls), key=len)
    with pytest.raises(AttributeError) as refusal:
        setattr(widget, name + "z", 2)
    assert str(refusal.value) == f"{cls.__name__}: {name}z is unknown; did you mean {name}?"


@pytest.mark.parametrize(
    ("name", "arguments", "unknown", "meant"),
    [
        ("SlidingKernel", ([[1, 2], [3, 4]],), "kernel", "weight"),
        ("SlidingKernel", (), "filters", "weight"),
        ("SlidingKernel", (), "strides", "stride"),
        ("SlidingKernel", (), "x", "image"),
        ("SlidingKernel", (), "input", "image"),
        ("Im2col", (), "kernels", "weight"),
        ("Neurons", (), "image", "x"),
        ("Neurons", (), "W", "weight"),
        ("Neurons", (), "b", "bias"),
        ("PoolingExplorer", (), "kernel", "kernel_size"),
        ("PoolingExplorer", (), "pool_size", "kernel_size"),
        ("PixelMagnifier", (), "picture", "image"),
        ("OptimizerRace", (), "learning_rate", "lr"),
        ("Logits", (), "label", "target"),
        ("ConvolutionBackward", (), "dout", "grad_output"),
        ("ShiftExplorer", ([[1]], [[1]]), "weights", "weight"),
    ],
)
def test_the_words_of_other_libraries_are_understood(name, arguments, unknown, meant):
    with pytest.raises(TypeError, match=f"^{name}: {unknown} is unknown; did you mean {meant}[?]$"):
        getattr(widgets, name)(*arguments, **{unknown: 2})


@every_widget
def test_a_widget_is_made_again_from_its_traits(cls):
    widget = make(cls)
    traits = {name: getattr(widget, name) for name, t in own(cls).items() if not t.read_only}
    again = cls(**traits, layout={"width": "50%"})
    assert repr(again) == repr(widget)
    assert again.layout.width == "50%"
    assert {name: again.get_state(name) for name in traits} == {
        name: widget.get_state(name) for name in traits
    }


WRONG = ["a word", [[1, 2], [3]], -5, 1.5, math.nan, None, {"a": 1}]


@every_widget
def test_a_value_of_a_wrong_kind_is_refused_in_one_sentence_that_names_it(cls):
    for name, trait in own(cls).items():
        widget, refused = make(cls), 0
        before = repr(widget.get_state(name))
        for value in WRONG:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                try:
                    setattr(widget, name, value)
                except traitlets.TraitError as error:
                    refused += 1
                    text = str(error)
                    assert name in text
                    assert trait.read_only or cls.__name__ in text
                    assert "\n" not in text
                    assert repr(widget.get_state(name)) == before
                else:
                    assert value is not None or trait.allow_none
                    assert not (isinstance(value, float) and math.isnan(value))
                    widget = make(cls)
        assert refused >= 4, name


def test_a_question_that_is_none_is_refused():
    with pytest.raises(TypeError, match="Check: question is a str; expected a Question"):
        Check("How many?")


def test_what_has_no_name_in_common_is_positional_as_in_python():
    assert SlidingKernel([[1, 2], [3, 4]], [[1]], 2).bias.tolist() == [2]
    with pytest.raises(TypeError):
        widgets.OutputSize(7)


FOLDER = Path(widgets.__file__).parent
COUNTED = "row|column|channel|filter|kernel|neuron|layer|image|input|output|window|weight|number"


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.js")), ids=lambda path: path.stem)
def test_no_script_counts_what_has_an_index_from_1(path):
    found = re.findall(rf"\b(?:{COUNTED}) \$\{{[^}}]*\+ 1\}}", path.read_text("utf-8"), re.I)
    assert found == []


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A function that writes modules into shared/ and a widget's script, and puts them together."""
    (tmp_path / "shared").mkdir()
    monkeypatch.setattr("cnnlib.widgets.widget.HERE", tmp_path)

    def modules(main, **shared):
        for name, text in shared.items():
            (tmp_path / "shared" / f"{name}.js").write_text(text)
        (tmp_path / "main.js").write_text(main)
        return script(tmp_path / "main.js")

    return modules


def test_modules_keep_their_names_to_themselves(modules, browser):
    text = modules(
        'import { f as g } from "./shared/a.js";\nimport { f, C } from "./shared/b.js";\n'
        "export default [g(), f(), new C().own];\n",
        a='import { f as other } from "./b.js";\nconst own = 1;\nexport function f() {\n'
        "  return own + other();\n}\n",
        b="const own = 20;\nexport const f = () => own;\n"
        "class C {\n  own = 300;\n}\nexport { C };\n",
    )
    page = browser.new_page()
    url = f"import(URL.createObjectURL(new Blob([{text!r}], {{ type: 'text/javascript' }})))"
    assert page.evaluate(f"async () => (await {url}).default") == [1 + 20, 20, 300]
    page.close()


def test_a_script_that_is_imported_as_text_runs_where_its_text_is_brought(modules, browser):
    text = modules(
        'import { f } from "./shared/a.js";\n'
        'import source from "./shared/b.js" with { type: "text" };\n'
        "export default [f(), source];\n",
        a="const own = 7;\nexport const f = () => own;\n",
        b='import { f } from "./a.js";\n// Left at home.\nself.answer(`f gives "${f()}"\\n`);\n',
    )
    page = browser.new_page()
    url = f"import(URL.createObjectURL(new Blob([{text!r}], {{ type: 'text/javascript' }})))"
    found = page.evaluate(
        f"""async () => {{
            const [own, source] = (await {url}).default;
            const heard = [];
            new Function("self", source)({{ answer: (words) => heard.push(words) }});
            return [own, heard, source.includes("home")];
        }}"""
    )
    assert found == [7, ['f gives "7"\n'], False]
    page.close()


def test_a_text_that_is_not_there_is_refused_in_words(modules):
    with pytest.raises(ImportError, match=r"main\.js imports \./b\.js, which is not there"):
        modules('import source from "./b.js" with { type: "text" };\n')


def test_comments_stay_at_home(modules):
    shared = "/** Two\n * lines. */\nexport function f() {\n  // Why.\n"
    shared += "  return '/** kept */';\n}\n"
    main = 'import { f } from "./shared/a.js";\n/** One. */\nexport default f; // kept\n'
    text = modules(main, a=shared)
    assert [word for word in ("lines", "Why", "One") if word in text] == []
    assert text.count("kept") == 2
    assert "export default f; // kept\n" in text


@pytest.mark.parametrize(
    ("shared", "message"),
    [
        ({"a": "export const g = 1;\n"}, r"main\.js: a\.js exports no f"),
        (
            {
                "a": 'import { g } from "./b.js";\nexport const f = g;\n',
                "b": 'import { f } from "./a.js";\nexport const g = f;\n',
            },
            r"a\.js imports itself, by way of what it imports",
        ),
        ({}, r"main\.js imports \./shared/a\.js, which is not there"),
        ({"a": "export default 1;\n"}, r"a\.js: expected .*, got export default 1;"),
        ({"a": 'import * as b from "./b.js";\n', "b": ""}, r"a\.js: expected .*, got import \*"),
    ],
)
def test_an_import_that_cannot_be_is_refused_in_words(modules, shared, message):
    with pytest.raises(ImportError, match=message):
        modules('import { f } from "./shared/a.js";\n', **shared)


def test_a_widget_can_be_derived_from_and_keeps_its_script():
    class Bright(SlidingKernel):
        def __init__(self, **traits):
            super().__init__([[8, 9], [9, 7]], [[1]], **traits)

    bright = Bright(stride=2)
    assert bright.get_state("_esm") == SlidingKernel().get_state("_esm")
    assert bright.get_state("_css") == SlidingKernel().get_state("_css")
    assert bright.image[0, 1].tolist() == [9, 7]
    with pytest.raises(TypeError, match=r"^Bright: strides is unknown; did you mean stride[?]$"):
        Bright(strides=2)


def test_a_widget_can_be_derived_from_in_a_notebook():
    names = {"__name__": "__main__", "SlidingKernel": SlidingKernel}
    exec("class Mine(SlidingKernel):\n    pass", names)
    assert names["Mine"]().get_state("_esm") == SlidingKernel().get_state("_esm")
