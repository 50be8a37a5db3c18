// Arrays as NumPy has them: `data`, a typed array with all numbers in one row, and `shape`. The last axis runs
// fastest. Float64Array and Float32Array both will do; what is computed is of the kind of what came in.

export const size = (shape) => shape.reduce((product, side) => product * side, 1);

/** An array of zeros; its numbers are of the kind of `like`'s, doubles where none is given. */
export const zeros = (shape, like) => ({ shape: [...shape], data: new (like?.data.constructor ?? Float64Array)(size(shape)) });

/** The bytes that stand in base64. */
export const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** The same numbers in another shape: not copied. */
export const reshape = ({ data }, shape) => ({ shape, data });

/** What `change` makes of each number, given the number at its place in `other`, if there is one of its shape. */
export function map(change, x, other = x) {
  const result = zeros(x.shape, x);
  for (let i = 0; i < x.data.length; i++) result.data[i] = change(x.data[i], other.data[i]);
  return result;
}

/** Calls visit(channel, first, end) with where each map of images (..., C, H, W) lies among the numbers. */
export function eachMap({ shape, data }, visit) {
  const [channels, rows, columns] = shape.slice(-3), area = rows * columns;
  for (let map = 0; map * area < data.length; map++) visit(map % channels, map * area, (map + 1) * area);
}

/** For each channel of images the sum of term(place, channel) over all places of its maps, as doubles. */
export function channelSums(images, term) {
  const sums = new Float64Array(images.shape.at(-3));
  eachMap(images, (channel, first, end) => {
    for (let at = first; at < end; at++) sums[channel] += term(at, channel);
  });
  return sums;
}

/** These numbers in an array of a shape and of the kind of `like`'s. */
export const arrayLike = (like, shape, data) => ({ shape: [...shape], data: new like.data.constructor(data) });

export const add = (x, y) => map((a, b) => a + b, x, y);

/** An array made of nested lists, [[1, 2], [3, 4]], or of one number. */
export function array(lists, Type = Float64Array) {
  const shape = [];
  for (let part = lists; Array.isArray(part); part = part[0]) shape.push(part.length);
  return { shape, data: Type.from(shape.length ? lists.flat(Infinity) : [lists]) };
}

/** Whether two nested lists have the same shape. */
export const sameShape = (one, other) => String(array(one).shape) === String(array(other).shape);

/** Nested lists made of an array. */
export function nested({ shape, data }) {
  let parts = Array.from(data);
  for (const side of shape.slice(1).reverse())
    parts = Array.from({ length: parts.length / side }, (_, i) => parts.slice(i * side, (i + 1) * side));
  return shape.length ? parts : parts[0];
}
