// A chart of lines: axes with their ticks, and one line for each series.
import { format } from "./dom.js";
import { svg } from "./svg.js";

const EDGE = { left: 46, right: 12, top: 10, bottom: 40 };

/** The mean of each number and of up to `width` - 1 numbers before it. */
export const runningMean = (numbers, width) =>
  numbers.map((_, i) => {
    const part = numbers.slice(Math.max(0, i - width + 1), i + 1);
    return part.reduce((total, number) => total + number, 0) / part.length;
  });

/**
 * chart({x, y}) with axes {label, low, high, ticks, map}; `map` bends an axis, as a logarithm does.
 * update({label, series, cursor, level}) draws: a series is {points, mark}, with points [[x, y], ...]
 * and a class; `cursor` is an x, marked by an upright line, and `level` a y, marked by a dashed one.
 * across(value) and up(value) say where in the drawing an x or a y is.
 */
export function chart({ x, y, width = 600, height = 260, left: edge = EDGE.left }) {
  const place = (axis, value) => {
    const map = axis.map ?? ((number) => number);
    return (map(Math.min(Math.max(value, axis.low), axis.high)) - map(axis.low)) / (map(axis.high) - map(axis.low));
  };
  const across = (value) => edge + place(x, value) * (width - edge - EDGE.right);
  const up = (value) => height - EDGE.bottom - place(y, value) * (height - EDGE.top - EDGE.bottom);
  const line = (x1, y1, x2, y2, mark) => svg("line", { x1, y1, x2, y2, class: mark });
  const text = (words, attributes) => svg("text", attributes, words);
  const [left, right, top, bottom] = [across(x.low), across(x.high), up(y.high), up(y.low)];

  const axes = svg("g", { class: "chart-axes", "aria-hidden": "true" },
    y.ticks.map((tick) => [line(left, up(tick), right, up(tick), "chart-rule"), text(format(tick, 12), { x: left - 6, y: up(tick) + 5, "text-anchor": "end" })]).flat(),
    x.ticks.map((tick) => text(format(tick, 12), { x: across(tick), y: bottom + 17, "text-anchor": "middle" })),
    text(x.label, { x: (left + right) / 2, y: height - 6, "text-anchor": "middle" }),
    text(y.label, { x: 0, y: 0, "text-anchor": "middle", class: "chart-upright", transform: `translate(12 ${(top + bottom) / 2}) rotate(-90)` }));
  const body = svg("g", { "aria-hidden": "true" });
  const element = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img" }, axes, body);

  return {
    element, across, up,
    update({ label, series, cursor, level }) {
      element.setAttribute("aria-label", label);
      body.replaceChildren(
        ...(level === undefined ? [] : [line(left, up(level), right, up(level), "chart-level")]),
        ...series.map(({ points, mark }) =>
          svg("polyline", { class: `chart-line ${mark}`, points: points.map(([a, b]) => `${across(a).toFixed(1)},${up(b).toFixed(1)}`).join(" ") })),
        ...(cursor === undefined ? [] : [line(across(cursor), top, across(cursor), bottom, "chart-cursor")]));
    },
  };
}
