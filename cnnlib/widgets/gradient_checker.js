// Four gradients of one small convolution, one of them wrong: push the numbers and find it.
import { button, copyWith, field, format, h, onEnter } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";
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
function slopeOf(one, [, name, place], step) {
  const value = place.reduce((part, index) => part[index], one[name]);
  const [up, down] = [step, -step].map((by) => lossOf({ ...one, [name]: copyWith(one[name], place, value + by) }));
  return { value, up, down, slope: (up - down) / (2 * step) };
}

/** At most `digits` digits that count, in plain figures. */
const figures = (number, digits = 7) => String(Number(number.toPrecision(digits))).replace("-", "−");

/** The numbers of the convolution, its map and what the map should be. */
function createStage() {
  const tones = { Image: "gray", Kernel: "signed", Bias: "signed", Map: "signed", Target: "signed" };
  const grids = Object.entries(tones).map(([label, tone]) => grid({ label: label === "Kernel" ? "Weight" : label, tone }));
  const element = h("div", { class: "gradient-checker-stage" },
    Object.keys(tones).map((title, i) => h("div", {}, h("b", {}, title), grids[i])));
  return { element, update({ one: { image, weight, bias, target }, map }) {
    [image[0], weight[0][0], [bias], map, target[0]].forEach((values, i) => grids[i].update(values));
  } };
}

/** What is claimed of one number, and what pushing it shows. */
function createClaim(index, name, check, push) {
  const [title] = PLACES[index];
  const radio = h("input", { type: "radio", name, keydown: onEnter(check), "aria-label": `${title} has the wrong gradient` });
  const claim = h("span"), result = h("span", { class: "gradient-checker-result", role: "status" });
  const pusher = button("Push", () => push(index), { "aria-label": `Push ${title}` });
  return { radio, element: h("div", { class: "gradient-checker-row" }, h("label", {}, radio, " ", h("b", {}, title)), claim, pusher, result),
    update({ one, pushed, size }) {
      claim.textContent = `claimed: ${format(one.claims[index])}`;
      const { up, down, slope } = slopeOf(one, PLACES[index], size);
      const found = pushed.has(index) ? `(${figures(up, 10)} − ${figures(down, 10)}) / (2·${size}) = ${figures(slope)}` : "";
      if (result.textContent !== found) result.textContent = found; // or it would be said again
    } };
}

/** How far the numbers are pushed. */
function createStep({ set }) {
  const slider = h("input", { type: "range", min: -14, max: -1, step: 1, input: () => set({ exponent: Number(slider.value) }) });
  const shown = h("span", { class: "gradient-checker-step" });
  return { element: field("Step", slider, shown), update({ exponent }) {
    slider.value = exponent;
    slider.setAttribute("aria-valuetext", `10 to the power of ${exponent}`);
    shown.replaceChildren("10", h("sup", {}, format(exponent)));
  } };
}

function build({ get, set, draw }) {
  const one = () => get("cases")[get("current") % get("cases").length];
  const pushed = new Set(), loss = h("p", { class: "gradient-checker-loss" }), verdict = h("p", { class: "verdict", role: "status" });
  const name = `claim-${Math.random()}`; // radio buttons of one widget belong together
  const claims = PLACES.map((_, index) => createClaim(index, name, check, (pushing) => {
    pushed.add(pushing);
    draw();
  }));
  const another = button("Another one", () => set({ current: (get("current") + 1) % get("cases").length, solved: false }));
  another.hidden = get("cases").length === 1;

  function check() {
    const chosen = claims.findIndex(({ radio }) => radio.checked), right = chosen === one().wrong;
    verdict.className = `verdict ${chosen < 0 ? "" : right ? "right" : "wrong"}`;
    verdict.textContent = chosen < 0 ? "Choose one of the four first."
      : right ? `Right. ${one().bug}` : "That one is right: push it, and the slope is what was claimed.";
    if (chosen >= 0) set({ solved: right });
  }
  return {
    state: () => ({ one: one(), map: mapOf(one()), pushed, exponent: get("exponent"), size: 10 ** get("exponent") }),
    forget() {
      pushed.clear();
      verdict.textContent = "";
      for (const { radio } of claims) radio.checked = false;
    },
    say: ({ one: now }) => `Claimed: ${PLACES.map(([title], i) => `${title} ${format(now.claims[i])}`).join(", ")}.`,
    parts: [createStage(),
      { element: loss, update: (now) => (loss.textContent =
        `The loss, the mean of the squared differences of map and target, is ${format(lossOf(now.one), 6)}.`) },
      createStep({ set }),
      group({ class: "claims" }, claims, h("div", { class: "controls" }, button("This one is wrong", check), another), verdict)],
  };
}

export default frame({ mark: "gradient-checker", label: "Gradient checker", data: ["cases", "current"], build });
