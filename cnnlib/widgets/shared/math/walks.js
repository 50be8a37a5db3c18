// Optimizers that walk over a surface, and what each of their steps is made of. A place is [x, y].
import { array } from "./array.js";
import { Parameter } from "./layer.js";
import { sum } from "./lists.js";
import { Adam, SGD } from "./optimizers.js";

/** Each surface's height, its gradient, and its formula. */
export const SURFACES = {
  valley: { height: ([x, y]) => (x * x) / 20 + 2 * y * y, slope: ([x, y]) => [x / 10, 4 * y], formula: "x²/20 + 2y²" },
  saddle: {
    height: ([x, y]) => (x * x) / 10 + y ** 4 / 4 - (y * y) / 2,
    slope: ([x, y]) => [x / 5, y ** 3 - y],
    formula: "x²/10 + y⁴/4 − y²/2",
  },
};
export const BETAS = [0.9, 0.999]; // Adam's

const velocityAt = ({ momentum_buffer }, i, gradient) => momentum_buffer?.data[i] ?? gradient;

/** How each is made, and one coordinate of its step number `count`: what is remembered, and the `move` that lr is multiplied with. */
const RULES = {
  SGD: {
    make: (parameters, { lr }) => new SGD(parameters, { lr }),
    step: (gradient) => ({ move: gradient }),
  },
  Momentum: {
    make: (parameters, { lr, momentum }) => new SGD(parameters, { lr, momentum }),
    step(gradient, state, i) {
      const velocity = velocityAt(state, i, gradient);
      return { velocity, move: velocity };
    },
  },
  Nesterov: {
    make: (parameters, { lr, momentum }) => new SGD(parameters, { lr, momentum, nesterov: momentum > 0 }),
    step(gradient, state, i, count, { momentum }) {
      const velocity = velocityAt(state, i, gradient);
      return { velocity, move: gradient + momentum * velocity };
    },
  },
  Adam: {
    make: (parameters, { lr }) => new Adam(parameters, { lr, betas: BETAS }),
    step(gradient, { exp_avg, exp_avg_sq }, i, count) {
      const mean = exp_avg.data[i], square = exp_avg_sq.data[i];
      const [corrected, root] = [mean / (1 - BETAS[0] ** count), Math.sqrt(square / (1 - BETAS[1] ** count))];
      return { mean, square, corrected, root, move: corrected / (root + 1e-8) };
    },
  },
};
export const OPTIMIZERS = Object.keys(RULES);

/** `count` numbers by chance, with mean 0 and variance 1: for a seed the same as those of noise in optimizer_race.py. */
export function noise(seed, count) {
  let state = seed;
  const uniform = () => (state = (Math.imul(1664525, state) + 1013904223) >>> 0) / 2 ** 32;
  return Array.from({ length: count }, () => sum(Array.from({ length: 12 }, uniform)) - 6);
}

/**
 * The places of an optimizer from `start` on, steps + 1 of them: {place, height, axes}. `axes` has, for
 * x and for y, what the step to this place was made of; the start has none. With the option `noise` each
 * gradient is the slope and so many times a number by chance, `off`, the same for all optimizers of a `seed`.
 */
export function walk(surface, name, start, options, steps) {
  const { height, slope } = SURFACES[surface], { make, step } = RULES[name];
  const size = options.noise ?? 0, chance = noise(options.seed ?? 0, size ? 2 * steps : 0);
  const parameter = new Parameter(array(start)), optimizer = make([parameter], options);
  const path = [{ place: start, height: height(start), axes: null }];
  for (let count = 1; count <= steps; count++) {
    const from = path.at(-1).place, slopes = slope(from);
    const off = slopes.map((_, i) => (size ? size * chance[2 * (count - 1) + i] : 0));
    const gradients = slopes.map((one, i) => one + off[i]);
    parameter.grad = array(gradients);
    optimizer.step();
    const place = [...parameter.data];
    const axes = gradients.map((gradient, i) =>
      ({ ...step(gradient, optimizer.state[0], i, count, options), gradient, slope: slopes[i], off: off[i], from: from[i], to: place[i] }));
    path.push({ place, height: height(place), axes });
  }
  return path;
}
