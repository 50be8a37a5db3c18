// Steps of gradient descent: their buttons, the learning rate, and the loss so far as a curve.
import { chart } from "./chart.js";
import { field, format, h, misread, parse, readings } from "./dom.js";

/** The smallest of 1, 2, 5, 10, 20, 50, ... times `unit` that is not below `number`. */
function roundUp(number, unit) {
  let top = unit;
  for (let k = 0; top < number; k++) top = unit * 10 ** Math.floor((k + 1) / 3) * [1, 2, 5][(k + 1) % 3];
  return top;
}

const counted = (steps) => `${steps} step${steps === 1 ? "" : "s"}`;

/** The chart of the losses: as long as ten steps at least, and as high as the largest loss. */
function curveOf(losses) {
  const width = roundUp(losses.length - 1, 10), height = roundUp(Math.max(...losses), 0.5);
  const picture = chart({
    x: { label: "steps", low: 0, high: width, ticks: [0, width / 2, width] },
    y: { label: "loss", low: 0, high: height, ticks: [0, height] },
  });
  picture.update({
    label: `The loss after each step: from ${format(losses[0])} to ${format(losses.at(-1))} `
      + `in ${counted(losses.length - 1)}.`,
    series: [{ points: losses.map((loss, step) => [step, loss]), mark: "loss-line" }],
    level: losses[0],
  });
  return picture.element;
}

/**
 * descent({onstep, onrate, complain}) gives `element`, the controls, and `curve`, the chart. onstep(count)
 * asks for steps, onrate(lr) sets the learning rate. update({losses, lr}) draws: `losses` begins with
 * the loss before the first step and has one more for each step.
 */
export function descent({ onstep, onrate, complain }) {
  const rate = h("input", {
    type: "text", inputmode: "decimal", autocomplete: "off", size: 6,
    input() {
      const lr = parse(rate.value), right = lr > 0;
      rate.setAttribute("aria-invalid", !right);
      complain(right ? "" : readings(rate.value).length > 1 ? misread(rate.value) : `“${rate.value}” is not a learning rate. Try 0.001 or 1/100.`);
      if (right) onrate(lr);
    },
    blur: () => {
      rate.value = current;
      rate.setAttribute("aria-invalid", false);
      complain("");
    },
  });
  const count = h("span", { class: "count" });
  const button = (label, steps) => h("button", { type: "button", click: () => onstep(steps) }, label);
  const element = h("div", { class: "stepping", role: "group", "aria-label": "Gradient descent" },
    button("Step", 1), button("10 steps", 10), field("Learning rate", rate), count);
  const curve = h("div", { class: "loss-curve" });
  let current = "";

  return {
    element, curve, counted,
    update({ losses, lr }) {
      current = String(lr);
      if (rate !== document.activeElement) rate.value = current;
      count.textContent = counted(losses.length - 1);
      curve.replaceChildren(curveOf(losses));
    },
  };
}
