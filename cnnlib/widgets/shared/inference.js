// A trained network in the page: typed arrays and direct loops, each layer's numbers kept to be looked at.
// Layers are those that cnnlib/widgets/packed.py writes. A number of a map is at
// (channel · rows + row) · columns + column.

const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** A number of 16 bits, IEEE 754: a sign, 5 bits of exponent, 10 of fraction. */
function half(bits) {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : (fraction / 1024) * 2 ** -14;
  return bits >> 15 ? -size : size;
}

/** The numbers of a packed array, {type, shape, data}, as doubles: these the loops read fastest. */
export function unpacked({ type, data }) {
  const raw = new DataView(bytes(data).buffer), width = type === "float16" ? 2 : 4;
  const read = width === 2 ? (at) => half(raw.getUint16(at, true)) : (at) => raw.getFloat32(at, true);
  return Float64Array.from({ length: raw.byteLength / width }, (_, i) => read(width * i));
}

const outputSize = (size, kernel, stride, padding) => Math.floor((size + 2 * padding - kernel) / stride) + 1;
const size = (shape) => shape.reduce((total, side) => total * side, 1);

/** What comes in with its padding around it, `fill` everywhere else; the rim is written once. */
function padder([channels, rows, columns], [top, left], fill) {
  if (!top && !left) return (input) => input;
  const height = rows + 2 * top, width = columns + 2 * left;
  const padded = new Float64Array(channels * height * width).fill(fill);
  return (input) => {
    for (let line = 0; line < channels * rows; line++) {
      const c = Math.floor(line / rows), start = (c * height + top + line - c * rows) * width + left;
      padded.set(input.subarray(line * columns, (line + 1) * columns), start);
    }
    return padded;
  };
}

/** sums[j] += one row of a kernel · the pixels from `at` on. Of rows of 3 and 5 each sum is stored once. */
function addRow(sums, x, at, w, first, kernel, stride) {
  const last = sums.length;
  if (kernel === 3 && stride === 1) {
    const a = w[first], b = w[first + 1], c = w[first + 2];
    for (let j = 0; j < last; j++) sums[j] += a * x[at + j] + b * x[at + j + 1] + c * x[at + j + 2];
  } else if (kernel === 5 && stride === 1) {
    const a = w[first], b = w[first + 1], c = w[first + 2], d = w[first + 3], e = w[first + 4];
    for (let j = 0; j < last; j++)
      sums[j] += a * x[at + j] + b * x[at + j + 1] + c * x[at + j + 2]
        + d * x[at + j + 3] + e * x[at + j + 4];
  } else {
    for (let k = 0; k < kernel; k++)
      for (let j = 0; j < last; j++) sums[j] += w[first + k] * x[at + j * stride + k];
  }
}

function convolution({ weight, bias, weightShape, stride, padding }, shape) {
  const [filters, channels, kernelRows, kernelColumns] = weightShape;
  const rows = outputSize(shape[1], kernelRows, stride[0], padding[0]);
  const columns = outputSize(shape[2], kernelColumns, stride[1], padding[1]);
  const height = shape[1] + 2 * padding[0], width = shape[2] + 2 * padding[1];
  const pad = padder(shape, padding, 0), sums = new Float64Array(columns);
  return { shape: [filters, rows, columns], run(input, output) {
    const x = pad(input);
    for (let f = 0; f < filters; f++)
      for (let i = 0; i < rows; i++) {
        sums.fill(bias ? bias[f] : 0);
        for (let c = 0; c < channels; c++)
          for (let a = 0; a < kernelRows; a++)
            addRow(sums, x, (c * height + i * stride[0] + a) * width, weight,
              ((f * channels + c) * kernelRows + a) * kernelColumns, kernelColumns, stride[1]);
        output.set(sums, (f * rows + i) * columns);
      }
  } };
}

function pooling({ kernel_size: kernel, stride, padding }, shape) {
  const [rows, columns] = [0, 1].map((i) => outputSize(shape[i + 1], kernel[i], stride[i], padding[i]));
  const height = shape[1] + 2 * padding[0], width = shape[2] + 2 * padding[1];
  const pad = padder(shape, padding, -Infinity);
  return { shape: [shape[0], rows, columns], run(input, output) {
    const x = pad(input);
    for (let c = 0, to = 0; c < shape[0]; c++)
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++, to++) {
          const at = (c * height + i * stride[0]) * width + j * stride[1];
          let most = -Infinity;
          for (let a = 0; a < kernel[0]; a++)
            for (let b = 0; b < kernel[1]; b++) most = Math.max(most, x[at + a * width + b]);
          output[to] = most;
        }
  } };
}

function normalization({ weight, bias, mean, variance, eps }, shape) {
  const area = size(shape) / shape[0];
  const scale = weight.map((w, c) => w / Math.sqrt(variance[c] + eps));
  return { shape, run(input, output) {
    for (let c = 0; c < shape[0]; c++)
      for (let i = c * area; i < (c + 1) * area; i++) output[i] = (input[i] - mean[c]) * scale[c] + bias[c];
  } };
}

function mean(layer, shape) {
  const area = shape[1] * shape[2];
  return { shape: [shape[0], 1, 1], run(input, output) {
    for (let c = 0; c < shape[0]; c++) {
      let total = 0;
      for (let i = c * area; i < (c + 1) * area; i++) total += input[i];
      output[c] = total / area;
    }
  } };
}

function dense({ weight, bias, weightShape: [outputs, inputs] }) {
  return { shape: [outputs], run(input, output) {
    for (let k = 0; k < outputs; k++) {
      let total = bias ? bias[k] : 0;
      for (let i = 0, at = k * inputs; i < inputs; i++) total += weight[at + i] * input[i];
      output[k] = total;
    }
  } };
}

const relu = (layer, shape) => ({ shape, run(input, output) {
  for (let i = 0; i < input.length; i++) output[i] = input[i] > 0 ? input[i] : 0;
} });
const KINDS = {
  Conv2d: convolution, BatchNorm2d: normalization, ReLU: relu, MaxPool2d: pooling, GlobalAvgPool2d: mean,
  Linear: dense,
  Dropout: (layer, shape) => ({ shape }), // lets all pass when it is not training
  Flatten: (layer, shape) => ({ shape: [size(shape)] }), // the numbers lie in a row already
};

/** The layers with their packed arrays as numbers, to be given to any number of networks. */
export const opened = (layers) => layers.map((layer) =>
  Object.fromEntries([["weightShape", layer.weight?.shape], ...Object.entries(layer).map(([name, value]) =>
    [name, value?.data ? unpacked(value) : value])]));

/**
 * inference(layers, shape) is a network for one image of that shape, with its memory taken once.
 * `steps` has for each layer its `input` and `output` shape and `values`, which run(pixels) fills;
 * run returns those of the last layer. A layer that changes nothing shares the values before it.
 */
export function inference(layers, shape) {
  const pixels = new Float64Array(size(shape));
  let [values, at] = [pixels, shape];
  const steps = layers.map((layer) => {
    const made = KINDS[layer.kind](layer, at);
    const step = { layer, input: at, output: made.shape, before: values, run: made.run };
    step.values = made.run ? new Float64Array(size(made.shape)) : values;
    [values, at] = [step.values, made.shape];
    return step;
  });
  return { pixels, steps, run(image) {
    pixels.set(image);
    for (const step of steps) step.run?.(step.before, step.values);
    return values;
  } };
}

/** Probabilities of logits. */
export function softmax(logits) {
  const top = Math.max(...logits), powers = Array.from(logits, (logit) => Math.exp(logit - top));
  const total = powers.reduce((all, power) => all + power, 0);
  return powers.map((power) => power / total);
}

/** By how much a logit is ahead of the best of the others. */
export const lead = (logits, k) => logits[k] - Math.max(...logits.filter((_, other) => other !== k));

/**
 * Where the network looks for its answer k: a patch of zeros covers one place after the other, and what
 * this takes off the lead of k is written there. A place is a square of `step` pixels, the patch reaches
 * `margin` pixels further on each side. Yields after each place, so that the page can breathe; the
 * map, [row][column], is filled as it goes.
 */
export function* occlusion(network, image, side, { step, margin }, map) {
  const logits = network.run(image), k = logits.indexOf(Math.max(...logits)), whole = lead(logits, k);
  const range = (place) => [Math.max(0, place * step - margin), Math.min(side, (place + 1) * step + margin)];
  for (let row = 0; row * step < side; row++)
    for (let column = 0; column * step < side; column++) {
      const covered = Float64Array.from(image), [top, bottom] = range(row), [left, right] = range(column);
      for (let i = top; i < bottom; i++) covered.fill(0, i * side + left, i * side + right);
      map[row][column] = whole - lead(network.run(covered), k);
      yield;
    }
}

/**
 * The products behind one number of a convolution or a dense layer, a part for each channel that it hears:
 * {channel, total, terms}, a term being {a, b, row, column, pixel, weight}. `shape` is that of the maps that
 * come in, before they were flattened.
 */
export function partsOf({ layer, before }, [channels, rows = 1, columns = 1], filter, i, j) {
  const sliding = layer.kind === "Conv2d";
  const [high, wide] = sliding ? layer.weightShape.slice(2) : [rows, columns];
  const [top, left] = [i, j].map((at, k) => (sliding ? at * layer.stride[k] - layer.padding[k] : 0));
  return Array.from({ length: channels }, (_, channel) => {
    const terms = Array.from({ length: high * wide }, (_, place) => {
      const [a, b] = [Math.floor(place / wide), place % wide], [row, column] = [top + a, left + b];
      const inside = row >= 0 && column >= 0 && row < rows && column < columns;
      return { a, b, row, column, pixel: inside ? before[(channel * rows + row) * columns + column] : 0,
        weight: layer.weight[((filter * channels + channel) * high + a) * wide + b] };
    });
    return { channel, terms, total: terms.reduce((total, term) => total + term.pixel * term.weight, 0) };
  });
}
