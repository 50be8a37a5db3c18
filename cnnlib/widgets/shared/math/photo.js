// What a kernel, and a second one behind it, make of a photograph, and where each of the numbers comes from.
import { relu } from "./activations.js";
import { array, zeros } from "./array.js";
import { conv2d } from "./convolution.js";
import { max_pool2d } from "./pooling.js";
import { meets, windows } from "./shapes.js";
import { geometry, products } from "./terms.js";

const grays = new WeakMap();

/** The mean of an image's channels, computed once. */
export function grayOf(image) {
  if (grays.has(image)) return grays.get(image);
  const [channels, rows, columns] = image.shape, area = rows * columns, gray = zeros([1, rows, columns], image);
  grays.set(image, gray);
  for (let at = 0; at < area; at++) {
    let total = 0;
    for (let c = 0; c < channels; c++) total += image.data[c * area + at];
    gray.data[at] = total / channels;
  }
  return gray;
}

/** What is convolved, how often, and with which weights, as conv2d takes them. */
function layersOf(channels, planes, { weight, bias, second, stride, padding, dilation }) {
  const apart = channels !== "added", maps = apart ? planes : 1;
  const own = Array.from({ length: planes }, (_, c) => weight[c % weight.length]);
  const first = { weight: array(apart ? own.map((plane) => [plane]) : [own]), bias,
    options: { stride, padding, dilation, groups: apart ? planes : 1 } };
  const next = second && { weight: array(Array(maps).fill([second])), bias: 0, options: { padding, groups: maps } };
  return next ? [first, next] : [first];
}

/** The size of what comes out. Raises an Error when something does not fit. */
export function sizeOf([rows, columns], { weight, second, stride, padding, dilation, pool }) {
  const steps = [[weight[0], { stride, padding, dilation }], ...(second ? [[second, { padding }]] : [])];
  const step = (size, kernel, options) => Object.values(windows("photo", size, kernel, options)).map((axis) => axis.output);
  const size = steps.reduce((size, [kernel, options]) => step(size, [kernel.length, kernel[0].length], options), [rows, columns]);
  return step(size, [pool, pool], { stride: pool });
}

/**
 * All that is computed of an image (C, H, W): {x, layers, output}. x is what the first kernel reads, and a layer
 * has its `x`, `weight`, `bias` and `options`, its `axes`, and `sums`, which ReLU has not yet seen.
 */
export function convolved(image, traits) {
  const x = traits.channels === "gray" ? grayOf(image) : image;
  let now = x;
  const layers = layersOf(traits.channels, x.shape[0], traits).map((layer) => {
    const biases = { shape: [layer.weight.shape[0]], data: new Float64Array(layer.weight.shape[0]).fill(layer.bias) };
    const sums = conv2d(now, layer.weight, biases, layer.options), before = now;
    now = traits.relu ? relu(sums) : sums;
    return { ...layer, x: before, sums, axes: geometry(before, layer.weight, layer.options) };
  });
  const pooled = traits.pool > 1 ? max_pool2d(now, traits.pool) : now;
  return { x, layers, unpooled: now, pool: traits.pool, output: pooled };
}

const at = ({ shape: [, rows, columns], data }, map, i, j) => data[(map * rows + i) * columns + j];
const middle = (axis, stop) => meets(axis, stop, (axis.kernel - 1) >> 1);

/** The place of the pooling window that has the largest number, and all its numbers. */
function winner({ unpooled, pool }, map, row, column) {
  const cells = [];
  for (let i = row * pool; i < (row + 1) * pool; i++)
    for (let j = column * pool; j < (column + 1) * pool; j++) cells.push({ i, j, value: at(unpooled, map, i, j) });
  return { cells, best: cells.reduce((best, cell) => (cell.value > best.value ? cell : best)) };
}

/** The rows (or columns) of an image, first to last, that the numbers first to last of a layer's map read. */
const reach = (axis, [first, last]) => [meets(axis, first, 0), meets(axis, last, axis.kernel - 1)];

/**
 * Where a number of the result comes from: `cells`, those it is the largest of, and for each layer the place of
 * its sum, {i, j}, its terms and its total. With a second kernel the first one's sum is that in the middle of the
 * second one's. `field` is all of the image that the number depends on, as a frame.
 */
export function traced(result, map, row, column) {
  const { layers, pool } = result, { cells, best } = winner(result, map, row, column);
  let place = best, field = [row, column].map((stop) => [stop * pool, stop * pool + pool - 1]);
  const sums = [];
  for (const layer of [...layers].reverse()) {
    const { axes: { rows, columns }, sums: maps } = layer, { i, j } = place;
    sums.unshift({ layer, i, j, terms: products(layer.x, layer.weight, layer.axes, map, i, j), bias: layer.bias, total: at(maps, map, i, j) });
    field = [reach(rows, field[0]), reach(columns, field[1])];
    const inside = (axis, stop) => Math.min(Math.max(middle(axis, stop), 0), axis.size - 1);
    place = { i: inside(rows, i), j: inside(columns, j) };
  }
  const [[top, bottom], [left, right]] = field;
  return { cells, sums, value: at(result.output, map, row, column),
    field: { row: top, column: left, rows: bottom - top + 1, columns: right - left + 1 } };
}

/** The place of the result whose window has this pixel of the image in its middle, or is the nearest to it. */
export function placeOver({ layers, pool, output }, row, column) {
  const { shape } = output, names = ["rows", "columns"];
  return [row, column].map((pixel, side) => {
    const stop = layers.reduce((now, { axes }) => {
      const { stride, before, extent, output: count } = axes[names[side]];
      return Math.min(Math.max(Math.round((now + before - (extent - 1) / 2) / stride), 0), count - 1);
    }, pixel);
    return Math.min(Math.floor(stop / pool), shape[side + 1] - 1);
  });
}
