// Planes, [row][column]: shuffled, moved, and with one kernel on them.
import { array, nested } from "./array.js";
import { conv2d } from "./convolution.js";
import { table } from "./lists.js";
import { geometry, products } from "./terms.js";

/** A plane whose k-th number, row by row, is the old plane's number order[k]: torch's x.flatten()[order]. */
export function shuffled(plane, order) {
  const numbers = plane.flat();
  return table(plane.length, plane[0].length, (i, j) => numbers[order[i * plane[0].length + j]]);
}

/** A plane moved down and to the right; `fill` comes in where nothing was. */
export const shifted = (plane, down, right, fill = 0) =>
  table(plane.length, plane[0].length, (i, j) => plane[i - down]?.[j - right] ?? fill);

/** What a kernel and a bias make of a plane. */
export const planeMap = (plane, kernel, bias, options) =>
  nested(conv2d(array([plane]), array([[kernel]]), array([bias]), options))[0];

/** The products of the kernel at a stop. A dense neuron has a kernel as large as the plane, and one stop. */
export function planeProducts(plane, kernel, [i, j] = [0, 0], options = {}) {
  const [x, weight] = [array([plane]), array([[kernel]])];
  return products(x, weight, geometry(x, weight, options), 0, i, j);
}
