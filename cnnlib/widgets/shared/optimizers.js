// Optimizers that walk over a surface, as cnnlib.optimizers computes them. A place is [x, y].

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

/** One coordinate's step number `count`: what is remembered, and the `move` that lr is multiplied with. */
const RULES = {
  SGD: (gradient) => ({ move: gradient }),
  Momentum(gradient, before, { momentum }) {
    const velocity = before ? momentum * before.velocity + gradient : gradient;
    return { velocity, move: velocity };
  },
  Nesterov(gradient, before, { momentum }) {
    const velocity = before ? momentum * before.velocity + gradient : gradient;
    return { velocity, move: gradient + momentum * velocity };
  },
  Adam(gradient, before, _, count) {
    const mean = BETAS[0] * (before?.mean ?? 0) + (1 - BETAS[0]) * gradient;
    const square = BETAS[1] * (before?.square ?? 0) + (1 - BETAS[1]) * gradient * gradient;
    const [corrected, root] = [mean / (1 - BETAS[0] ** count), Math.sqrt(square / (1 - BETAS[1] ** count))];
    return { mean, square, corrected, root, move: corrected / (root + 1e-8) };
  },
};
export const OPTIMIZERS = Object.keys(RULES);

/**
 * The places of an optimizer from `start` on, steps + 1 of them: {place, height, axes}. `axes` has, for
 * x and for y, what the step to this place was made of; the start has none.
 */
export function walk(surface, name, start, options, steps) {
  const { height, slope } = SURFACES[surface];
  const path = [{ place: start, height: height(start), axes: null }];
  for (let count = 1; count <= steps; count++) {
    const last = path.at(-1);
    const axes = slope(last.place).map((gradient, i) => {
      const step = RULES[name](gradient, last.axes?.[i], options, count);
      return { ...step, gradient, from: last.place[i], to: last.place[i] - options.lr * step.move };
    });
    const place = axes.map(({ to }) => to);
    path.push({ place, height: height(place), axes });
  }
  return path;
}
