// The products behind single numbers of a convolution, to be shown one by one. An image is an array (C, H, W), a
// weight (O, C / groups, rows, columns); a dense layer is a convolution whose kernel is as large as the image.
import { meets, windowAxes } from "./shapes.js";

/** Both axes of a convolution of image x with weight, and the channels and filters of each of its groups. */
export function geometry(x, weight, { groups = 1, ...options } = {}) {
  const [filters, channels, ...kernel] = weight.shape;
  return { ...windowAxes(x.shape, kernel, options), groups, channels, filters: filters / groups };
}

/** The products of one output number: which pixel meets which weight. Padding reads as 0. */
export function products(x, weight, { rows, columns, channels, filters }, filter, i, j) {
  const first = Math.floor(filter / filters) * channels, terms = [];
  for (let plane = 0, at = filter * channels * rows.kernel * columns.kernel; plane < channels; plane++)
    for (let a = 0; a < rows.kernel; a++)
      for (let b = 0; b < columns.kernel; b++, at++) {
        const channel = first + plane, row = meets(rows, i, a), column = meets(columns, j, b);
        const inside = row >= 0 && row < rows.size && column >= 0 && column < columns.size;
        const pixel = inside ? x.data[(channel * rows.size + row) * columns.size + column] : 0;
        terms.push({ channel, plane, a, b, row, column, pixel, weight: weight.data[at] });
      }
  return terms;
}

/**
 * Every meeting of a pixel and a weight, with the gradient of the output number they met in: it adds
 * pixel·gradient to the weight's gradient and weight·gradient to the pixel's. In order of the outputs.
 */
export const contributions = (gradOutput, x, weight, geometry) =>
  gradOutput.flatMap((map, filter) =>
    map.flatMap((line, i) =>
      line.flatMap((gradient, j) =>
        products(x, weight, geometry, filter, i, j).map((term) => ({ ...term, filter, i, j, gradient })))));
