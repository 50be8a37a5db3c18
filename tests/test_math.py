"""The arithmetic of the pages, shared/math, against cnnlib: every function, layer and optimizer."""

import base64
import itertools
import json
import os
import re
from pathlib import Path

import geometry
import numpy as np
import pytest
from geometry import unlikely
from test_optimizers import OPTIMIZERS, SCHEDULES

import cnnlib
from cnnlib import widgets
from cnnlib.widgets.widget import EXPORT

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
MATH = Path(widgets.__file__).parent / "shared" / "math"
TOLERANCES = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-4}

# Arrays cross as {kind, shape, data}, their bytes in base64: exact, and quick to read.
CROSSING = """
    const Kinds = { float64: Float64Array, float32: Float32Array };
    const read = (given) => {
      if (Array.isArray(given)) return given.map(read);
      if (!given?.kind) return given;
      const bytes = Uint8Array.from(atob(given.data), (letter) => letter.charCodeAt(0));
      return { shape: given.shape, data: new Kinds[given.kind](bytes.buffer) };
    };
    const write = (value) => {
      if (Array.isArray(value)) return value.map(write);
      if (!value?.data) return value;
      const { shape, data } = value;
      const kind = data instanceof Float64Array ? "float64" : "float32";
      let letters = "";
      for (const byte of new Uint8Array(data.buffer)) letters += String.fromCharCode(byte);
      return { shape, kind, data: btoa(letters) };
    };
"""
CALLS = "given.map(([name, inputs]) => write(math[name](...read(inputs))))"


def to_page(value):
    """`value` as the page can read it: arrays as their bytes, in lists too."""
    if isinstance(value, list):
        return [to_page(one) for one in value]
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"kind": value.dtype.name, "shape": list(value.shape), "data": data}
    return value


def from_page(value):
    """What the page wrote."""
    if isinstance(value, list):
        return [from_page(one) for one in value]
    if isinstance(value, dict):
        numbers = np.frombuffer(base64.b64decode(value["data"]), value["kind"])
        return numbers.reshape(value["shape"])
    return value


@pytest.fixture(scope="module")
def math_page(open_module, tmp_path_factory):
    """A page with all that shared/math exports as `math`."""
    main = tmp_path_factory.mktemp("math") / "all.js"
    names = {path: EXPORT.findall(path.read_text("utf-8")) for path in sorted(MATH.glob("*.js"))}
    lines = [
        f'import {{ {", ".join(found)} }} from "{os.path.relpath(path, main.parent)}";\n'
        for path, found in names.items()
    ]
    every = ", ".join(itertools.chain.from_iterable(names.values()))
    main.write_text("".join(lines) + f"export {{ {every} }};\n", "utf-8")
    return open_module(main, "math")


@pytest.fixture(scope="module")
def run(math_page):
    """run(body, given): what JavaScript returns, with all that math exports as `math`."""

    def run(body, given=None):
        # As one text: thousands of small values take the browser's protocol minutes.
        work = f"const work = (given) => {{ {CROSSING} {body} }};"
        both = f"(text) => {{ {work} return JSON.stringify(work(JSON.parse(text))); }}"
        return from_page(json.loads(math_page.evaluate(both, json.dumps(to_page(given)))))

    return run


def close(name, found, expected, factor=1.0):
    """The same shape, the same kind of numbers, and equal as far as these can tell."""
    if isinstance(expected, list):
        assert len(found) == len(expected), name
        for one, other in zip(found, expected, strict=True):
            close(name, one, other, factor)
        return
    expected = np.asarray(expected)
    if isinstance(found, np.ndarray):
        assert found.dtype == expected.dtype, name
    tolerance = TOLERANCES[expected.dtype] * factor
    finite = np.abs(expected[np.isfinite(expected)])
    scale = max(1.0, finite.max(initial=0.0))
    assert np.shape(found) == expected.shape, name
    np.testing.assert_allclose(
        found, expected, rtol=tolerance, atol=tolerance * scale, err_msg=name
    )


def agree(run, cases):
    """Each case is (name, inputs, options): the page's function gives what cnnlib's gives."""
    cases = list(cases)
    given = [[name, [*inputs, options]] for name, inputs, options in cases]
    for found, (name, inputs, options) in zip(run(f"return {CALLS};", given), cases, strict=True):
        expected = getattr(cnnlib, name)(*inputs, **options)
        expected = list(expected) if isinstance(expected, tuple) else expected
        close(f"{name}{[np.shape(i) for i in inputs]}, {options}", found, expected)


def with_gradients(rng, name, inputs, options, taken=None, unusual=False):
    """The cases of a function and of its backward, in both kinds of numbers."""
    if unusual:
        inputs = [unlikely(rng, i) if isinstance(i, np.ndarray) else i for i in inputs]
    output = getattr(cnnlib, name)(*inputs, **options)
    grad = rng.standard_normal(output.shape)
    grad = unlikely(rng, grad) if unusual else grad
    for dtype in TOLERANCES:
        own = [one.astype(dtype) if isinstance(one, np.ndarray) else one for one in inputs]
        yield name, own, options
        yield f"{name}_backward", [grad.astype(dtype), *own[:taken]], options


@pytest.mark.parametrize("unusual", [False, True])
def test_convolutions_and_their_gradients_are_those_of_cnnlib(run, unusual):
    rng, cases = np.random.default_rng(0), []
    for inputs, options in list(geometry.convolutions())[:: 3 if unusual else 1]:
        cases += with_gradients(rng, "conv2d", inputs, options, taken=2, unusual=unusual)
        if len(cases) % 5 == 0:
            cases += with_gradients(rng, "conv2d", [inputs[0][0], *inputs[1:]], options, taken=2)
    assert len(cases) > (400 if unusual else 1000)
    agree(run, cases)


@pytest.mark.parametrize("unusual", [False, True])
def test_transposed_convolutions_and_their_gradients_are_those_of_cnnlib(run, unusual):
    rng, cases = np.random.default_rng(1), []
    for inputs, options in list(geometry.transposed_convolutions())[:: 3 if unusual else 1]:
        cases += with_gradients(rng, "conv_transpose2d", inputs, options, taken=2, unusual=unusual)
        if len(cases) % 5 == 0:
            one = [inputs[0][0], *inputs[1:]]
            cases += with_gradients(rng, "conv_transpose2d", one, options, taken=2)
    assert len(cases) > (300 if unusual else 900)
    agree(run, cases)


def test_windows_as_columns_and_back_are_those_of_cnnlib(run):
    cases = []
    for (x, weight, _), options in geometry.convolutions():
        options = {key: value for key, value in options.items() if key != "groups"}
        columns = cnnlib.im2col(x, weight.shape[2:], **options)
        cases += [
            ("im2col", [x, list(weight.shape[2:])], options),
            ("col2im", [columns, list(x.shape), list(weight.shape[2:])], options),
        ]
    given = [[name, [*inputs, options]] for name, inputs, options in cases]
    for found, (name, inputs, options) in zip(run(f"return {CALLS};", given), cases, strict=True):
        inputs = [tuple(one) if isinstance(one, list) else one for one in inputs]
        np.testing.assert_array_equal(found, getattr(cnnlib, name)(*inputs, **options))


def poolings():
    """Every pooling of the table, and those that take no options: (name, inputs, options)."""
    yield from geometry.poolings()
    x = np.random.default_rng(2).standard_normal((2, 3, 4, 9))
    for name in ("max_pool2d", "avg_pool2d"):
        yield name, [x, (3, 2)], {}
    for name in ("global_avg_pool2d", "global_max_pool2d"):
        yield name, [x], {}


@pytest.mark.parametrize("unusual", [False, True])
def test_poolings_and_their_gradients_are_those_of_cnnlib(run, unusual):
    rng, cases = np.random.default_rng(3), []
    for name, inputs, options in poolings():
        cases += with_gradients(rng, name, inputs, options, unusual=unusual)
    assert len(cases) > 700
    agree(run, cases)


def test_a_window_of_nothing_but_padding_has_no_largest_value(run):
    x, kernel, options = np.ones((1, 1, 2, 3)), 2, {"padding": 1, "dilation": 3, "stride": 1}
    assert cnnlib.max_pool2d(x, kernel, **options).min() == -np.inf
    agree(run, with_gradients(np.random.default_rng(0), "max_pool2d", [x, kernel], options))


ACTIVATIONS = {
    "relu": [[]],
    "leaky_relu": [[], [0.2]],
    "tanh": [[]],
    "hardtanh": [[], [-0.5, 2.0]],
    "sigmoid": [[]],
    "silu": [[]],
    "gelu": [[], ["tanh"]],
    "elu": [[], [0.7]],
    "identity": [[]],
}


def test_activations_and_their_slopes_are_those_of_cnnlib(run):
    values = [*np.linspace(-4, 4, 65), 1e-9, -1e-9, np.inf, -np.inf, np.nan]
    large = [8.9, -8.9, 40, -40, 710, -710]  # where single precision holds no more than 0 or 1
    grads = np.array([1.0, -2.5, 0, np.inf, -np.inf, np.nan])
    given, expected = [], []
    for dtype in TOLERANCES:
        x = values + large if dtype == np.float64 else values
        x, slopes = (np.ascontiguousarray(a) for a in np.meshgrid(x, grads))
        for name, variants in ACTIVATIONS.items():
            for options in variants:
                own, grad = x.astype(dtype), slopes.astype(dtype)
                given += [[name, [own, *options]], [f"{name}_backward", [grad, own, *options]]]
                expected += [getattr(cnnlib, name)(own, *options)]
                expected += [getattr(cnnlib, f"{name}_backward")(grad, own, *options)]
    for found, right, (name, _) in zip(
        run(f"return {CALLS};", given), expected, given, strict=True
    ):
        close(name, found, right)


@pytest.mark.parametrize("unusual", [False, True])
def test_dense_layers_and_losses_and_their_gradients_are_those_of_cnnlib(run, unusual):
    rng, cases = np.random.default_rng(4), []
    for rows, inputs, outputs in itertools.product([1, 2, 5, 8], [1, 3, 6], [1, 4, 7]):
        x, weight = rng.standard_normal((rows, inputs)), rng.standard_normal((outputs, inputs))
        bias = rng.standard_normal(outputs)
        cases += with_gradients(rng, "linear", [x, weight, bias], {}, taken=2, unusual=unusual)
        for logits in (x * 5, x[0] * 800):  # of the second most powers cannot be held
            for name in ("softmax", "log_softmax"):
                cases += with_gradients(rng, name, [logits], {}, unusual=unusual)
    x, weight = rng.standard_normal(3), rng.standard_normal((4, 3))
    cases += [
        ("linear", [x, weight], {}),
        ("linear_backward", [np.ones(4), x, weight], {}),
        ("flatten", [rng.standard_normal((2, 3, 4, 5))], {}),
        ("flatten_backward", [np.ones((2, 60)), np.ones((2, 3, 4, 5))], {}),
    ]
    agree(
        run,
        [(name, [*i, None] if name == "linear" and len(i) == 2 else i, o) for name, i, o in cases],
    )


def test_the_cross_entropy_and_its_gradient_are_those_of_cnnlib(run):
    rng, cases = np.random.default_rng(5), []
    for dtype in TOLERANCES:
        for rows, classes in itertools.product([1, 2, 5], [2, 3, 7]):
            for scale in (1, 300):
                logits = (rng.standard_normal((rows, classes)) * scale).astype(dtype)
                cases.append((logits, rng.integers(0, classes, rows)))
            cases.append((unlikely(rng, logits), rng.integers(0, classes, rows)))
    cases.append((rng.standard_normal(4), np.array(2)))
    given = [[logits, target.tolist()] for logits, target in cases]
    found = run(
        """return given.map((pair) => {
            const [logits, target] = read(pair);
            const loss = Float64Array.of(math.cross_entropy(logits, target));
            const grad = math.cross_entropy_backward(1.5, logits, target);
            return write([{ shape: [], data: loss }, grad]);
        });""",
        given,
    )
    for (loss, grad), (logits, target) in zip(found, cases, strict=True):
        expected = np.asarray(cnnlib.cross_entropy(logits, target))
        close("loss", loss.astype(expected.dtype), expected)
        close("gradient", grad, cnnlib.cross_entropy_backward(1.5, logits, target))


def settled_norm(rng, channels):
    """A batch norm with statistics and parameters unlike those that it begins with."""
    norm = cnnlib.BatchNorm2d(channels, eps=1e-3, momentum=0.3, dtype=np.float64)
    state = {name: rng.uniform(0.5, 2, channels) for name in list(norm.state_dict())[:4]}
    norm.load_state_dict(state | {"num_batches_tracked": np.array(3)})
    return norm


def as_doubles(state):
    return {key: np.asarray(value, float) for key, value in state.items()}


LOAD = """
    const load = (layer, state) => {
      const arrays = Object.entries(state).map(([key, value]) => [key, read(value)]);
      layer.load_state_dict(Object.fromEntries(arrays));
    };
    const unload = (layer) =>
      Object.entries(layer.state_dict()).map(([key, value]) => [key, write(value)]);
"""


@pytest.mark.parametrize("bins", [1, 4, 10, 15])
def test_reliability_and_its_error_are_those_of_cnnlib(run, bins):
    rng = np.random.default_rng(bins)
    confidence = np.concatenate([rng.uniform(0.3, 1, 83), [0.0, 0.25, 0.3, 0.5, 0.7, 1.0]])
    right = rng.random(len(confidence)) < confidence
    found = run(
        """const both = read(given.slice(0, 1)).concat(given.slice(1));
        const { answers, confidence, accuracy } = math.reliability(...both);
        const filled = (numbers) => numbers.map((number) => (Number.isNaN(number) ? -1 : number));
        const error = math.expected_calibration_error(...both);
        return [answers, filled(confidence), filled(accuracy), error];""",
        [confidence, right.tolist(), bins],
    )
    expected = cnnlib.reliability(confidence, right, bins)
    assert found[0] == expected.answers.tolist()
    for name, one, other in zip(expected._fields[1:], found[1:3], expected[1:], strict=True):
        close(name, one, np.nan_to_num(other, nan=-1))
    close("error", found[3], cnnlib.expected_calibration_error(confidence, right, bins))


@pytest.mark.parametrize("spread", [0.5, 4, 60])
def test_the_temperature_is_that_of_cnnlib(run, spread):
    rng = np.random.default_rng(3)
    logits = spread * rng.standard_normal((53, 6))
    labels = np.where(rng.random(53) < 0.6, logits.argmax(axis=1), rng.integers(0, 6, 53))
    found = run(f"return {CALLS};", [["fit_temperature", [logits, labels.tolist()]]])
    close("temperature", found[0], cnnlib.fit_temperature(logits, labels))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("unusual", [False, True])
def test_batch_normalization_is_that_of_cnnlib_in_both_modes(run, training, unusual):
    rng = np.random.default_rng(6)
    x, grad = rng.normal(3, 2, (4, 3, 5, 2)), rng.standard_normal((4, 3, 5, 2))
    if unusual:
        x[0, 0, 0, 0], grad[2, 1, 1, 1] = np.inf, np.nan
    norm = settled_norm(rng, 3).train(training)
    given = {key: to_page(value) for key, value in as_doubles(norm.state_dict()).items()}
    found = run(
        LOAD
        + """
        const [state, x, grad, training] = given;
        const options = { eps: 1e-3, momentum: 0.3, dtype: Float64Array };
        const norm = new math.BatchNorm2d(3, options).train(training);
        load(norm, state);
        const output = norm.forward(read(x)), dx = norm.backward(read(grad));
        return [write([output, dx, norm.weight.grad, norm.bias.grad]), unload(norm)];
        """,
        [given, x, grad, training],
    )
    expected = [norm(x), norm.backward(grad), norm.weight.grad, norm.bias.grad]
    close("batch norm", found[0], expected)
    for key, value in found[1]:
        if not unusual:  # the mean of what holds an infinity is infinite here, and nan in cnnlib
            close(key, value, as_doubles(norm.state_dict())[key])


def test_dropout_is_that_of_cnnlib(run):
    x, grad = np.random.default_rng(7).standard_normal((2, 3, 4, 5, 6))
    for p in (0.3, 0.0, 1.0):
        dropout = cnnlib.Dropout(p, rng=8)
        draws = np.random.default_rng(8).random(x.shape, np.float32)
        found = run(
            """const [p, x, grad, draws] = given, numbers = read(draws).data.values();
            const dropout = new math.Dropout(p, { random: () => numbers.next().value });
            const both = () => [dropout.forward(read(x)), dropout.backward(read(grad))];
            return write([...both(), ...(dropout.eval(), both())]);""",
            [p, x, grad, draws],
        )
        close("dropout", found, [dropout(x), dropout.backward(grad), x, grad])


def small_network():
    """Every kind of layer that learns, and the ways between them."""
    rng, double = np.random.default_rng(9), np.float64
    body = cnnlib.Sequential(
        # without a bias, which batch norm takes off again: its gradient is nothing but rounding
        cnnlib.Conv2d(4, 6, 3, padding=1, groups=2, bias=False, rng=rng, dtype=double),
        cnnlib.BatchNorm2d(6, dtype=double),
        cnnlib.Tanh(),
    )
    return cnnlib.Sequential(
        {
            "first": cnnlib.Conv2d(2, 4, (3, 2), padding=1, bias=False, rng=rng, dtype=double),
            "norm": cnnlib.BatchNorm2d(4, dtype=double),
            "relu": cnnlib.ReLU(),
            "pool": cnnlib.MaxPool2d(2),
            "block": cnnlib.Residual(body, cnnlib.Conv2d(4, 6, 1, rng=rng, dtype=double)),
            "same": cnnlib.Residual(cnnlib.Conv2d(6, 6, 3, padding="same", rng=rng, dtype=double)),
            "up": cnnlib.ConvTranspose2d(6, 3, 2, 2, rng=rng, dtype=double),
            "mean": cnnlib.AvgPool2d(2),
            "flatten": cnnlib.Flatten(),
            "drop": cnnlib.Dropout(0.2, rng=10),
            "dense": cnnlib.Linear(36, 5, rng=rng, dtype=double),
        }
    )


SMALL_NETWORK = """
    const make = (random) => {
      const dtype = { dtype: Float64Array }, m = math;
      const halves = { padding: 1, groups: 2, bias: false, ...dtype };
      const body = new m.Sequential(new m.Conv2d(4, 6, 3, halves), new m.BatchNorm2d(6, dtype),
        new m.Tanh());
      return new m.Sequential({
        first: new m.Conv2d(2, 4, [3, 2], { padding: 1, bias: false, ...dtype }),
        norm: new m.BatchNorm2d(4, dtype), relu: new m.ReLU(), pool: new m.MaxPool2d(2),
        block: new m.Residual(body, new m.Conv2d(4, 6, 1, dtype)),
        same: new m.Residual(new m.Conv2d(6, 6, 3, { padding: "same", ...dtype })),
        up: new m.ConvTranspose2d(6, 3, 2, { stride: 2, ...dtype }),
        mean: new m.AvgPool2d(2), flatten: new m.Flatten(), drop: new m.Dropout(0.2, { random }),
        dense: new m.Linear(36, 5, dtype),
      });
    };
    const [state, images, labels, draws, [name, options], schedule] = given;
    const numbers = read(draws).data.values(), network = make(() => numbers.next().value);
    load(network, state);
    const optimizer = new math[name](network.parameters(), options);
    const plan = schedule && new math[schedule[0]](optimizer, ...schedule[1]);
    const losses = images.map((batch, i) => {
      network.zero_grad();
      const logits = network.forward(read(batch));
      network.backward_parameters(math.cross_entropy_backward(1, logits, labels[i]));
      optimizer.step();
      plan?.step();
      return math.cross_entropy(logits, labels[i]);
    });
    return [losses, unload(network)];
"""
STEPS = 50


@pytest.mark.parametrize(
    ("optimizer", "schedule"),
    [
        *((optimizer, None) for optimizer in OPTIMIZERS),
        *zip(OPTIMIZERS[1:5], SCHEDULES[1:], strict=True),
    ],
)
def test_fifty_steps_of_training_are_those_of_cnnlib(run, optimizer, schedule):
    rng = np.random.default_rng(11)
    images, labels = rng.standard_normal((STEPS, 4, 2, 6, 7)), rng.integers(0, 5, (STEPS, 4))
    draws = np.random.default_rng(10)
    draws = np.stack([draws.random((4, 36), np.float32) for _ in range(STEPS)])
    network, loss = small_network(), cnnlib.CrossEntropyLoss()
    start = {key: to_page(value) for key, value in as_doubles(network.state_dict()).items()}
    name, options = optimizer
    steps = getattr(cnnlib, name)(network.parameters(), **options)
    plan, expected = None, []
    if schedule:
        plan = getattr(cnnlib, schedule[0])(steps, **schedule[1])
        positional = [v for k, v in schedule[1].items() if k in ("step_size", "gamma", "T_max")]
        positional += [
            v for k, v in schedule[1].items() if k in ("eta_min", "max_lr", "total_steps")
        ]
        rest = {k: v for k, v in schedule[1].items() if k in ("pct_start", "cycle_momentum")}
        schedule = [schedule[0], [*positional, rest] if rest else positional]
    for batch, right in zip(images, labels, strict=True):
        network.zero_grad()
        expected.append(float(loss(network(batch), right)))
        network.backward_parameters(loss.backward())
        steps.step()
        if plan:
            plan.step()
    options = {key: list(v) if isinstance(v, tuple) else v for key, v in options.items()}
    given = [start, list(images), labels.tolist(), draws, [name, options], schedule]
    losses, state = run(LOAD + SMALL_NETWORK, given)
    np.testing.assert_allclose(losses, expected, rtol=1e-9)
    assert [key for key, _ in state] == list(network.state_dict())
    for key, value in state:
        np.testing.assert_allclose(value, network.state_dict()[key], atol=1e-8, err_msg=key)


def test_a_layer_that_stands_at_two_places_learns_from_both(run):
    rng = np.random.default_rng(12)
    layer = cnnlib.Conv2d(2, 2, 3, padding=1, rng=rng, dtype=np.float64)
    network, x = cnnlib.Sequential(layer, cnnlib.Tanh(), layer), rng.standard_normal((1, 2, 4, 5))
    grad = rng.standard_normal(x.shape)
    found = run(
        LOAD
        + """
        const [state, x, grad] = given;
        const layer = new math.Conv2d(2, 2, 3, { padding: 1, dtype: Float64Array });
        load(layer, state);
        const network = new math.Sequential(layer, new math.Tanh(), layer);
        const output = network.forward(read(x)), dx = network.backward(read(grad));
        return [network.parameters().length, ...write([output, dx, layer.weight.grad])];
        """,
        [{key: to_page(value) for key, value in layer.state_dict().items()}, x, grad],
    )
    assert found[0] == 2
    close("shared", found[1:], [network(x), network.backward(grad), layer.weight.grad])


def test_weights_begin_within_one_over_the_root_of_what_is_summed(run):
    weight, bias = run(
        "const layer = new math.Conv2d(6, 40, [3, 5], { groups: 2 });"
        "return [write(layer.weight), write(layer.bias)];"
    )
    bound = 1 / np.sqrt(3 * 3 * 5)
    assert weight.dtype == np.float32 and weight.shape == (40, 3, 3, 5) and bias.shape == (40,)
    for numbers in (weight, bias):
        assert 0.8 * bound < np.abs(numbers).max() <= bound
    assert abs(weight.std() / (bound / np.sqrt(3)) - 1) < 0.05


def test_lists_become_arrays_and_arrays_lists(run):
    found = run(
        """return [math.nested(math.array(given)), math.array(given).shape,
             math.nested(math.array(7)), math.array(7).shape];""",
        [[[1, 2, 3]], [[4, 5, 6]]],
    )
    assert found == [[[[1, 2, 3]], [[4, 5, 6]]], [2, 1, 3], 7, []]


X, WEIGHT = "math.zeros([1, 2, 4, 5])", "math.zeros([6, 2, 3, 3])"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (f"math.conv2d({X}, math.zeros([6, 3, 3, 3]))",
         "conv2d: weight expects 3 input channels, x has 2"),
        (f"math.conv2d({X}, math.zeros([3, 1, 2, 2]), null, {{ groups: 2 }})",
         "conv2d: weight has 3 filters; expected a multiple of the 2 groups"),
        (f"math.conv2d({X}, math.zeros([6, 2, 3, 6]))",
         "conv2d: the kernel extends over 6 columns, the padded input has only 5"),
        (f"math.conv2d({X}, {WEIGHT}, math.zeros([5]))",
         "conv2d: bias has shape (5); expected (6)"),
        (f"math.conv2d({X}, {WEIGHT}, null, {{ padding: 'sane' }})",
         "conv2d: padding is 'sane'; expected one of 'valid', 'same'"),
        (f"math.conv2d({X}, {WEIGHT}, null, {{ padding: 'same', stride: [1, 2] }})",
         "conv2d: padding 'same' expects stride 1, stride is (1, 2)"),
        (f"math.conv2d_backward(math.zeros([1, 6, 3, 2]), {X}, {WEIGHT})",
         "conv2d_backward: grad_output has shape (1, 6, 3, 2); expected (1, 6, 2, 3)"),
        (f"math.conv_transpose2d({X}, math.zeros([3, 2, 2, 2]))",
         "conv_transpose2d: weight expects 3 input channels, x has 2"),
        (f"math.conv_transpose2d({X}, math.zeros([2, 2, 2, 2]), null, {{ padding: 3 }})",
         "conv_transpose2d: padding cuts the output down to (-1, 0)"),
        (f"math.max_pool2d({X}, 2, {{ padding: 2 }})",
         "max_pool2d: padding is 2; expected at most half of 2"),
        (f"math.avg_pool2d({X}, [2, 6])",
         "avg_pool2d: the kernel extends over 6 columns, the padded input has only 5"),
        (f"math.max_pool2d_backward({X}, {X}, 2)",
         "max_pool2d_backward: grad_output has shape (1, 2, 4, 5); expected (1, 2, 2, 2)"),
        (f"math.relu_backward(math.zeros([2]), {X})",
         "relu_backward: grad_output has shape (2); expected (1, 2, 4, 5)"),
        ("math.linear(math.zeros([2, 3]), math.zeros([5, 4]))",
         "linear: weight expects 4 inputs, x has 3"),
        ("math.cross_entropy(math.zeros([2, 3]), [0, 3])",
         "cross_entropy: target has class 3; expected 0 to 2"),
        ("math.cross_entropy(math.zeros([2, 3]), [0])",
         "cross_entropy: target has 1 classes; expected 2"),
        ("new math.ReLU().backward(math.zeros([2]))",
         "ReLU.backward: call forward first, once for each backward"),
        ("new math.BatchNorm2d(3).forward(math.zeros([1, 2, 4, 5]))",
         "BatchNorm2d: x has shape (1, 2, 4, 5); expected (N, 3, H, W)"),
        ("new math.BatchNorm2d(2).forward(math.zeros([1, 2, 1, 1]))",
         "BatchNorm2d: x has one value per channel, which has no variance; "
         "expected 2 or more images"),
        ("new math.Conv2d(3, 4, 2, { groups: 2 })",
         "Conv2d: in_channels is 3 and out_channels is 4; expected a multiple of the 2 groups"),
        ("new math.SGD([], { nesterov: true })",
         "SGD: nesterov is true; expected a momentum above 0 with it"),
        ("new math.Linear(3, 2).load_state_dict({ weight: math.zeros([2, 3]) })",
         "load_state_dict: bias is missing"),
        ("new math.Linear(3, 2).load_state_dict({ wait: math.zeros([2, 3]) })",
         "load_state_dict: wait is unknown"),
        ("new math.Linear(3, 2).load_state_dict("
         "{ weight: math.zeros([3, 2]), bias: math.zeros([2]) })",
         "load_state_dict: weight has shape (3, 2); expected (2, 3)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_the_words_of_cnnlib(run, call, message):
    body = f"try {{ {call}; }} catch (error) {{ return error.message; }} return 'nothing';"
    assert run(body) == message


def test_every_module_has_its_own_names():
    exported = [name for path in MATH.glob("*.js") for name in EXPORT.findall(path.read_text())]
    assert len(exported) == len(set(exported))
    assert not re.search(
        r"\b(?:document|window)\.", "".join(p.read_text() for p in MATH.glob("*.js"))
    )
