// A trained network made into layers again, as cnnlib/widgets/packed.py sends it, or with its arrays as lists.
import { ReLU } from "./activations.js";
import { array, fromBase64 } from "./array.js";
import { Conv2d } from "./convolution.js";
import { Flatten, Linear } from "./dense.js";
import { Residual, Sequential } from "./network.js";
import { BatchNorm2d, Dropout } from "./normalization.js";
import { GlobalAvgPool2d, MaxPool2d } from "./pooling.js";

/** A number of 16 bits, IEEE 754: a sign, 5 bits of exponent, 10 of fraction. */
function half(bits) {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : (fraction / 1024) * 2 ** -14;
  return bits >> 15 ? -size : size;
}

const OF_FEW = 35, OF_HIGH = 8; // the letters for 0
const codes = (text) => Array.from(text, (letter) => letter.charCodeAt(0));

/** The array, of doubles, that was packed as {type, shape, data, ...}. */
export function unpacked({ type, shape, data, high, values }) {
  if (type === "palette") return { shape, data: Float64Array.from(codes(data), (code) => values[code - OF_FEW]) };
  const raw = fromBase64(data);
  if (type === "float32") return { shape, data: Float64Array.from(new Float32Array(raw.buffer)) };
  const bits = codes(high).map((letter, i) => (((letter - OF_HIGH) & 1) << 15) | (((letter - OF_HIGH) >> 1) << 8) | raw[i]);
  return { shape, data: Float64Array.from(bits, half) };
}

const opened = (value) => (value.data ? unpacked(value) : array(value));

/** A layer with these arrays, by the names of its state. */
function loaded(layer, arrays) {
  layer.load_state_dict(Object.fromEntries(Object.entries(arrays).filter(([, value]) => value)));
  return layer;
}

const dtype = Float64Array;
const KINDS = {
  Conv2d({ weight, bias, stride, padding, dilation, groups = 1 }) {
    const [filters, channels, ...kernel] = weight.shape, options = { stride, padding, dilation, groups, bias: Boolean(bias), dtype };
    return loaded(new Conv2d(channels * groups, filters, kernel, options), { weight, bias });
  },
  Linear({ weight, bias }) {
    const [outputs, inputs] = weight.shape;
    return loaded(new Linear(inputs, outputs, { bias: Boolean(bias), dtype }), { weight, bias });
  },
  BatchNorm2d({ weight, bias, mean, variance, eps }) {
    const layer = new BatchNorm2d(weight.shape[0], { eps, dtype }), num_batches_tracked = array(0);
    return loaded(layer, { weight, bias, running_mean: mean, running_var: variance, num_batches_tracked });
  },
  MaxPool2d: ({ kernel_size, ...options }) => new MaxPool2d(kernel_size, options),
  GlobalAvgPool2d: () => new GlobalAvgPool2d(),
  ReLU: () => new ReLU(),
  Flatten: () => new Flatten(),
  Dropout: () => new Dropout(),
  Residual: ({ body, shortcut }) => new Residual(unpackedNetwork(body), shortcut && unpackedNetwork(shortcut)),
};

/** The network of these layers, [{kind, ...}], in evaluation mode. */
export function unpackedNetwork(layers) {
  const arrays = ["weight", "bias", "mean", "variance"];
  const own = (layer) => Object.fromEntries(Object.entries(layer).map(([name, value]) =>
    [name, value && arrays.includes(name) ? opened(value) : value]));
  return new Sequential(...layers.map((layer) => KINDS[layer.kind](own(layer)))).eval();
}
