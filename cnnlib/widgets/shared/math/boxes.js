// The cells of two boxes [x1, y1, x2, y2], and the steps in which non-maximum suppression looks at all of them.

const area = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);

/** The box that two have in common; without width or height where they are apart. */
export function intersection(one, other) {
  const [x1, y1] = [0, 1].map((i) => Math.max(one[i], other[i]));
  const [x2, y2] = [2, 3].map((i) => Math.min(one[i], other[i]));
  return [x1, y1, Math.max(x1, x2), Math.max(y1, y2)];
}

/** The areas of two boxes, of what they have `both`, of what `either` has, and intersection over union, `iou`. */
export function overlap(one, other) {
  const [first, second, both] = [one, other, intersection(one, other)].map(area), either = first + second - both;
  return { first, second, both, either, iou: both / either };
}

/**
 * The steps of non-maximum suppression, as cnnlib.nms has it: {best}, a box that is kept; {best, other, iou,
 * dropped}, a comparison with one that is left; and {} at the end. Each has the boxes `kept` and `gone` so far.
 */
export function suppression(boxes, scores, threshold) {
  const steps = [], kept = [], gone = [];
  const note = (step) => steps.push({ ...step, kept: [...kept], gone: [...gone] });
  let left = [...boxes.keys()].sort((a, b) => scores[b] - scores[a]);
  while (left.length) {
    const [best, ...others] = left;
    kept.push(best);
    note({ best });
    left = others.filter((other) => {
      const { iou } = overlap(boxes[best], boxes[other]), dropped = iou > threshold;
      if (dropped) gone.push(other);
      note({ best, other, iou, dropped });
      return !dropped;
    });
  }
  note({});
  return steps;
}
