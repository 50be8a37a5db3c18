// Kernels for photographs, each with what it is for.
import { table } from "../math/lists.js";

const ring = (size, outer, middle) => table(size, size, (i, j) => (i === size >> 1 && j === size >> 1 ? middle : outer));

/** A wave within a bell, at 45 degrees; its weights add up to 0, to two decimals. */
function gabor(size) {
  const from = -(size >> 1);
  const wave = table(size, size, (i, j) => {
    const [y, x] = [i + from, j + from], along = (x + y) / Math.SQRT2;
    return Number((Math.cos((2 * Math.PI * along) / 4) * Math.exp(-(x * x + y * y) / 6)).toFixed(2));
  });
  const rest = wave.flat().reduce((total, weight) => total + weight, 0);
  return table(size, size, (i, j) => Number((wave[i][j] - (i === size >> 1 && j === size >> 1 ? rest : 0)).toFixed(2)));
}

export const EVERY_KERNEL = [
  { name: "worked example", weight: [[1, 0, -1], [1, 0, -1], [1, 0, -1]], signed: true,
    about: "Left minus right, three times: vertical edges, orange where it gets darker to the right, blue where brighter." },
  { name: "horizontal edges", weight: [[1, 1, 1], [0, 0, 0], [-1, -1, -1]], signed: true,
    about: "Above minus below: orange where it gets darker downward." },
  { name: "all edges", weight: ring(3, -1, 8), signed: true,
    about: "A pixel against its eight neighbors: zero where all are alike." },
  { name: "corner", weight: [[1, -2, 1], [-2, 4, -2], [1, -2, 1]], signed: true,
    about: "Upright and level edges cancel out; corners, crossings and specks remain." },
  { name: "blur", weight: ring(5, 1 / 25, 1 / 25), signed: false,
    about: "The mean of 25 pixels: what is finer than the window goes." },
  { name: "soft blur", weight: [[1, 2, 1], [2, 4, 2], [1, 2, 1]].map((row) => row.map((weight) => weight / 16)), signed: false,
    about: "A mean in which the middle counts most." },
  { name: "sharpen", weight: [[0, -1, 0], [-1, 5, -1], [0, -1, 0]], signed: false,
    about: "A pixel, and once more what sets it apart from its four neighbors." },
  { name: "emboss", weight: [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], signed: false,
    about: "The picture and its slope toward the lower right: it looks lit from one side." },
  { name: "Gabor", weight: gabor(7), signed: true,
    about: "Stripes of one width in one direction, in a window that fades: eyes have cells like it." },
  { name: "identity", weight: [[0, 0, 0], [0, 1, 0], [0, 0, 0]], signed: false,
    about: "Every pixel as it was: only the rim is lost." },
  { name: "shift", weight: [[0, 0, 0], [0, 0, 0], [0, 0, 1]], signed: false,
    about: "Each pixel comes from the lower right: the picture moves up and to the left." },
];
