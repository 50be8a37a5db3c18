// A network, layer by layer, for one image: cnnlib.Sequential's forward and backward, with no page in it.
import { conv2d, conv2dBackward, linear, sum, table } from "./ops.js";
import { pool2d, pool2dBackward } from "./pooling.js";

/** What `change` makes of each number of a nested array, given the numbers at its place in others. */
const each = (change, nested, ...others) =>
  Array.isArray(nested)
    ? nested.map((part, i) => each(change, part, ...others.map((other) => other[i])))
    : change(nested, ...others);

/** The numbers of a row in the nesting of `like`: Flatten, undone. */
function unflatten(row, like) {
  let next = 0;
  return each(() => row[next++], like);
}

// backward: the gradient for a layer's input x, given that for its output; no parameter's gradient is needed.
const LAYERS = {
  Conv2d: {
    forward: (x, layer) => conv2d(x, layer.weight, layer.bias, layer),
    backward: (grad, x, layer) => conv2dBackward(grad, x, layer.weight, layer).dx,
  },
  ReLU: {
    forward: (x) => each((value) => Math.max(value, 0), x),
    backward: (grad, x) => each((slope, value) => (value > 0 ? slope : 0), grad, x),
  },
  MaxPool2d: {
    forward: (x, layer) => x.map((plane) => pool2d(plane, { ...layer, mode: "max" })),
    backward: (grad, x, layer) =>
      x.map((plane, c) => pool2dBackward(grad[c], plane, { ...layer, mode: "max" })),
  },
  Flatten: { forward: (x) => x.flat(Infinity), backward: unflatten },
  Linear: {
    forward: (x, layer) => linear(x, layer.weight, layer.bias),
    backward: (grad, x, layer) => x.map((_, i) => sum(grad.map((slope, k) => slope * layer.weight[k][i]))),
  },
};

/** The image x, [channel][row][column], and what each layer makes of it; the last are the logits. */
export function forwardValues(layers, x) {
  const values = [x];
  for (const layer of layers) values.push(LAYERS[layer.kind].forward(values.at(-1), layer));
  return values;
}

/** For each of those values, the slope of the logit of class `target`. */
export function logitSlopes(layers, values, target) {
  const slopes = [values.at(-1).map((_, k) => Number(k === target))];
  for (let i = layers.length - 1; i >= 0; i--)
    slopes.unshift(LAYERS[layers[i].kind].backward(slopes[0], values[i], layers[i]));
  return slopes;
}

/** The maps that the last convolution's ReLU lets through: their place among the values. */
export const lastMaps = (layers, values) =>
  layers.findLastIndex(({ kind }, i) => kind === "ReLU" && Array.isArray(values[i + 1][0])) + 1;

/** Grad-CAM: the last maps, each times its mean slope, added up; what is negative becomes 0. */
export function gradCam(layers, values, target) {
  const place = lastMaps(layers, values), maps = values[place];
  const mean = (slopes) => sum(slopes.flat()) / slopes.flat().length;
  const worth = logitSlopes(layers, values, target)[place].map(mean);
  const at = (i, j) => Math.max(sum(maps.map((map, c) => worth[c] * map[i][j])), 0);
  return table(maps[0].length, maps[0][0].length, at);
}

/** The plane with a square of `fill` around a pixel, cut at the rim; an even one has more after it. */
export function covered(plane, [row, column], size, fill) {
  const before = (size - 1) >> 1;
  const inside = (index, center) => index >= center - before && index < center - before + size;
  const look = (value, i, j) => (inside(i, row) && inside(j, column) ? fill : value);
  return plane.map((line, i) => line.map((value, j) => look(value, i, j)));
}
