// Lines from one element to another, drawn over the stage that holds both.
import { svg } from "./svg.js";

const PAPER = 580; // pixels: A4 and Letter have more, less their rims and the frame

/** The middle of an element, seen from the corner of the stage, which is drawn `scale` times as large. */
function middle(element, corner, scale) {
  const box = element.getBoundingClientRect();
  return [box.x + box.width / 2 - corner.x, box.y + box.height / 2 - corner.y].map((along) => along / scale);
}

/** A curve that leaves and arrives along the longer way: sideways, or up and down on a phone. */
function curve([x1, y1], [x2, y2]) {
  const [dx, dy] = Math.abs(x2 - x1) >= Math.abs(y2 - y1) ? [(x2 - x1) / 2, 0] : [0, (y2 - y1) / 2];
  return `M${x1} ${y1}C${x1 + dx} ${y1 + dy} ${x2 - dx} ${y2 - dy} ${x2} ${y2}`;
}

/**
 * update(list) draws a line for each {from, to, mark, width}, elements inside `stage`; `mark` is a
 * class. They follow when the stage changes its size. Call stop() when the widget goes.
 */
export function lines(stage) {
  const picture = svg("svg", { class: "lines", "aria-hidden": "true" });
  stage.prepend(picture); // first, so that numbers stand on top of the lines
  let list = [];
  function draw() {
    const corner = stage.getBoundingClientRect(), scale = corner.width / stage.offsetWidth || 1;
    picture.replaceChildren(...list.map(({ from, to, mark = "", width = 2 }) =>
      svg("path", { d: curve(middle(from, corner, scale), middle(to, corner, scale)), class: mark, "stroke-width": width })));
  }
  // No script runs once the page has its printed width, so the stage gets a width that any paper has.
  const onPaper = () => {
    stage.style.width = `${Math.min(stage.offsetWidth, PAPER)}px`;
    draw();
  };
  const onScreen = () => {
    stage.style.width = "";
    draw();
  };
  const observer = new ResizeObserver(draw);
  observer.observe(stage);
  addEventListener("beforeprint", onPaper);
  addEventListener("afterprint", onScreen);
  return {
    update(newList) {
      list = newList;
      draw();
    },
    stop() {
      observer.disconnect();
      removeEventListener("beforeprint", onPaper);
      removeEventListener("afterprint", onScreen);
    },
  };
}
