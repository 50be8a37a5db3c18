import classifiers
import numpy as np
import pytest
import torch
from conformance import assert_close

import cnnlib
from cnnlib import worked_example


@pytest.mark.parametrize(
    ("build", "count", "sizes"),
    [
        (
            classifiers.three_convolutions,
            (576 + 64) + (73728 + 128) + (73728 + 64) + (1280 + 20) + (200 + 10),
            [26, 13, 11, 5, 3, 1],
        ),
        (classifiers.two_convolutions, 320 + 18496 + 401536 + 1290, [28, 14, 14, 7]),
    ],
)
def test_the_classifiers_of_the_sources(build, count, sizes):
    network, theirs = classifiers.pair(build, np.random.default_rng(0))
    table = cnnlib.summary(network, (1, 28, 28))
    assert sum(row.parameters for row in table) == count
    assert count in (149798, 421642)
    rows = [row.output_shape[1] for row in table if row.kind in ("Conv2d", "MaxPool2d")]
    assert rows == sizes
    x = np.random.default_rng(1).standard_normal((5, 1, 28, 28), np.float32)
    assert_close("logits", network(x), theirs(torch.tensor(x)).detach().numpy(), 1e-4)


def worked_network():
    we = worked_example
    network = cnnlib.Sequential(
        cnnlib.Conv2d(1, 1, 3, dtype=np.float64),
        cnnlib.ReLU(),
        cnnlib.MaxPool2d(2),
        cnnlib.Flatten(),
        cnnlib.Linear(4, 3, dtype=np.float64),
        cnnlib.ReLU(),
        cnnlib.Linear(3, 3, dtype=np.float64),
    )
    arrays = (we.kernel[None, None], np.array([we.bias]), we.dense_1_weight, we.dense_1_bias)
    arrays += (we.dense_2_weight, we.dense_2_bias)
    for parameter, value in zip(network.parameters(), arrays, strict=True):
        parameter.data[...] = value
    return network


def test_the_worked_example_goes_from_pixels_to_the_loss_and_one_update_lowers_it():
    network, loss = worked_network(), cnnlib.CrossEntropyLoss()
    image = worked_example.image[None, None]
    logits = network(image)
    assert logits[0] == pytest.approx([7.86, 8.78, 9.64])
    before = loss(logits, np.array([worked_example.target]))
    assert before == pytest.approx(0.464866, abs=1e-6)
    grad_image = network.backward(loss.backward())
    assert grad_image.shape == image.shape
    cnnlib.SGD(network.parameters(), lr=1e-4).step()
    assert loss(network(image), np.array([worked_example.target])) < before


def test_names_begin_the_keys():
    features, head = cnnlib.Sequential(cnnlib.Conv2d(1, 2, 3), cnnlib.ReLU()), cnnlib.Linear(8, 3)
    network = cnnlib.Sequential({"features": features, "head": head})
    assert list(network.state_dict()) == [
        "features.0.weight",
        "features.0.bias",
        "head.weight",
        "head.bias",
    ]
    assert len(network) == 2
    assert network[1] is head


def test_a_residual_adds_what_goes_around_on_both_ways():
    body = cnnlib.Conv2d(2, 2, 3, padding=1, dtype=np.float64)
    around = cnnlib.Conv2d(2, 2, 1, dtype=np.float64)
    x, grad = np.random.default_rng(0).standard_normal((2, 3, 2, 4, 5))
    residual = cnnlib.Residual(body)
    np.testing.assert_array_equal(residual(x), body(x) + x)
    grad_x = residual.backward(grad)
    body(x)
    np.testing.assert_array_equal(grad_x, body.backward(grad) + grad)
    residual = cnnlib.Residual(body, around)
    np.testing.assert_array_equal(residual(x), body(x) + around(x))
    grad_x = residual.backward(grad)
    body(x), around(x)
    np.testing.assert_array_equal(grad_x, body.backward(grad) + around.backward(grad))
    assert list(residual.state_dict()) == [
        "body.weight",
        "body.bias",
        "shortcut.weight",
        "shortcut.bias",
    ]


def test_bad_parts_are_named():
    with pytest.raises(TypeError, match="Sequential: 1 is a str; expected a Layer"):
        cnnlib.Sequential(cnnlib.ReLU(), "relu")
    with pytest.raises(ValueError, match="Sequential: layers is empty"):
        cnnlib.Sequential()
    with pytest.raises(TypeError, match="Residual: body is a NoneType; expected a Layer"):
        cnnlib.Residual(None)
    with pytest.raises(ValueError, match="Residual: the body's output has shape"):
        cnnlib.Residual(cnnlib.Conv2d(2, 2, 3))(np.ones((1, 2, 4, 5), np.float32))
    with pytest.raises(RuntimeError, match=r"Sequential\.backward: call forward first"):
        cnnlib.Sequential(cnnlib.ReLU()).backward(np.ones(3))


def test_the_summary_counts_what_each_layer_costs():
    network = cnnlib.Sequential(
        cnnlib.Conv2d(2, 4, 3, stride=2, dilation=(1, 2)),
        cnnlib.BatchNorm2d(4),
        cnnlib.Residual(
            cnnlib.Sequential(cnnlib.Conv2d(4, 4, 3, padding=1, groups=2), cnnlib.ReLU())
        ),
        cnnlib.AvgPool2d(2),
        cnnlib.ConvTranspose2d(4, 3, 2, stride=2),
        cnnlib.Flatten(),
        cnnlib.Linear(3 * 6 * 4, 5),
    )
    rows = cnnlib.summary(network, (2, 14, 13))
    assert [row.output_shape for row in rows] == [
        (4, 6, 5),
        (4, 6, 5),
        (4, 6, 5),
        (4, 6, 5),
        (4, 3, 2),
        (3, 6, 4),
        (72,),
        (5,),
    ]
    assert [row.name for row in rows] == ["0", "1", "2.body.0", "2.body.1", "3", "4", "5", "6"]
    assert rows[0].multiply_adds == (4 * 6 * 5) * (2 * 3 * 3)
    assert rows[2].multiply_adds == (4 * 6 * 5) * (2 * 3 * 3)
    assert rows[5].multiply_adds == (4 * 3 * 2) * (3 * 2 * 2)
    assert rows[7].multiply_adds == 72 * 5
    assert rows[0].activation_bytes == 4 * 6 * 5 * 4
    assert [row.receptive_field for row in rows] == [
        (3, 5),
        (3, 5),
        (3 + 2 * 2, 5 + 2 * 2),
        (7, 9),
        (7 + 2, 9 + 2),
        None,
        None,
        None,
    ]
    assert all(layer.training for _, layer in network.layers())


def test_the_summary_keeps_nothing_of_its_image_of_zeros():
    network = cnnlib.Sequential(cnnlib.Conv2d(2, 4, 3), cnnlib.Residual(cnnlib.ReLU()))
    cnnlib.summary(network, (2, 7, 6))
    assert [layer.saved for _, layer in network.layers()] == [None] * 4


def test_the_summary_is_printed_as_a_table():
    network = cnnlib.Sequential(cnnlib.Conv2d(1, 2, 3), cnnlib.Flatten(), cnnlib.Linear(32, 10))
    assert str(cnnlib.summary(network, (1, 6, 6))).splitlines() == [
        "layer           output  parameters  multiply-adds   memory  sees",
        "----------------------------------------------------------------",
        "0      Conv2d   2×4×4           20            288  0.1 KiB   3×3",
        "1      Flatten  32               0              0  0.1 KiB     -",
        "2      Linear   10             330            320  0.0 KiB     -",
        "----------------------------------------------------------------",
        "total                          350            608  0.3 KiB",
    ]
