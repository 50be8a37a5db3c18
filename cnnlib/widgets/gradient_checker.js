// Four gradients of one small convolution, one of them wrong: push the numbers and find it.
import { copyWith, field, format, h, mount, onEnter, setter } from "./shared/view/dom.js";
import { grid } from "./shared/view/grid.js";
import { array, nested } from "./shared/math/array.js";
import { conv2d } from "./shared/math/convolution.js";
import { sum } from "./shared/math/lists.js";

// What each of the four claims is about: its name, and its place in the case.
const PLACES = [
  ["weight (0, 1)", "weight", [0, 0, 0, 1]],
  ["weight (1, 1)", "weight", [0, 0, 1, 1]],
  ["the bias", "bias", [0]],
  ["pixel (1, 1)", "image", [0, 1, 1]],
];

/** The map of the one filter. */
const mapOf = ({ image, weight, bias }) => nested(conv2d(array(image), array(weight), array(bias)))[0];

/** The mean squared error of the convolution against the target. */
function lossOf(one) {
  const differences = mapOf(one).flatMap((row, i) => row.map((y, j) => y - one.target[0][i][j]));
  return sum(differences.map((d) => d * d)) / differences.length;
}

/** The loss a step up and a step down, and the slope between. */
function push(one, [, name, place], step) {
  const value = place.reduce((part, index) => part[index], one[name]);
  const [up, down] = [step, -step].map((by) => lossOf({ ...one, [name]: copyWith(one[name], place, value + by) }));
  return { value, up, down, slope: (up - down) / (2 * step) };
}

/** At most `digits` digits that count, in plain figures. */
const figures = (number, digits = 7) => String(Number(number.toPrecision(digits))).replace("-", "−");

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const one = () => get("cases")[get("current") % get("cases").length];
  const pushed = new Set();
  let drawn = null;

  const shown = Object.fromEntries(Object.entries({ image: "gray", weight: "signed", bias: "signed", map: "signed", target: "signed" }).map(
    ([name, tone]) => [name, grid({ label: name[0].toUpperCase() + name.slice(1), tone })]));
  const titles = { image: "Image", weight: "Kernel", bias: "Bias", map: "Map", target: "Target" };
  const stage = h("div", { class: "gradient-checker-stage" },
    Object.entries(shown).map(([name, one]) => h("div", {}, h("b", {}, titles[name]), one.element)));
  const loss = h("p", { class: "gradient-checker-loss" });

  const name = `claim-${Math.random()}`; // radio buttons of one widget belong together
  const rows = PLACES.map(([title], index) => {
    const radio = h("input", { type: "radio", name, keydown: onEnter(check), "aria-label": `${title} has the wrong gradient` });
    const claim = h("span");
    const result = h("span", { class: "gradient-checker-result", role: "status" });
    const button = h("button", { type: "button", "aria-label": `Push ${title}`, click: () => {
      pushed.add(index);
      draw();
    } }, "Push");
    return { radio, claim, result, element: h("div", { class: "gradient-checker-row" },
      h("label", {}, radio, " ", h("b", {}, title)), claim, button, result) };
  });
  const exponent = h("input", { type: "range", min: -14, max: -1, step: 1, input: () => set({ exponent: Number(exponent.value) }) });
  const step = h("span", { class: "gradient-checker-step" });
  const verdict = h("p", { class: "verdict", role: "status" });
  const another = h("button", { type: "button", click: () => set({ current: (get("current") + 1) % get("cases").length, solved: false }) }, "Another one");

  function check() {
    const chosen = rows.findIndex(({ radio }) => radio.checked);
    const right = chosen === one().wrong;
    verdict.className = `verdict ${chosen < 0 ? "" : right ? "right" : "wrong"}`;
    verdict.textContent = chosen < 0 ? "Choose one of the four first."
      : right ? `Right. ${one().bug}` : "That one is right: push it, and the slope is what was claimed.";
    if (chosen >= 0) set({ solved: right });
  }

  function draw() {
    if (one() !== drawn) {
      drawn = one();
      pushed.clear();
      verdict.textContent = "";
      for (const { radio } of rows) radio.checked = false;
    }
    const { image, weight, bias, target, claims } = one();
    const map = mapOf(one());
    for (const [key, values] of Object.entries({ image: image[0], weight: weight[0][0], bias: [bias], map, target: target[0] }))
      shown[key].update(values);
    loss.textContent = `The loss, the mean of the squared differences of map and target, is ${format(lossOf(one()), 6)}.`;
    const size = 10 ** get("exponent");
    exponent.value = get("exponent");
    exponent.setAttribute("aria-valuetext", `10 to the power of ${get("exponent")}`);
    step.replaceChildren("10", h("sup", {}, format(get("exponent"))));
    rows.forEach(({ claim, result }, index) => {
      claim.textContent = `claimed: ${format(claims[index])}`;
      const { up, down, slope } = push(one(), PLACES[index], size);
      result.textContent = pushed.has(index)
        ? `(${figures(up, 10)} − ${figures(down, 10)}) / (2·${size}) = ${figures(slope)}` : "";
    });
    another.hidden = get("cases").length === 1;
  }

  const root = h("div", { class: "cnn-widget gradient-checker", role: "group", "aria-label": "Gradient checker" },
    stage, loss, field("Step", exponent, step),
    h("div", { class: "claims" }, rows.map(({ element }) => element),
      h("div", { class: "controls" }, h("button", { type: "button", click: check }, "This one is wrong"), another), verdict));
  return mount(el, root, model, draw);
}

export default { render };
