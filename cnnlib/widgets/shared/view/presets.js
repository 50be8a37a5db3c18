// Kernels and images that a reader can choose, made for rows x columns.
import { table } from "../math/lists.js";

const only3x3 = (plane) => (rows, columns) => (rows === 3 && columns === 3 ? plane : null);
const is = (condition) => (condition ? 1 : 0);
const count = (rows, columns) => table(rows, columns, (i, j) => i * columns + j + 1);

/** Name to maker; a maker gives null for a size in which the kernel does not exist. */
export const KERNELS = new Map([
  ["vertical edge", (r, c) => table(r, c, (_, j) => is(j === 0) - is(j === c - 1))],
  ["horizontal edge", (r, c) => table(r, c, (i) => is(i === 0) - is(i === r - 1))],
  ["diagonal", (r, c) => table(r, c, (i, j) => is(i === j))],
  ["identity", (r, c) => table(r, c, (i, j) => is(i === (r - 1) >> 1 && j === (c - 1) >> 1))],
  ["box blur", (r, c) => table(r, c, () => 1 / (r * c))],
  ["Gaussian blur", only3x3([[1, 2, 1], [2, 4, 2], [1, 2, 1]].map((row) => row.map((w) => w / 16)))],
  ["sharpen", only3x3([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])],
  ["Laplacian", only3x3([[0, -1, 0], [-1, 4, -1], [0, -1, 0]])],
  ["Sobel", only3x3([[1, 0, -1], [2, 0, -2], [1, 0, -1]])],
  ["1, 2, 3, …", count],
  ["zeros", (r, c) => table(r, c, () => 0)],
]);

export const IMAGES = new Map([
  ["one white pixel", (r, c) => table(r, c, (i, j) => is(i === r >> 1 && j === c >> 1))],
  ["step", (r, c) => table(r, c, (_, j) => 9 * is(j < c / 2))],
  ["square", (r, c) => table(r, c, (i, j) => 9 * is(i > 0 && i < r - 1 && j > 0 && j < c - 1))],
  ["diagonal line", (r, c) => table(r, c, (i, j) => 9 * is(i === j))],
  ["checkerboard", (r, c) => table(r, c, (i, j) => 9 * is((i + j) % 2 === 0))],
  ["1, 2, 3, …", count],
]);
