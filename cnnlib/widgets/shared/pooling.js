// Pooling as torch computes it: the cells of a window, and the number that stands for them.
import { axis, pair, sum, table } from "./ops.js";

/** Both axes of a pooling of `image`, [row][column]; without a stride it is the window's size. */
export function poolGeometry(image, options) {
  const { kernel_size, stride = kernel_size, padding = 0, dilation = 1, ceil_mode = false } = options;
  const sizes = [image.length, image[0].length];
  const [kernels, strides, paddings, dilations] = [kernel_size, stride, padding, dilation].map(pair);
  const [rows, columns] = sizes.map((size, i) =>
    axis(size, kernels[i], strides[i], paddings[i], dilations[i], ceil_mode));
  return { rows, columns };
}

/** Where a cell lies, counted from the first pixel: a "pixel", in the "padding", or "beyond" both. */
export function kindAt({ rows, columns }, row, column) {
  const one = (side, index) =>
    index >= 0 && index < side.size ? "pixel" : index < side.size + side.before ? "padding" : "beyond";
  const kinds = [one(rows, row), one(columns, column)];
  return ["beyond", "padding"].find((kind) => kinds.includes(kind)) ?? "pixel";
}

/** The cells under window (i, j), row by row. */
export function poolWindow(image, shape, i, j) {
  const { rows, columns } = shape;
  return table(rows.kernel, columns.kernel, (a, b) => {
    const row = i * rows.stride - rows.before + a * rows.dilation;
    const column = j * columns.stride - columns.before + b * columns.dilation;
    const kind = kindAt(shape, row, column);
    return { row, column, kind, value: kind === "pixel" ? image[row][column] : 0 };
  }).flat();
}

/** The cells that count: padding never wins a maximum, and counts in a mean if it is told to. */
export const countedCells = (cells, { mode, count_include_pad: padding = true }) =>
  cells.filter(({ kind }) => kind === "pixel" || (kind === "padding" && mode === "average" && padding));

/** What the window is reduced to: its largest value, or the mean of the cells that count. */
export function poolValue(cells, options) {
  const values = countedCells(cells, options).map((cell) => cell.value);
  return options.mode === "max" ? Math.max(...values) : sum(values) / values.length;
}

/** The largest cell, the first one of equals; none when all is padding. */
export const winnerOf = (cells, options) =>
  countedCells(cells, options).find(({ value }) => value === poolValue(cells, options));

/** The pooled map, [row][column]; options are those of cnnlib.max_pool2d or avg_pool2d, and the mode. */
export function pool2d(image, options) {
  const shape = poolGeometry(image, options);
  const value = (i, j) => poolValue(poolWindow(image, shape, i, j), options);
  return table(shape.rows.output, shape.columns.output, value);
}

/**
 * Who receives how much of each window's gradient: {i, j, row, column, value, share, cells} for each of
 * its pixels. A maximum gives all to its winner, a mean the same to all of its `cells` that count.
 */
export function poolShares(image, options) {
  const shape = poolGeometry(image, options);
  return table(shape.rows.output, shape.columns.output, (i, j) => {
    const cells = poolWindow(image, shape, i, j);
    const winner = winnerOf(cells, options);
    const equal = 1 / countedCells(cells, options).length;
    return cells.filter(({ kind }) => kind === "pixel").map((cell) =>
      ({ ...cell, i, j, cells, share: options.mode === "max" ? Number(cell === winner) : equal }));
  }).flat(2);
}

/** The gradient for pooling's input, as cnnlib.max_pool2d_backward or avg_pool2d_backward. */
export function pool2dBackward(gradOutput, image, options) {
  const dx = image.map((line) => line.map(() => 0));
  for (const { i, j, row, column, share } of poolShares(image, options)) dx[row][column] += share * gradOutput[i][j];
  return dx;
}
