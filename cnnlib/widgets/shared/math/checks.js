// The sentences that refuse what does not fit: the function's name, its argument, what came, what was expected.

export function require(condition, message) {
  if (!condition) throw new Error(message);
}

/** Refuses an array of another shape: what a typed array does not have would be read as nan. */
export function requireShape(owner, name, { shape }, expected) {
  const written = (sides) => `(${sides.join(", ")})`;
  require(written(shape) === written(expected), `${owner}: ${name} has shape ${written(shape)}; expected ${written(expected)}`);
}
