// Experiments with a network in training: what breaks it, and runs that are kept to be compared.
import { choice, upTo } from "./controls.js";
import { percent, spread } from "./curves.js";
import { button, h, refill } from "./dom.js";

const without = (layers) => layers.filter(({ kind }) => !["ReLU", "Tanh"].includes(kind)).map((layer) =>
  layer.kind === "MaxPool2d" ? { ...layer, kind: "AvgPool2d" }
    : layer.kind === "Residual" ? { ...layer, layers: without(layer.layers) } : layer);
const withSettings = (changes) => ({ settings }) => ({ settings: { ...settings, ...changes } });

/** Each way to break a training: what it changes, and what to look for. */
export const BREAKS = [
  { name: "Learning rate too large", change: withSettings({ optimizer: "sgd", lr: 1000, weight_decay: 0.01 }),
    look: "Each step leaps over the valley and lands higher on the other side: the weight decay alone makes a weight about 8 times as large, with the other sign. Watch the loss grow until it is no number any more. Training stops there." },
  { name: "Zero first weights", change: withSettings({ zero_weights: true }),
    look: "All sums are 0, so no weight gets a gradient. Only the last bias learns. The loss stays near ln 10 = 2.303. Look at the gradients under Inside." },
  { name: "No activation", change: ({ layers }) => ({ layers: without(layers) }),
    look: "ReLU is gone, and the maximum is an average. All layers together are one matrix now. Give it time: it begins well. Compare what it has learned after 40 epochs." },
  { name: "Shuffled pixels", change: withSettings({ shuffled_pixels: true }),
    look: "The same shuffle for every image. Neighbors are no neighbors any more, and no stroke is left for a kernel to find. Try it with dense layers only: they do not care." },
  { name: "Wrong labels", change: withSettings({ wrong_labels: 0.4 }),
    look: "Four of ten labels are wrong, and the training accuracy shows it. Watch how many of the held-out digits are right all the same: wrong labels contradict each other, right ones do not." },
  { name: "Ten images only", change: withSettings({ images: 10 }),
    look: "One image of each digit. Training is soon all right, and the held-out digits are not: the network knows ten pictures by heart." },
];

/** The ways to break it: onbreak({name, look, change}) for one that is pressed, onmend() to take it back. */
export function breaking({ onbreak, onmend }) {
  let now = "";
  const mend = button("Mend it", () => {
    items[BREAKS.findIndex(({ name }) => name === now)].firstChild.focus(); // this button rests now
    onmend();
  }), words = h("p", { class: "look-for" });
  const items = BREAKS.map((one) => h("li", {}, button(one.name, () => onbreak(one)), h("p", { class: "note" }, one.look)));
  const element = h("div", {}, h("p", { class: "note" }, "Each button changes one thing, starts again and plays. What you had is kept as a gray line."),
    h("div", { class: "controls" }, mend, words), h("ul", { class: "breaks" }, items));
  return { element, update({ broken }) {
    now = broken;
    mend.disabled = !broken;
    words.textContent = broken ? `Broken: ${broken}.` : "";
  } };
}

const last = (history) => history.at(-1)?.validation_accuracy;

/** What the seeds of a run have come to, in a sentence. */
export function seedsSentence(histories) {
  const now = spread(histories, "validation_accuracy").at(-1);
  if (!now) return "";
  return `After ${now.epoch} epoch${now.epoch === 1 ? "" : "s"}, ${histories.length} seeds: ${percent(now.mean)} of the held-out digits on average, from ${percent(now.low)} to ${percent(now.high)}.`;
}

/** Runs beside each other: onkeep() keeps the one that is there; the trait `runs` holds them. */
export function comparing(own, onkeep) {
  const { get, set } = own;
  const seeds = choice("Seeds at once", upTo(5), { read: () => get("seeds"), write: (seeds) => set({ seeds }) });
  const words = h("p", { class: "seeds", translate: "no" }), body = h("tbody", {});
  const keep = button("Keep this run", onkeep);
  const table = h("table", { class: "kept-runs" }, h("caption", { class: "visually-hidden" }, "Kept runs"),
    h("thead", {}, h("tr", {}, ["run", "epochs", "held out"].map((name) => h("th", { scope: "col" }, name)), h("td", {}))), body);
  const element = h("div", {}, h("div", { class: "controls" }, keep, seeds), words,
    h("p", { class: "note" }, "Keep a run, change one thing, play again: the kept one stays in the charts as a thin line. Several seeds show what chance alone does."), table);
  let shown = "";
  return { element, live({ histories }) {
    keep.disabled = !(histories[0]?.length > 1);
    words.textContent = histories.length > 1 ? seedsSentence(histories) : "";
  }, update({ runs }) {
    seeds.update();
    table.hidden = !runs.length;
    if (shown === (shown = JSON.stringify(runs))) return;
    refill(body, runs.map(({ name, history }, i) => h("tr", {},
      h("th", { scope: "row" }, h("span", { class: `curve-key curve-kept kept-${i}`, "aria-hidden": "true" }), name),
      h("td", {}, String(history.at(-1)?.epoch ?? 0)), h("td", {}, percent(last(history))),
      h("td", {}, button("✕", () => set({ runs: runs.filter((_, k) => k !== i) }), { "aria-label": `Drop the run ${name}` })))), seeds.element.control);
  } };
}
