// The same training with nine learning rates, recorded, to choose from with a slider.
import { tick, trait } from "./shared/view/controls.js";
import { chart, runningMean } from "./shared/view/chart.js";
import { format, h } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";

const MEAN_OF = 10; // batches whose losses are averaged, or the curve is too rough to read
const CHANCE = Math.log(10);

function createSlider({ set }, count) {
  const slider = h("input", { type: "range", min: 0, max: count - 1, step: 1, "aria-label": "Learning rate",
    input: () => set({ chosen: Number(slider.value) }) });
  const shown = h("span", { class: "rate-value" });
  return { element: h("span", { class: "field rate-slider" }, h("span", {}, "Learning rate"), slider, shown), update({ chosen, run }) {
    slider.value = chosen;
    slider.setAttribute("aria-valuetext", format(run.lr));
    shown.textContent = format(run.lr);
  } };
}

/** The curves of all runs, of which one is chosen. */
function createChart(runs, curves) {
  const steps = Math.max(...runs.map((run) => run.loss.length));
  const picture = chart({
    x: { label: "batches", low: 1, high: steps, ticks: [1, ...[50, 100, 150, 200, 300, 400].filter((tick) => tick <= steps)] },
    y: { label: "loss", low: 0, high: 4, ticks: [0, 1, 2, 3, 4] },
  });
  return { element: picture.element, update({ chosen, compare, run, last }) {
    const series = curves.map((curve, i) => ({ points: curve.map((value, k) => [k + 1, value]), mark: i === chosen ? "rate-chosen" : "rate-other" }));
    picture.update({
      label: `Loss by batch with learning rate ${run.lr}: from ${format(run.loss[0], 2)} to ${format(last, 2)}.`,
      series: [...(compare ? series.filter((_, i) => i !== chosen) : []), series[chosen]],
      level: CHANCE,
    });
  } };
}

function build(own) {
  const { get } = own, runs = get("runs"), curves = runs.map((run) => runningMean(run.loss, MEAN_OF));
  const words = h("p", { class: "rate-words", "aria-live": "polite" });
  return {
    state() {
      const chosen = Math.min(get("chosen"), runs.length - 1);
      return { chosen, compare: get("compare"), run: runs[chosen], last: curves[chosen].at(-1) };
    },
    parts: [
      group({ class: "controls" }, createSlider(own, runs.length), tick("Show the others", trait(own, "compare"))), createChart(runs, curves),
      h("p", { class: "note" }, `Means over ${MEAN_OF} batches. Dashed: log 10 = ${format(CHANCE, 3)}, the loss of guessing.`),
      { element: words, update: ({ run, last }) => words.replaceChildren(
        `First batch: ${format(run.loss[0], 3)}. Last ${MEAN_OF} batches: `, h("strong", {}, format(last, 3)),
        `. Largest: ${format(Math.max(...run.loss), 2)}. Right in validation: `, h("strong", {}, `${format(100 * run.accuracy, 1)}%`), ".") },
    ],
  };
}

export default frame({ mark: "learning-rate", label: "Learning rate", build });
