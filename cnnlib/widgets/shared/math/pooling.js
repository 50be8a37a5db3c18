// Pooling as cnnlib.pooling has it: images (..., rows, columns), one number for each window, the largest or the mean.
import { size, zeros } from "./array.js";
import { require, requireShape } from "./checks.js";
import { FunctionLayer } from "./layer.js";
import { meets, pair, windows } from "./shapes.js";

/** The window's axes; without a stride it moves by its own size. */
function poolAxes(owner, x, kernel_size, { stride = kernel_size, padding = 0, ...options }) {
  const fits = pair(padding).every((rows, i) => rows <= pair(kernel_size)[i] / 2);
  require(fits, `${owner}: padding is ${padding}; expected at most half of ${kernel_size}`);
  return windows(owner, x.shape, kernel_size, { stride: stride ?? kernel_size, padding, ...options });
}

const outputShape = (x, { rows, columns }) => [...x.shape.slice(0, -2), rows.output, columns.output];

/** Calls visit(window, i, j, the plane's first pixel) for each window of each plane. */
function eachWindow(x, { rows, columns }, visit) {
  const area = rows.size * columns.size;
  for (let window = 0, plane = 0; plane < x.data.length; plane += area)
    for (let i = 0; i < rows.output; i++)
      for (let j = 0; j < columns.output; j++, window++) visit(window, i, j, plane);
}

/** Where each window's largest pixel lies in x.data: the first of equals, the last nan; -1 if all is padding. */
function winners(x, axes) {
  const { rows, columns } = axes, { data } = x, places = new Int32Array(size(outputShape(x, axes))).fill(-1);
  eachWindow(x, axes, (window, i, j, plane) => {
    let best = -1;
    for (let a = 0; a < rows.kernel; a++) {
      const row = meets(rows, i, a);
      if (row < 0 || row >= rows.size) continue;
      for (let b = 0; b < columns.kernel; b++) {
        const column = meets(columns, j, b), at = plane + row * columns.size + column;
        if (column < 0 || column >= columns.size) continue;
        if (best < 0 || data[at] > data[best] || Number.isNaN(data[at])) best = at;
      }
    }
    places[window] = best;
  });
  return places;
}

/** Options are stride (by default the kernel's size), padding, dilation and ceil_mode. */
export function max_pool2d(x, kernel_size, options = {}) {
  const axes = poolAxes("max_pool2d", x, kernel_size, options), output = zeros(outputShape(x, axes), x);
  winners(x, axes).forEach((place, window) => (output.data[window] = place < 0 ? -Infinity : x.data[place]));
  return output;
}

/** The gradient for x: each window's gradient goes to its largest value. */
export function max_pool2d_backward(grad_output, x, kernel_size, options = {}) {
  const axes = poolAxes("max_pool2d_backward", x, kernel_size, options), dx = zeros(x.shape, x);
  requireShape("max_pool2d_backward", "grad_output", grad_output, outputShape(x, axes));
  winners(x, axes).forEach((place, window) => {
    if (place >= 0) dx.data[place] += grad_output.data[window];
  });
  return dx;
}

/** The pixels of one axis under a window, and how many places of it count: past the padding after, none does. */
function covered(axis, stop, include) {
  const start = meets(axis, stop, 0), end = Math.min(start + axis.kernel, axis.size + axis.before);
  const [first, last] = [Math.max(start, 0), Math.min(end, axis.size)];
  return { first, last, count: include ? end - start : last - first };
}

/** Calls visit(window, count, pixels) with how many values count in each mean, and the places of its pixels. */
function eachMean(x, axes, include, visit) {
  eachWindow(x, axes, (window, i, j, plane) => {
    const rows = covered(axes.rows, i, include), columns = covered(axes.columns, j, include), pixels = [];
    for (let row = rows.first; row < rows.last; row++)
      for (let column = columns.first; column < columns.last; column++) pixels.push(plane + row * axes.columns.size + column);
    visit(window, rows.count * columns.count, pixels);
  });
}

/** Options are stride (by default the kernel's size), padding, ceil_mode and count_include_pad. */
export function avg_pool2d(x, kernel_size, { count_include_pad = true, ...options } = {}) {
  const axes = poolAxes("avg_pool2d", x, kernel_size, options), output = zeros(outputShape(x, axes), x);
  eachMean(x, axes, count_include_pad, (window, count, pixels) => {
    output.data[window] = pixels.reduce((total, at) => total + x.data[at], 0) / count;
  });
  return output;
}

/** The gradient for x: each value of a window gets an equal share of the window's gradient. */
export function avg_pool2d_backward(grad_output, x, kernel_size, { count_include_pad = true, ...options } = {}) {
  const axes = poolAxes("avg_pool2d_backward", x, kernel_size, options), dx = zeros(x.shape, x);
  requireShape("avg_pool2d_backward", "grad_output", grad_output, outputShape(x, axes));
  eachMean(x, axes, count_include_pad, (window, count, pixels) => {
    for (const at of pixels) dx.data[at] += grad_output.data[window] / count;
  });
  return dx;
}

const whole = ({ shape }) => shape.slice(-2);

/** The mean of each map: (N, C, H, W) to (N, C, 1, 1). */
export const global_avg_pool2d = (x) => avg_pool2d(x, whole(x));
export const global_avg_pool2d_backward = (grad_output, x) => avg_pool2d_backward(grad_output, x, whole(x));

/** The largest value of each map. */
export const global_max_pool2d = (x) => max_pool2d(x, whole(x));
export const global_max_pool2d_backward = (grad_output, x) => max_pool2d_backward(grad_output, x, whole(x));

export class MaxPool2d extends FunctionLayer {
  constructor(kernel_size, options = {}) {
    super(max_pool2d, max_pool2d_backward, kernel_size, options);
  }
}
export class AvgPool2d extends FunctionLayer {
  constructor(kernel_size, options = {}) {
    super(avg_pool2d, avg_pool2d_backward, kernel_size, options);
  }
}
export class GlobalAvgPool2d extends FunctionLayer {
  constructor() {
    super(global_avg_pool2d, global_avg_pool2d_backward);
  }
}
export class GlobalMaxPool2d extends FunctionLayer {
  constructor() {
    super(global_max_pool2d, global_max_pool2d_backward);
  }
}
