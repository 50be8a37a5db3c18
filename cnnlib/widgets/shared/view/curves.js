// The curves of a training while it runs: loss and share right, of one run or of several beside each other.
import { chart } from "./chart.js";
import { format, h } from "./dom.js";

const MOST = 160; // points of a line: more than a screen shows
const KINDS = [["train", "training"], ["held", "held out"]];

export const percent = (part) => (Number.isFinite(part) ? `${(100 * part).toFixed(1)}%` : "–");

/** The smallest of 1, 2, 5, 10, 20, 50, ... times `unit` that is not below `number`. */
function roundUp(number, unit) {
  let top = unit;
  for (let k = 1; top < number && k < 60; k++) top = unit * 10 ** Math.floor(k / 3) * [1, 2, 5][k % 3];
  return top;
}

/** At most MOST points: each the mean of its neighbors. */
function thinned(points) {
  const size = Math.ceil(points.length / MOST), few = [];
  for (let from = 0; from < points.length; from += size) {
    const part = points.slice(from, from + size);
    few.push([part.at(-1)[0], part.reduce((sum, [, y]) => sum + y, 0) / part.length]);
  }
  return few;
}

/** What of a history is drawn: [epoch, value] pairs, as far as there are numbers. */
const pointsOf = (history, name) =>
  thinned(history.filter((entry) => Number.isFinite(entry[name])).map((entry) => [entry.epoch, entry[name]]));

/** Of several histories, epoch by epoch: the lowest, the mean and the highest of a number. */
export function spread(histories, name) {
  const length = Math.min(...histories.map((one) => one.length));
  return Array.from({ length }, (_, i) => {
    const values = histories.map((one) => one[i][name]).filter(Number.isFinite);
    return { epoch: histories[0][i].epoch, low: Math.min(...values), high: Math.max(...values),
      mean: values.reduce((sum, value) => sum + value, 0) / values.length };
  }).filter(({ mean }) => Number.isFinite(mean));
}

/** The lines of one run; of several seeds the mean, in the band from the lowest to the highest. */
function linesOf({ histories, losses }, names, isLoss) {
  const noise = isLoss && losses.length ? [{ mark: "curve-batches", points: thinned(losses) }] : [];
  const lines = KINDS.flatMap(([mark], k) => {
    if (histories.length === 1) return [{ mark: `curve-${mark}`, points: pointsOf(histories[0], names[k]) }];
    const all = spread(histories, names[k]);
    const band = [...all.map(({ epoch, high }) => [epoch, high]), ...all.map(({ epoch, low }) => [epoch, low]).reverse()];
    return [{ mark: `curve-band curve-${mark}`, points: band },
      { mark: `curve-${mark}`, points: all.map(({ epoch, mean }) => [epoch, mean]) }];
  });
  return [...noise, ...lines];
}

/** One chart: `names` are those of the numbers of training and of what is held out. */
function createChart(title, names, written, axisOf) {
  const isLoss = names[0] === "loss";
  const keys = KINDS.map(([mark, text]) => h("span", {}, h("span", { class: `curve-key curve-${mark}`, "aria-hidden": "true" }), text));
  const box = h("div", {});
  const element = h("figure", { class: "curve" }, h("figcaption", {}, h("b", {}, title), keys), box);
  let picture = null, made = "";
  return { element, update(now) {
    const axes = { far: roundUp(Math.max(...now.all.map((one) => one.at(-1)?.epoch ?? 0)), 5), ...axisOf(now) };
    const key = JSON.stringify(axes);
    if (key !== made) {
      picture = chart({ width: 420, height: 190, left: 44, x: { label: "epochs", low: 0, high: axes.far, ticks: [0, axes.far / 2, axes.far] },
        y: { label: "", low: axes.low, high: axes.high, ticks: axes.ticks } });
      box.replaceChildren(picture.element);
      made = key;
    }
    const last = now.histories[0].at(-1);
    const inside = ({ mark, points }) => ({ mark, points: points.filter(([, y]) => y >= axes.low) });
    picture.update({
      label: last ? `${title} after ${format(last.epoch, 1)} epochs: training ${written(last[names[0]])}, held out ${written(last[names[1]])}.`
        : `${title}: nothing is trained yet.`,
      series: [...now.kept.map(({ history, mark }) => ({ mark: `curve-kept ${mark}`, points: pointsOf(history, names[1]) })),
        ...linesOf(now, names, isLoss)].map(inside),
    });
  } };
}

/** Losses from 0 to a round number above what there is; a loss that explodes leaves the picture. */
function lossAxis({ all, losses }) {
  const values = [...all.flat().flatMap(({ loss, validation_loss }) => [loss, validation_loss]), ...losses.slice(-400).map(([, loss]) => loss)];
  const high = Math.min(roundUp(Math.max(0, ...values.filter(Number.isFinite)), 0.25), 5e3);
  return { low: 0, high, ticks: [0, high / 2, high] };
}

/** Shares right from 0 to 1, and from 0.8 on when all are near 1. */
function shareAxis({ all }) {
  const near = all.some((one) => one.length) && all.filter((one) => one.length).every((one) => one.at(-1).validation_accuracy > 0.92);
  return near ? { low: 0.8, high: 1, ticks: [0.8, 0.9, 1] } : { low: 0, high: 1, ticks: [0, 0.5, 1] };
}

/**
 * Both charts: live({histories, losses, kept}) draws the histories of one run's seeds, its batches' losses as
 * [epoch, loss], and `kept` runs, {history, mark}.
 */
export function curves() {
  const charts = [
    createChart("Loss", ["loss", "validation_loss"], (loss) => (Number.isFinite(loss) ? format(loss, 3) : "nan"), lossAxis),
    createChart("Share right", ["accuracy", "validation_accuracy"], percent, shareAxis),
  ];
  return { element: h("div", { class: "curves" }, charts), live(now) {
    const all = [...now.histories, ...now.kept.map(({ history }) => history)];
    for (const one of charts) one.update({ ...now, all });
  } };
}
