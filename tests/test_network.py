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


@pytest.mark.parametrize("batch", [(3,), ()])
def test_concat_joins_channels_as_torch_does_both_ways(batch):
    """Two, one in the other: 2 channels, then 3 of the middle and 4 of the innermost."""
    inner = cnnlib.Conv2d(3, 4, 3, padding=1, rng=0, dtype=float)
    outer = cnnlib.Conv2d(2, 3, 1, rng=1, dtype=float)
    network = cnnlib.Concat(cnnlib.Sequential(outer, cnnlib.Concat(inner)))
    rng = np.random.default_rng(2)
    x = rng.standard_normal((*batch, 2, 4, 5))
    theirs_x = torch.tensor(x, requires_grad=True)
    weights = [torch.tensor(p.data, requires_grad=True) for p in network.parameters()]
    middle = torch.nn.functional.conv2d(theirs_x, *weights[:2])
    last = torch.nn.functional.conv2d(middle, *weights[2:], padding=1)
    expected = torch.cat([theirs_x, middle, last], dim=-3)
    output = network(x)
    assert output.shape == (*batch, 2 + 3 + 4, 4, 5)
    np.testing.assert_allclose(output, expected.detach().numpy(), atol=1e-12)
    grad = rng.standard_normal(output.shape)
    expected.backward(torch.tensor(grad))
    np.testing.assert_allclose(network.backward(grad), theirs_x.grad.numpy(), atol=1e-12)
    for own, other in zip(network.parameters(), weights, strict=True):
        np.testing.assert_allclose(own.grad, other.grad.numpy(), atol=1e-12)
    assert list(network.state_dict())[:2] == ["body.0.weight", "body.0.bias"]
    with pytest.raises(RuntimeError, match=r"Concat\.backward: call forward first"):
        network.backward(grad)


def test_concat_refuses_maps_of_another_size():
    with pytest.raises(TypeError, match="Concat: body is a NoneType; expected a Layer"):
        cnnlib.Concat(None)
    found = r"Concat: the body's output has shape \(1, 3, 2, 3\); expected \(1, 3, 4, 5\)"
    with pytest.raises(ValueError, match=found):
        cnnlib.Concat(cnnlib.Conv2d(2, 3, 3))(np.ones((1, 2, 4, 5), np.float32))


def test_a_layer_that_stands_inside_of_a_concat_and_behind_it_has_both_gradients():
    conv = cnnlib.Conv2d(2, 2, 3, padding=1, rng=0, dtype=float)
    pool = cnnlib.Conv2d(4, 2, 1, rng=1, dtype=float)
    network = cnnlib.Sequential(cnnlib.Concat(conv), pool, conv)
    x = np.random.default_rng(0).standard_normal((1, 2, 4, 5))
    assert cnnlib.gradient_check(network, x) == x.size + (2 * 2 * 9 + 2) + (4 * 2 + 2)


@pytest.mark.parametrize(
    "layers", [{"a": cnnlib.ReLU(), "b.0": cnnlib.ReLU()}, {"": cnnlib.ReLU()}, {1: cnnlib.ReLU()}]
)
def test_names_that_could_meet_others_are_refused(layers):
    with pytest.raises(ValueError, match=r"Sequential: layers has the name .*; expected a word"):
        cnnlib.Sequential(layers)


class Frozen(cnnlib.Conv2d):
    """A convolution whose weights do not learn."""

    def backward(self, grad_output):
        grad = super().backward(grad_output)
        self.weight.grad = np.zeros_like(self.weight.data)
        return grad


def test_a_first_layer_with_a_backward_of_its_own_is_asked_for_it():
    network = cnnlib.Sequential(Frozen(1, 2, 3, rng=0), cnnlib.ReLU())
    network.backward_parameters(np.ones_like(network(np.ones((1, 1, 4, 5), np.float32))))
    assert not network[0].weight.grad.any()
    assert network[0].bias.grad is not None


def frozen_in_part(nn):
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(4, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(45, 3)),
    )


@pytest.mark.parametrize("frozen", [[0, 1], [4], [0, 1, 4], [7]])
def test_a_network_that_is_frozen_in_part_learns_as_in_torch(frozen):
    ours, theirs = frozen_in_part(cnnlib), frozen_in_part(torch.nn)
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    for index in frozen:
        ours[index].requires_grad_(False), theirs[index].requires_grad_(False)
    optimizer = cnnlib.Adam(ours.parameters(), weight_decay=0.1)
    reference = torch.optim.Adam(theirs.parameters(), weight_decay=0.1)
    loss, rng = cnnlib.CrossEntropyLoss(), np.random.default_rng(0)
    for _ in range(3):
        x, target = rng.random((6, 1, 12, 12), np.float32), rng.integers(0, 3, 6)
        optimizer.zero_grad(), reference.zero_grad()
        loss(ours(x), target)
        ours.backward_parameters(loss.backward())
        torch.nn.functional.cross_entropy(theirs(torch.tensor(x)), torch.tensor(target)).backward()
        optimizer.step(), reference.step()
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key], value, rtol=1e-4, atol=1e-5)


class Unasked(cnnlib.ReLU):
    def backward(self, grad_output):
        raise AssertionError("nobody needs this gradient")


def test_what_lies_before_the_first_layer_that_learns_is_not_asked_for_a_gradient():
    first, second = cnnlib.Linear(2, 3), cnnlib.Linear(3, 4)
    network = cnnlib.Sequential(first.requires_grad_(False), Unasked(), second)
    output = network(np.ones((5, 2), np.float32))
    network.backward_parameters(np.ones_like(output))
    assert second.bias.grad.tolist() == [5] * 4
    network(np.ones((5, 2), np.float32))
    network.requires_grad_(False).backward_parameters(np.ones_like(output))
    assert second.bias.grad.tolist() == [5] * 4


def test_a_part_of_a_network_is_a_network_of_the_same_layers():
    network = cnnlib.Sequential({"a": cnnlib.ReLU(), "b": cnnlib.Tanh(), "c": cnnlib.Flatten()})
    part = network[1:]
    assert list(part.children()) == ["b", "c"]
    assert part[0] is network[1] and network[-1] is part[-1]


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


def two_ways():
    """One way reaches a pixel up and left, the other two down and right."""
    body = cnnlib.Sequential(*(cnnlib.Conv2d(2, 2, 2, padding="same") for _ in range(2)))
    return cnnlib.Residual(body, cnnlib.Conv2d(2, 2, 3, padding=1))


def halving_block():
    ways = cnnlib.Conv2d(2, 2, 3, stride=2, padding=1), cnnlib.Conv2d(2, 2, 1, stride=2)
    return cnnlib.Residual(cnnlib.Sequential(ways[0], cnnlib.Conv2d(2, 2, 3, padding=1)), ways[1])


def shared_convolution():
    conv = cnnlib.Conv2d(2, 2, 3, dilation=(1, 2))
    return cnnlib.Sequential(conv, cnnlib.AvgPool2d(2, 1), conv)


FIELDS = [
    (lambda: cnnlib.Conv2d(2, 3, (3, 4), stride=2, padding=1, dilation=(2, 3)), (5, 10)),
    (two_ways, (4, 4)),
    (halving_block, (3 + 2 * 2, 3 + 2 * 2)),
    (lambda: cnnlib.Sequential(halving_block(), halving_block()), (7 + 2 * 6, 7 + 2 * 6)),
    (shared_convolution, (3 + 1 + 2, 5 + 1 + 4)),
    (lambda: cnnlib.Sequential(cnnlib.MaxPool2d((3, 2), 2, padding=1), halving_block()), None),
    (lambda: cnnlib.Sequential(cnnlib.AvgPool2d((5, 3), (2, 3), padding=1), two_ways()), None),
    (lambda: cnnlib.Residual(cnnlib.Sequential(cnnlib.Conv2d(2, 2, 5, padding=2))), (5, 5)),
    (
        lambda: cnnlib.Sequential(cnnlib.ZeroPad2d((3, 0, 1, 2)), cnnlib.Conv2d(2, 2, (2, 4))),
        (2, 4),
    ),
    (
        lambda: cnnlib.Residual(
            cnnlib.Sequential(cnnlib.ZeroPad2d((2, 0, 0, 1)), cnnlib.Conv2d(2, 2, (2, 3)))
        ),
        (2, 3),
    ),
]


@pytest.mark.parametrize(("build", "expected"), FIELDS)
def test_the_receptive_field_is_where_the_gradient_reaches(build, expected):
    network, rng = build(), np.random.default_rng(0)
    for parameter in network.parameters():
        parameter.data[...] = rng.uniform(0.1, 1, parameter.data.shape)
    reached = np.zeros((44, 47), bool)
    for _ in range(40):  # a maximum hears one pixel at a time
        output = network(rng.uniform(0, 1, (1, 2, *reached.shape)).astype(np.float32))
        grad = np.zeros_like(output)
        grad[0, 0, output.shape[2] // 2, output.shape[3] // 2] = 1
        reached |= (network.backward(grad)[0] != 0).any(axis=0)
    rows, columns = np.nonzero(reached)
    extent = (int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1)
    behind = cnnlib.Sequential(network, cnnlib.ReLU())  # a residual has no line of its own
    assert cnnlib.summary(behind, (2, *reached.shape))[-1].receptive_field == extent
    assert expected in (None, extent)


class Container(cnnlib.Layer):
    def __init__(self, inner):
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


@pytest.mark.parametrize(
    "layer",
    [
        cnnlib.ConvTranspose2d(2, 2, 3, padding=1),
        cnnlib.ConvTranspose2d(2, 2, 3, stride=2),
        Container(cnnlib.Conv2d(2, 2, 3, padding=1)),
        cnnlib.Residual(cnnlib.ConvTranspose2d(2, 2, 3, padding=1)),
        cnnlib.GroupNorm(1, 2),
        cnnlib.LayerNorm(6),
        cnnlib.Residual(cnnlib.Tanh(), Container(cnnlib.Conv2d(2, 2, 3, padding=1))),
    ],
)
def test_no_receptive_field_is_given_where_it_is_not_known(layer):
    rows = cnnlib.summary(cnnlib.Sequential(layer, cnnlib.ReLU()), (2, 7, 6))
    assert rows[-1].receptive_field is None


def own_network(base, nn, parameter):
    class Own(base):
        """Layers inside, one of them twice, and a parameter of its own."""

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 4, 3, padding=1)
            self.twice = nn.Conv2d(4, 4, 3, padding=1, groups=2)
            self.rest = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
            self.head = nn.Linear(4 * 3 * 4, 5)
            self.scale = parameter

        def forward(self, x):
            return self.head(self.rest(self.twice(self.twice(self.conv(x)))))

    return Own()


def test_the_summary_of_a_readers_own_network_counts_what_torch_counts():
    from torch.utils.flop_counter import FlopCounterMode

    theirs = own_network(torch.nn.Module, torch.nn, torch.nn.Parameter(torch.ones(7)))
    with FlopCounterMode(display=False) as counter:
        theirs(torch.zeros(1, 2, 6, 8))
    ours = own_network(cnnlib.Layer, cnnlib, cnnlib.Parameter(np.ones(7, np.float32)))
    for network in (ours, cnnlib.Sequential(ours, cnnlib.ReLU())):
        rows = cnnlib.summary(network, (2, 6, 8))
        assert sum(row.parameters for row in rows) == sum(p.numel() for p in theirs.parameters())
        assert 2 * sum(row.multiply_adds for row in rows) == counter.get_total_flops()
    names = ["conv", "twice", "twice", "rest.0", "rest.1", "rest.2", "head"]
    assert [row.name for row in rows] == [*(f"0.{name}" for name in names), "0", "1"]
    assert [row.parameters for row in rows] == [76, 76, 0, 0, 0, 0, 245, 7, 0]
    assert [row.kind for row in rows][-2:] == ["Own", "ReLU"]
    assert rows[4].output_shape == (4, 3, 4)
    assert "forward" not in vars(ours.conv)


def test_a_list_of_numbers_is_no_image_and_has_no_receptive_field():
    rows = cnnlib.summary(cnnlib.Sequential(cnnlib.Linear(5, 3), cnnlib.ReLU()), (5,))
    assert [row.receptive_field for row in rows] == [None, None]


def test_the_summary_refuses_a_residual_that_could_not_run():
    network = cnnlib.Sequential(cnnlib.Residual(cnnlib.Conv2d(2, 2, 3)))
    with pytest.raises(ValueError, match="Residual: the body's output has shape"):
        cnnlib.summary(network, (2, 6, 7))


def counted(nn, residual):
    tied, block = nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.Conv2d(4, 4, 1, bias=False)
    return nn.Sequential(
        nn.Conv2d(2, 4, (3, 2), stride=(2, 1), dilation=(1, 2)),
        tied,
        nn.ReLU(),
        residual(nn.Sequential(tied, nn.BatchNorm2d(4)), block),
        residual(block),
        nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(6 * 6 * 8, 5),
    )


def test_the_summary_counts_what_torch_counts():
    from test_shared_layers import TorchResidual
    from torch.utils.flop_counter import FlopCounterMode

    theirs = counted(torch.nn, TorchResidual).eval()
    with FlopCounterMode(display=False) as counter:
        theirs(torch.zeros(1, 2, 14, 10))
    rows = cnnlib.summary(counted(cnnlib, cnnlib.Residual), (2, 14, 10))
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in theirs.parameters())
    assert 2 * sum(row.multiply_adds for row in rows) == counter.get_total_flops()
    assert [row.parameters for row in rows if row.name in ("1", "3.body.0")] == [76, 0]
