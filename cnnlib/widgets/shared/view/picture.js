// A reader's own picture: from a file, a drop, the clipboard or the camera. Nothing of it leaves the page.
import { fromBase64 } from "../math/array.js";
import { button, h } from "./dom.js";

/** Bytes in base64. */
function packed(bytes) {
  let letters = "";
  for (let from = 0; from < bytes.length; from += 8192) letters += String.fromCharCode(...bytes.subarray(from, from + 8192));
  return btoa(letters);
}

/** An image that came from Python, or was kept for it, as an array of fractions. */
export const imageOf = ({ shape, bytes }) => ({ shape: [...shape], data: Float64Array.from(fromBase64(bytes), (byte) => byte / 255) });

/** The canvas's pixels as {shape: [channels, rows, columns], bytes}, channel after channel; it has no transparency. */
function keptOf(canvas) {
  const { width, height } = canvas, { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const area = width * height, bytes = new Uint8Array(3 * area);
  for (let at = 0; at < area; at++) for (let part = 0; part < 3; part++) bytes[part * area + at] = data[4 * at + part];
  return { shape: [3, height, width], bytes: packed(bytes) };
}

/** Whether the browser gives the pixels of a canvas back changed, as some do against tracking. */
function isAltered() {
  const side = 16, context = h("canvas", { width: side, height: side }).getContext("2d", { willReadFrequently: true });
  const given = new ImageData(Uint8ClampedArray.from({ length: 4 * side * side }, (_, at) => (at % 4 === 3 ? 255 : at % 251)), side);
  context.putImageData(given, 0, 0);
  return context.getImageData(0, 0, side, side).data.some((value, at) => value !== given.data[at]);
}

/** A picture on white, whole, in a frame of wide x high, or high x wide where it stands upright; never enlarged. */
function drawn(source, width, height, [wide, high]) {
  const [across, down] = width < height ? [high, wide] : [wide, high];
  const scale = Math.min(1, across / width, down / height);
  const sides = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = h("canvas", { width: sides[0], height: sides[1] }), context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, ...sides);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, ...sides);
  return keptOf(canvas);
}

const HEIC = /^ftyp(hei|hev|mif1|msf1)/;

/** Why the browser read no picture from the file. */
async function reason(file) {
  const head = new TextDecoder("latin1").decode(await file.slice(4, 12).arrayBuffer());
  return HEIC.test(head) ? "a HEIC picture, which this browser does not read: save it as JPEG" : "this browser reads no picture from it";
}

/**
 * The picture in a file, as cnnlib.image_folder has it: turned as its camera noted, on white where it is transparent,
 * of an animation the first frame. Raises an Error with a sentence for the reader.
 */
export async function readPicture(file, frame) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name || "The file"}: ${await reason(file)}.`);
  }
  const picture = drawn(bitmap, bitmap.width, bitmap.height, frame);
  bitmap.close();
  return picture;
}

/** The pixels of a JPEG in base64. */
export const decoded = (base64, frame) => readPicture(new Blob([fromBase64(base64)], { type: "image/jpeg" }), frame);

/** Why there is no camera. */
function refusal({ name }) {
  if (name === "NotAllowedError") return "The camera was refused. The browser's settings for this page can allow it again.";
  if (name === "NotFoundError") return "This device has no camera.";
  return `The camera does not answer (${name}).`;
}

/** The camera, which is asked for at a press: onpicture(picture) with what was taken, or oncomplain(sentence). */
function camera(frame, onpicture, oncomplain) {
  const video = h("video", { muted: true, playsinline: true, "aria-label": "What the camera sees" });
  video.muted = true;
  let asked = 0; // how often; a camera that comes when it is asked for again, or not wanted any more, is let go
  const release = (stream) => stream?.getTracks().forEach((track) => track.stop());
  function stop() {
    asked += 1;
    release(video.srcObject);
    video.srcObject = null;
    view.hidden = true;
  }
  const take = button("Take the picture", () => {
    onpicture(drawn(video, video.videoWidth, video.videoHeight, frame));
    stop();
    opener.focus();
  });
  const close = button("Close the camera", () => {
    stop();
    opener.focus();
  });
  const view = h("div", { class: "camera", hidden: true }, video, h("div", { class: "controls" }, take, close));
  const opener = button("Camera", async () => {
    oncomplain("");
    stop();
    if (!navigator.mediaDevices) return oncomplain("A browser lends the camera only to pages from https and from this machine's own server.");
    const now = asked;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      if (now !== asked) return release(stream);
      video.srcObject = stream;
      await video.play();
      view.hidden = false;
      take.focus();
    } catch (error) {
      if (now !== asked) return;
      stop();
      oncomplain(refusal(error));
    }
  });
  return { opener, element: view, stop };
}

/** Hears of files that are dropped on an element, or pasted while the focus is in it. */
export function takeFiles(element, onfile) {
  const take = (event, { files }) => {
    if (!files?.length) return;
    event.preventDefault();
    onfile(files[0]);
  };
  element.addEventListener("dragover", (event) => event.dataTransfer.types.includes("Files") && event.preventDefault());
  element.addEventListener("drop", (event) => take(event, event.dataTransfer));
  element.addEventListener("paste", (event) => take(event, event.clipboardData));
}

/**
 * Where a reader's own picture comes from: `controls` to stand in a row, a `note`, the `camera`'s view, and take(file)
 * for what is dropped or pasted. onpicture(picture) with what was read, in a frame; complain(sentence) when it cannot be.
 */
export function ownPicture(frame, onpicture, complain) {
  async function take(file) {
    complain("");
    try {
      onpicture(await readPicture(file, frame));
    } catch (error) {
      complain(error.message);
    }
  }
  const file = h("input", { type: "file", accept: "image/*", hidden: true, "aria-label": "Picture file", change: () => {
    if (file.files.length) take(file.files[0]);
    file.value = "";
  } });
  const lens = camera(frame, onpicture, complain);
  const guard = isAltered() ? " This browser changes pixels a little, to guard you, so numbers may differ from Python's." : "";
  const note = h("p", { class: "note" }, `Or drop a picture here, or paste it. It stays on this device: nothing is sent anywhere.${guard}`);
  return { controls: [button("Your picture", () => file.click()), file, lens.opener], note, camera: lens, take };
}

/** Offers an image as a file, picture.png, without loss. */
export function savePicture({ shape: [channels, rows, columns], data }) {
  const canvas = h("canvas", { width: columns, height: rows }), pixels = new ImageData(columns, rows);
  paintLight(pixels.data, Array.from({ length: 3 }, (_, part) => data.subarray((part % channels) * rows * columns)));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  canvas.toBlob((blob) => {
    const url = URL.createObjectURL(blob);
    h("a", { href: url, download: "picture.png" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  });
}

/** Paints three planes of fractions as light; what is below black or above white is cut off. */
export function paintLight(pixels, planes) {
  for (let at = 0; 4 * at < pixels.length; at++) {
    for (let part = 0; part < 3; part++) pixels[4 * at + part] = 255 * planes[part][at];
    pixels[4 * at + 3] = 255;
  }
}
