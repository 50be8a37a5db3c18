// Which pixels of an image a network's answer depends on. An image is a plane, [row][column].
import { ReLU } from "./activations.js";
import { array, nested, zeros } from "./array.js";
import { sum, table } from "./lists.js";

/** The image and what each layer makes of it, arrays (1, ...); the last are the logits. */
export function forwardValues(network, plane) {
  const values = [array([[plane]])];
  for (const layer of network) values.push(layer.forward(values.at(-1)));
  return values;
}

/** For each of those values, the slope of the logit of class `target`. */
export function logitSlopes(network, plane, target) {
  const slopes = [zeros(forwardValues(network, plane).at(-1).shape)];
  slopes[0].data[target] = 1;
  for (const layer of [...network].reverse()) slopes.unshift(layer.backward(slopes[0]));
  network.zero_grad();
  return slopes;
}

/** The slope of that logit for each pixel. */
export const saliency = (network, plane, target) => nested(logitSlopes(network, plane, target)[0])[0][0];

/** The maps that the last convolution's ReLU lets through: their place among the values. */
const lastMaps = (network, values) =>
  [...network].findLastIndex((layer, i) => layer instanceof ReLU && values[i + 1].shape.length === 4) + 1;

/** Grad-CAM: the last maps, each times its mean slope, added up; what is negative becomes 0. */
export function gradCam(network, plane, target) {
  const values = forwardValues(network, plane), place = lastMaps(network, values), [maps] = nested(values[place]);
  const mean = (slopes) => sum(slopes.flat()) / slopes.flat().length;
  const worth = nested(logitSlopes(network, plane, target)[place])[0].map(mean);
  return table(maps[0].length, maps[0][0].length, (i, j) => Math.max(sum(maps.map((map, c) => worth[c] * map[i][j])), 0));
}

/** The plane with a square of `fill` around a pixel, cut at the rim; an even one has more after it. */
export function covered(plane, [row, column], size, fill) {
  const before = (size - 1) >> 1;
  const inside = (index, center) => index >= center - before && index < center - before + size;
  const look = (value, i, j) => (inside(i, row) && inside(j, column) ? fill : value);
  return plane.map((line, i) => line.map((value, j) => look(value, i, j)));
}
