// The cells of a pooling window, to be shown one by one: which of them count, and who receives the gradient.
import { array, nested } from "./array.js";
import { sum, table } from "./lists.js";
import { avg_pool2d, max_pool2d } from "./pooling.js";
import { meets, windowAxes } from "./shapes.js";

/** Both axes of a pooling of a plane, [row][column]; without a stride it moves by its own size. */
export const poolGeometry = (plane, { kernel_size, stride = kernel_size, ...options }) =>
  windowAxes([plane.length, plane[0].length], kernel_size, { stride, ...options });

/** Where a cell lies, counted from the first pixel: a "pixel", in the "padding", or "beyond" both. */
export function kindAt({ rows, columns }, row, column) {
  const one = (side, index) =>
    index >= 0 && index < side.size ? "pixel" : index < side.size + side.before ? "padding" : "beyond";
  const kinds = [one(rows, row), one(columns, column)];
  return ["beyond", "padding"].find((kind) => kinds.includes(kind)) ?? "pixel";
}

/** The cells under window (i, j), row by row. */
export const poolWindow = (plane, shape, i, j) =>
  table(shape.rows.kernel, shape.columns.kernel, (a, b) => {
    const row = meets(shape.rows, i, a), column = meets(shape.columns, j, b), kind = kindAt(shape, row, column);
    return { row, column, kind, value: kind === "pixel" ? plane[row][column] : 0 };
  }).flat();

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

/** The pooled map, [row][column]; options are those of max_pool2d or avg_pool2d, and the mode. */
export function pool2d(plane, { mode, kernel_size, dilation, count_include_pad, ...options }) {
  return nested(mode === "max"
    ? max_pool2d(array(plane), kernel_size, { ...options, dilation })
    : avg_pool2d(array(plane), kernel_size, { ...options, count_include_pad }));
}

/**
 * Who receives how much of each window's gradient: {i, j, row, column, value, share, cells} for each of
 * its pixels. A maximum gives all to its winner, a mean the same to all of its `cells` that count.
 */
export function poolShares(plane, options) {
  const shape = poolGeometry(plane, options);
  return table(shape.rows.output, shape.columns.output, (i, j) => {
    const cells = poolWindow(plane, shape, i, j), winner = winnerOf(cells, options);
    const equal = 1 / countedCells(cells, options).length;
    return cells.filter(({ kind }) => kind === "pixel").map((cell) =>
      ({ ...cell, i, j, cells, share: options.mode === "max" ? Number(cell === winner) : equal }));
  }).flat(2);
}
