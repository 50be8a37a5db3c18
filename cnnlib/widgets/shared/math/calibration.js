// Whether answers are as often right as they are sure, as cnnlib.calibration has it.
import { map } from "./array.js";
import { softmax } from "./loss.js";

const TEMPERATURES = [0.01, 100]; // where the best one is looked for

/**
 * Answers sorted by their confidence into bins of equal width: for each bin its `answers`, the mean of their
 * `confidence` and the share that is right, its `accuracy`, both NaN where there is none. confidence: an array (N).
 * right: N times true or false.
 */
export function reliability(confidence, right, bins = 10) {
  const [answers, said, was] = Array.from({ length: 3 }, () => Array(bins).fill(0));
  confidence.data.forEach((one, n) => {
    let bin = 0;
    while (bin < bins - 1 && one > (bin + 1) / bins) bin += 1;
    answers[bin] += 1;
    said[bin] += one;
    was[bin] += right[n] ? 1 : 0;
  });
  const means = (sums) => sums.map((sum, bin) => sum / answers[bin]);
  return { answers, confidence: means(said), accuracy: means(was) };
}

/** The mean distance of confidence and accuracy over the bins, weighted by their answers. */
export function expected_calibration_error(confidence, right, bins = 10) {
  const found = reliability(confidence, right, bins);
  const gaps = found.answers.map((count, bin) => (count ? count * Math.abs(found.accuracy[bin] - found.confidence[bin]) : 0));
  return gaps.reduce((sum, gap) => sum + gap, 0) / right.length;
}

/** The mean of one number for each row of the logits: what `weigh` gives for the row's number. */
const rowMean = ({ shape: [rows] }, weigh) => Array.from({ length: rows }, (_, n) => weigh(n)).reduce((sum, one) => sum + one, 0) / rows;

/** The temperature T for which softmax(logits / T) has the smallest cross-entropy. logits: an array (N, K); labels: N classes. */
export function fit_temperature(logits, labels) {
  const { data, shape: [, classes] } = logits, right = rowMean(logits, (n) => data[n * classes + labels[n]]);
  let [cold, hot] = TEMPERATURES.map(Math.log);
  for (let step = 0; step < 60; step++) {
    const middle = (cold + hot) / 2, p = softmax(map((logit) => logit / Math.exp(middle), logits)).data;
    const weighed = rowMean(logits, (n) => {
      let sum = 0;
      for (let at = n * classes; at < (n + 1) * classes; at++) sum += p[at] * data[at];
      return sum;
    });
    if (weighed > right) cold = middle;
    else hot = middle;
  }
  return Math.exp((cold + hot) / 2);
}
