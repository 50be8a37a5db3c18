// Where a window stops that slides over an image: cnnlib.shapes, and so torch's rules.
import { require } from "./checks.js";

export const pair = (value) => (Array.isArray(value) ? value : [value, value]);

/** One axis of a sliding window: its sizes, and what it reads. `output` is below 1 where the window does not fit. */
export function axis(size, kernel, stride = 1, padding = 0, dilation = 1, ceil_mode = false) {
  const extent = dilation * (kernel - 1) + 1;
  // "same" adds extent - 1 zeros; when that is odd, the extra one goes to the end.
  const before = padding === "same" ? Math.floor((extent - 1) / 2) : padding === "valid" ? 0 : padding;
  let after = padding === "same" ? extent - 1 - before : before;
  const room = size + before + after - extent;
  let output = Math.floor(room / stride) + 1;
  // A window more, which ceil_mode lets out if it begins inside the image or the padding before it.
  if (ceil_mode && room % stride && output * stride < size + before) {
    after = output * stride + extent - before - size;
    output += 1;
  }
  return { size, kernel, stride, dilation, extent, before, after, padded: size + before + after, output };
}

/** The row (or column) of the image that place `place` of the window meets at a stop; it may lie in the padding. */
export const meets = ({ stride, dilation, before }, stop, place) => stop * stride + place * dilation - before;

/** The stops, from the first to before the last, at which this place of the window meets the image itself. */
export function stopsInside(axis, place) {
  const start = meets(axis, 0, place);
  const first = start < 0 ? Math.ceil(-start / axis.stride) : 0;
  return [first, Math.min(axis.output, Math.floor((axis.size - 1 - start) / axis.stride) + 1)];
}

/** The places of the padded axis that no window reads. */
export function skipped(axis) {
  const read = new Set();
  for (let stop = 0; stop < axis.output; stop++)
    for (let place = 0; place < axis.kernel; place++) read.add(meets(axis, stop, place) + axis.before);
  return Array.from({ length: axis.padded }, (_, i) => i).filter((i) => !read.has(i));
}

/** Both axes of a window over images (..., rows, columns). */
export function windowAxes(shape, kernel_size, { stride = 1, padding = 0, dilation = 1, ceil_mode = false } = {}) {
  const [kernels, strides, paddings, dilations] = [kernel_size, stride, padding, dilation].map(pair);
  const [rows, columns] = shape.slice(-2).map((size, i) =>
    axis(size, kernels[i], strides[i], paddings[i], dilations[i], ceil_mode));
  return { rows, columns };
}

/** The same for a function that computes: it refuses, in its name, what torch refuses. */
export function windows(owner, shape, kernel_size, options = {}) {
  const { padding = 0, stride = 1 } = options, word = typeof padding === "string";
  require(!word || ["valid", "same"].includes(padding), `${owner}: padding is '${padding}'; expected one of 'valid', 'same'`);
  const still = pair(stride).every((step) => step === 1);
  require(padding !== "same" || still, `${owner}: padding 'same' expects stride 1, stride is (${pair(stride).join(", ")})`);
  const axes = windowAxes(shape, kernel_size, options);
  for (const [name, { output, extent, padded }] of Object.entries(axes))
    require(output > 0, `${owner}: the kernel extends over ${extent} ${name}, the padded input has only ${padded}`);
  return axes;
}

/** The size whose convolution has `size` windows, with `output_padding` rows more; it may come out as 0 or less. */
export const conv_transpose_output_size = (size, kernel_size, { stride = 1, padding = 0, output_padding = 0, dilation = 1 } = {}) =>
  (size - 1) * stride + dilation * (kernel_size - 1) + 1 - 2 * padding + output_padding;
