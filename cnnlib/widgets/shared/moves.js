// Pixels that change their places: shuffled by a permutation, or moved across a plane.
import { table } from "./ops.js";

/** A plane whose k-th number, row by row, is the old plane's number order[k]: torch's x.flatten()[order]. */
export function shuffled(plane, order) {
  const numbers = plane.flat();
  return table(plane.length, plane[0].length, (i, j) => numbers[order[i * plane[0].length + j]]);
}

/** A plane moved down and to the right; `fill` comes in where nothing was. */
export const shifted = (plane, down, right, fill = 0) =>
  table(plane.length, plane[0].length, (i, j) => plane[i - down]?.[j - right] ?? fill);

/** The products of a dense neuron, one for each pixel, in the form that a sum panel writes. */
export const denseProducts = (plane, weight) =>
  plane.flatMap((line, a) => line.map((pixel, b) => ({ channel: 0, plane: 0, a, b, row: a, column: b, pixel, weight: weight[a][b] })));
