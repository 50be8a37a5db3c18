// A picture cut to its middle and scaled, as cnnlib.image_folder does: Pillow's ImageOps.fit.
import { zeros } from "./array.js";

const SUPPORT = 2; // of the bicubic curve, in pixels of the smaller picture

/** The bicubic curve of Pillow, with a = -0.5. */
function cubic(distance) {
  const x = Math.abs(distance), a = -0.5;
  if (x >= SUPPORT) return 0;
  return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : (((x - 5) * x + 8) * x - 4) * a;
}

/** For each of `count` pixels, what it takes of a line of `size`, of which `length` count: {first, weights}. */
function shares(size, length, count) {
  const scale = length / count, wide = Math.max(scale, 1), from = (size - length) / 2;
  return Array.from({ length: count }, (_, i) => {
    const center = from + (i + 0.5) * scale, reach = SUPPORT * wide;
    const first = Math.max(0, Math.floor(center - reach + 0.5)), end = Math.min(size, Math.floor(center + reach + 0.5));
    const weights = Array.from({ length: end - first }, (_, k) => cubic((first + k - center + 0.5) / wide));
    const sum = weights.reduce((all, weight) => all + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

const byte = (value) => Math.min(Math.max(Math.round(value * 255), 0), 255) / 255;

/** Each pixel of `to` a sum of pixels of x, which lie `step` apart, rounded to whole bytes as Pillow does. */
function blend(x, start, step, { first, weights }) {
  let sum = 0;
  for (let k = 0; k < weights.length; k++) sum += weights[k] * x[start + (first + k) * step];
  return byte(sum);
}

/** The middle square of a picture (C, H, W) of fractions, scaled to side x side. */
export function fitted({ shape: [channels, rows, columns], data }, side) {
  const length = Math.min(rows, columns), across = shares(columns, length, side), down = shares(rows, length, side);
  const narrow = new Float64Array(channels * rows * side), output = zeros([channels, side, side]);
  for (let line = 0; line < channels * rows; line++)
    for (let j = 0; j < side; j++) narrow[line * side + j] = blend(data, line * columns, 1, across[j]);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < side; i++)
      for (let j = 0; j < side; j++) output.data[(c * side + i) * side + j] = blend(narrow, c * rows * side + j, side, down[i]);
  return output;
}
