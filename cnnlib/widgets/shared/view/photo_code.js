// The code that gives the same numbers, for cnnlib and for PyTorch.

const number = (value) => JSON.stringify(value);
const nested = (rows) => `[${rows.map((row) => (Array.isArray(row) ? nested(row) : number(row))).join(", ")}]`;
/** A kernel, a line for each row. */
const rowsOf = (plane) => `[\n${plane.map((row) => `    ${nested(row)},\n`).join("")}]`;
const planesOf = (weight) => `[\n${weight.map((plane) => `    [\n${plane.map((row) => `        ${nested(row)},\n`).join("")}    ],\n`).join("")}]`;
const python = (value) => (typeof value === "string" ? `"${value}"` : Array.isArray(value) ? `(${value.join(", ")})` : String(value));

const DIALECTS = {
  cnnlib: { head: ["import cnnlib", "import numpy as np"], array: (text) => `np.array(${text}, float)`, given: (text) => text, F: "cnnlib",
    stack: "np.stack", mean: "x.mean(axis=0, keepdims=True)", bias: (bias, maps) => `np.full(${maps}, ${number(bias)}, float)` },
  torch: { head: ["import torch", "import torch.nn.functional as F"], array: (text) => `torch.tensor(${text}, dtype=torch.float64)`, given: (text) => `torch.tensor(${text})`, F: "F",
    stack: "torch.stack", mean: "x.mean(dim=0, keepdim=True)", bias: (bias, maps) => `torch.full((${maps},), ${number(bias)}, dtype=torch.float64)` },
};

/** The lines that load the picture: one of the book's by its name, another from the file that the page saves. */
function pictureLines({ name, shape }, { given }) {
  if (name) return [`photo = cnnlib.photographs(small=True)["${name}"]`, `x = ${given("photo.astype(float)")}`];
  const gray = shape[0] === 1 ? "[:1]" : "";
  return ['pixels = np.asarray(Image.open("picture.png").convert("RGB"))', `x = ${given(`pixels.transpose(2, 0, 1)${gray} / 255`)}`];
}

/** The lines of the first kernel's weight, in conv2d's shape. */
function weightLines({ weight, apart, planes }, { array, stack }) {
  if (weight.length > 1) return [`kernels = ${array(planesOf(weight))}`, `weight = kernels[${apart ? ":, None" : "None"}]`];
  const times = apart ? `${stack}([kernel[None]] * ${planes})` : `${stack}([kernel] * ${planes})[None]`;
  return [`kernel = ${array(rowsOf(weight[0]))}`, `weight = ${planes === 1 ? "kernel[None, None]" : times}`];
}

/** codeFor("cnnlib" or "torch", the widget's traits): a program that prints the number at a place of the result. */
export function codeFor(library, traits) {
  const { shape, channels, bias, stride, padding, dilation, relu, second, pool, name, place } = traits, dialect = DIALECTS[library], { F } = dialect;
  const planes = channels === "gray" ? 1 : shape[0], apart = channels !== "added", maps = apart ? planes : 1;
  const options = Object.entries({ stride, padding, dilation, groups: apart ? planes : 1 })
    .filter(([key, value]) => value !== (key === "padding" ? 0 : 1)).map(([key, value]) => `, ${key}=${python(value)}`).join("");
  const head = [...new Set([...dialect.head, name ? "import cnnlib" : "import numpy as np", ...(name ? [] : ["from PIL import Image"])])].sort();
  const again = relu ? [`y = ${F}.relu(y)`] : [];
  const behind = second ? [`second = ${dialect.array(rowsOf(second))}`,
    `y = ${F}.conv2d(y, ${dialect.stack}([second[None]] * ${maps})${padding ? `, padding=${python(padding)}` : ""}${maps > 1 ? `, groups=${maps}` : ""})`, ...again] : [];
  return [...head, "", ...pictureLines(traits, dialect), ...(channels === "gray" && shape[0] > 1 ? [`x = ${dialect.mean}`] : []),
    ...weightLines({ ...traits, apart, planes }, dialect), `bias = ${dialect.bias(bias, maps)}`,
    `y = ${F}.conv2d(x, weight, bias${options})`, ...again, ...behind,
    ...(pool > 1 ? [`y = ${F}.max_pool2d(y, ${pool})`] : []), `print(tuple(y.shape), float(y[${place.join(", ")}]))`, ""].join("\n");
}
