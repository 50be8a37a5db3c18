"""How far networks see before and after learning: all were trained, and one is measured again."""

import numpy as np
import pytest

import cnnlib
from cnnlib.records import record
from tools import record_receptive_fields as fields
from tools import recording

FOUND = record("receptive_fields")


def test_each_stack_was_trained_with_each_end_and_every_seed():
    pairs = [(one["stack"], one["end"]) for one in FOUND["runs"]]
    assert pairs == [(stack, end) for stack in fields.STACKS for end in fields.ENDS]
    for one in FOUND["runs"]:
        assert [run["seed"] for run in one["runs"]] == list(fields.SEEDS)
        for run in one["runs"]:
            assert run["before"]["sees"] == run["after"]["sees"] == fields.STACKS[one["stack"]]


@pytest.mark.parametrize(
    ("kind", "layers"),
    [
        ("plain", [(3, 1)] * 5),
        ("shortcuts", [(3, 1)] * 5),
        ("max pooling", [(3, 1)] * 2 + [(2, 2)] + [(3, 1)] * 2),
    ],
)
def test_a_stack_sees_what_is_counted_from_its_layers(kind, layers):
    assert fields.STACKS[kind] == cnnlib.receptive_field(layers)
    convolutions = [
        layer for _, layer in fields.stack(kind, 0).layers() if hasattr(layer, "stride")
    ]
    assert len(convolutions) == len(layers)


def test_before_training_both_ends_have_the_same_stack():
    mean, dense = (
        [run["before"] for run in one["runs"]] for one in FOUND["runs"] if one["stack"] == "plain"
    )
    assert mean == dense


def test_the_spread_of_a_square_of_equal_weights_is_that_of_its_rows():
    side = 5
    expected = np.sqrt(((side**2) - 1) / 12)
    assert fields.spread(np.ones((side, side))) == pytest.approx(expected)
    assert fields.spread(np.outer([1, 2, 1], [1, 2, 1])) == pytest.approx(np.sqrt(1 / 2))


def test_each_digit_lies_whole_on_its_canvas():
    (images, _), _ = recording.digits()
    canvases = fields.placed(images[:50], np.random.default_rng(1))
    np.testing.assert_allclose(canvases.sum(axis=(1, 2, 3)), images[:50].sum(axis=(1, 2, 3)))
    assert len({tuple(np.argwhere(canvas[0])[0]) for canvas in canvases}) > 10


def test_the_script_measures_an_untrained_network_as_recorded():
    _, (canvases, _) = fields.data()
    asked = canvases[: fields.ASKED]
    for one in FOUND["runs"][:: len(fields.ENDS)]:
        body = fields.stack(one["stack"], 1)
        fields.see_once(body, asked)
        assert fields.measured(body, asked, 1) == one["runs"][1]["before"]


def test_before_it_learns_a_network_has_normalized_the_canvases():
    body = fields.stack("plain", 0)
    x = fields.data()[1][0][: fields.ASKED]
    fields.see_once(body, x)
    first = cnnlib.Sequential(*list(body)[:2]).eval()(x)
    np.testing.assert_allclose(first.mean(axis=(0, 2, 3)), 0, atol=1e-9)
    np.testing.assert_allclose(first.var(axis=(0, 2, 3)), 1, rtol=0.01)
    assert {layer.momentum for _, layer in body.layers() if hasattr(layer, "momentum")} == {0.1}
