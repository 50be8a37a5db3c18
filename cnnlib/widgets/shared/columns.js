// Windows as columns: the matrices that turn a convolution into one product, as cnnlib.im2col.
import { geometry, sum, table } from "./ops.js";

/** Where each number of the columns comes from: [place in the window][stop], {channel, row, column}. */
export function sources(image, kernel, options) {
  const weight = [image.map(() => table(...kernel, () => 0))];
  const { rows, columns } = geometry(image, weight, { ...options, groups: 1 });
  return table(image.length * kernel[0] * kernel[1], rows.output * columns.output, (place, stop) => {
    const [channel, rest] = [Math.floor(place / (kernel[0] * kernel[1])), place % (kernel[0] * kernel[1])];
    const [a, b] = [Math.floor(rest / kernel[1]), rest % kernel[1]];
    const [i, j] = [Math.floor(stop / columns.output), stop % columns.output];
    return { channel, a, b, row: i * rows.stride + a * rows.dilation - rows.before,
      column: j * columns.stride + b * columns.dilation - columns.before };
  });
}

/** Every window of the image as a column; what lies in the padding is 0. */
export const im2col = (image, kernel, options) =>
  sources(image, kernel, options).map((line) => line.map(({ channel, row, column }) => image[channel][row]?.[column] ?? 0));

/** The product of two matrices. */
export const matmul = (left, right) =>
  table(left.length, right[0].length, (i, j) => sum(left[i].map((value, k) => value * right[k][j])));
