// A network of the playground, with its data and its optimizer, as a program for cnnlib or for PyTorch.
import { call, summarize } from "./architecture.js";
import { CLASSES, SIDE, toLetters } from "./digits.js";
import { completeSettings } from "./settings.js";

const PRINTED = 10; // losses of the first batches
const indented = (text) => text.replace(/^(?=.)/gm, "    ");
const isDefinition = (text) => /^(def|class) /.test(text);
/** The parts that are there, one after the other, two empty lines around a function or a class. */
const joined = (parts) => parts.filter(Boolean).reduce((text, part, i, all) =>
  text + (i && (isDefinition(part) || isDefinition(all[i - 1])) ? "\n\n" : "") + part, "");
const has = (layers, kind) => layers.some((layer) => layer.kind === kind || has(layer.layers ?? [], kind));

const CHANCE = [`def mixed(x):
    """32 bits, each of which depends on all bits of x: "lowbias32", by Chris Wellons."""
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return x ^ (x >> 16)
`, `def chances(count, *keys):
    """Numbers from 0 to 1, for the same keys the same as in the page."""
    start = np.zeros(1, np.uint32)
    for key in keys:
        start = mixed(start + np.uint32(key + 1))
    return mixed(start + np.arange(count, dtype=np.uint32)) / 2**32
`];

const OWN = (drawings) => `own = """
${drawings.map(({ pixels }) => toLetters(pixels)).join("\n")}
""".split()  # drawn by hand: a is 0, q is 16
own = np.array([[ord(letter) - ord("a") for letter in one] for one in own], np.float32)
x_train = np.concatenate([x_train, own.reshape(-1, 1, ${SIDE}, ${SIDE}) / 16])
y_train = np.concatenate([y_train, [${drawings.map(({ label }) => label).join(", ")}]])
`;

const PLACED = (side) => `def placed(images, key):
    """Each image at a place by chance of a larger, black one."""
    canvas = np.zeros((len(images), 1, ${side}, ${side}), np.float32)
    places = np.floor(chances(2 * len(images), 5, key) * ${side - SIDE + 1}).astype(int)
    for image, frame, (top, left) in zip(images, canvas, places.reshape(-1, 2)):
        frame[:, top : top + ${SIDE}, left : left + ${SIDE}] = image
    return canvas
`;

const WRONG = (share) => `luck = chances(2 * len(y_train), SEED, 2).reshape(-1, 2)
wrong = luck[:, 0] < ${share}
other = 1 + np.floor(luck[wrong, 1] * ${CLASSES - 1}).astype(int)
y_train[wrong] = (y_train[wrong] + other) % ${CLASSES}
`;

const PIXELS = `pixels = np.argsort(chances(x_train[0].size, SEED, 6), kind="stable")\n`;
const SHUFFLED = `def shuffled(images):
    """The images with their pixels in another order, the same for all."""
    return images.reshape(len(images), -1)[:, pixels].reshape(images.shape)
`;

const MOVED = (shift) => `def moved(images, draws):
    """Each image moved by up to ${shift} pixels; what comes in is black."""
    edge = ((0, 0), (0, 0), (${shift}, ${shift}), (${shift}, ${shift}))
    padded, (rows, columns) = np.pad(images, edge), images.shape[2:]
    moves = np.floor(draws * ${2 * shift + 1}).astype(int).reshape(-1, 2)
    starts = ${2 * shift} - moves
    pairs = zip(padded, starts)
    return np.stack([i[:, top : top + rows, left : left + columns] for i, (top, left) in pairs])
`;

/** Numbers by chance, the digits, and what is done to them before the training begins. */
function data({ canvas = SIDE, drawings = [], settings }, torch) {
  const { images, wrong_labels, shuffled_pixels, shift } = settings;
  const load = torch
    ? "digits = load_digits()\nimages, labels = digits.images[:, None].astype(np.float32) / 16, digits.target\n"
    : "images, labels = cnnlib.digits()\n";
  const few = images < 1297 && (drawings.length
    ? `used = np.r_[:${images}, 1297 : len(x_train)]\nx_train, y_train = x_train[used], y_train[used]\n`
    : `x_train, y_train = x_train[:${images}], y_train[:${images}]\n`);
  return [
    ...CHANCE, load + `order = np.random.default_rng(0).permutation(len(images))
train, held_out = order[:1297], order[1297:]
turn = [(labels[train[:i]] == labels[train[i]]).sum() for i in range(len(train))]
train = train[np.argsort(turn, kind="stable")]  # one image of each class after the other
x_train, y_train = images[train], labels[train]
x_held_out, y_held_out = images[held_out], labels[held_out]
`,
    drawings.length && OWN(drawings),
    ...(canvas > SIDE ? [PLACED(canvas), "x_train, x_held_out = placed(x_train, 0), placed(x_held_out, 1)\n"] : []),
    wrong_labels > 0 && WRONG(wrong_labels), few,
    ...(shuffled_pixels ? [PIXELS, SHUFFLED, "x_held_out = shuffled(x_held_out)\n"] : []),
    shift > 0 && MOVED(shift),
  ];
}

const RESIDUAL = `class Residual(nn.Module):
    """The sum of a body and a way around it."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return self.body(x) + x
`;

const DROPOUT = {
  cnnlib: `class Dropout(cnnlib.Layer):
    """Dropout that draws the page's numbers, for the batch \`step\`; \`number\` counts such layers."""

    def __init__(self, p, number):
        self.p, self.number = p, number

    def forward(self, x):
        self.saved = np.ones_like(x)
        if self.training:
            kept = chances(x.size, SEED, 4, self.number, step) >= self.p
            self.saved = kept.reshape(x.shape).astype(x.dtype) / (1 - self.p)
        return x * self.saved

    def backward(self, grad_output):
        return grad_output * self.recall()
`,
  torch: `class Dropout(nn.Module):
    """Dropout that draws the page's numbers, for the batch \`step\`; \`number\` counts such layers."""

    def __init__(self, p, number):
        super().__init__()
        self.p, self.number = p, number

    def forward(self, x):
        if not self.training:
            return x
        kept = chances(x.numel(), SEED, 4, self.number, step) >= self.p
        return x * torch.tensor(kept.reshape(x.shape)) / (1 - self.p)
`,
};

/** The layers, one a line, as ruff would write them. */
function lines(layers, shape, torch, count = { dropouts: 0 }) {
  const library = torch ? "nn" : "cnnlib";
  return summarize(layers, shape).map(({ layer, input }) => {
    if (layer.kind === "Dropout") return `Dropout(${layer.p ?? 0.5}, ${count.dropouts++}),\n`;
    if (layer.kind !== "Residual") return `${library}.${call(layer, input, torch)},\n`;
    const body = `${library}.Sequential(\n${indented(lines(layer.layers, input, torch, count))})\n`;
    return `${torch ? "" : "cnnlib."}Residual(\n${indented(body)}),\n`;
  }).join("");
}

/** The network with its first weights, those of the page. */
function network({ layers, settings, canvas = SIDE }, torch) {
  const made = `network = ${torch ? "nn" : "cnnlib"}.Sequential(\n${indented(lines(layers, [1, canvas, canvas], torch))})\n`;
  const zero = torch
    ? "for parameter in network.parameters():\n    nn.init.zeros_(parameter)\n"
    : "for parameter in network.parameters():\n    parameter.data[...] = 0\n";
  const drawn = torch
    ? `drawn = [one for one in network.modules() if isinstance(one, (nn.Conv2d, nn.Linear))]
for i, layer in enumerate(drawn):  # the page's first weights
    weight, bias = layer.weight.data, layer.bias.data
    numbers = 2 * chances(weight.numel() + bias.numel(), SEED, 0, i) - 1
    numbers = torch.tensor(numbers / weight[0].numel() ** 0.5)
    weight.copy_(numbers[: weight.numel()].reshape(weight.shape))
    bias.copy_(numbers[weight.numel() :])
`
    : `drawn = [one for _, one in network.layers() if isinstance(one, (cnnlib.Conv2d, cnnlib.Linear))]
for i, layer in enumerate(drawn):  # the page's first weights
    weight, bias = layer.weight.data, layer.bias.data
    numbers = 2 * chances(weight.size + bias.size, SEED, 0, i) - 1
    numbers = numbers / weight[0].size ** 0.5
    weight[...], bias[...] = numbers[: weight.size].reshape(weight.shape), numbers[weight.size :]
`;
  return [
    torch && has(layers, "Residual") && RESIDUAL, has(layers, "Dropout") && DROPOUT[torch ? "torch" : "cnnlib"],
    made, settings.zero_weights ? zero : drawn,
  ];
}

/** The optimizer and its schedule: [text, whether it steps after each batch, or null without one]. */
function optimizer({ optimizer: name, lr, momentum, weight_decay, schedule, epochs }, torch) {
  const library = torch ? "torch.optim" : "cnnlib", plans = torch ? "torch.optim.lr_scheduler" : "cnnlib";
  const kind = { sgd: "SGD", adam: "Adam", adamw: "AdamW" }[name];
  const options = [`lr=${lr}`, name === "sgd" && momentum && `momentum=${momentum}`,
    (weight_decay || name === "adamw") && `weight_decay=${weight_decay}`].filter(Boolean);
  const plan = {
    step: `StepLR(optimizer, ${Math.ceil(epochs / 3)})`,
    cosine: `CosineAnnealingLR(optimizer, ${epochs})`,
    one_cycle: `OneCycleLR(
    optimizer, ${lr}, EPOCHS * math.ceil(len(x_train) / BATCH), cycle_momentum=False
)`,
  }[schedule];
  const text = `optimizer = ${library}.${kind}(network.parameters(), ${options.join(", ")})\n`;
  return [text + (plan ? `schedule = ${plans}.${plan}\n` : ""), plan ? schedule === "one_cycle" : null];
}

function training({ settings }, torch, everyBatch) {
  const batch = [
    "batch = x_train[chosen]\n",
    settings.shift > 0 && "batch = moved(batch, draws[2 * start : 2 * start + 2 * len(chosen)])\n",
    settings.shuffled_pixels && "batch = shuffled(batch)\n",
    torch
      ? `value = loss(network(torch.tensor(batch)), torch.tensor(y_train[chosen]))
if step < ${PRINTED}:
    print(f"batch {step}: loss {value.item():.4f}")
optimizer.zero_grad()
value.backward()
optimizer.step()
`
      : `value = loss(network(batch), y_train[chosen])
if step < ${PRINTED}:
    print(f"batch {step}: loss {value:.4f}")
optimizer.zero_grad()
network.backward_parameters(loss.backward())
optimizer.step()
`,
    everyBatch && "schedule.step()\n", "step += 1\n",
  ].filter(Boolean).join("");
  const ask = torch
    ? `network.eval()
with torch.no_grad():
    right = network(torch.tensor(x_held_out)).argmax(1).numpy() == y_held_out
print(f"epoch {epoch + 1}: {right.mean():.1%} of the held-out images")
`
    : `accuracy = cnnlib.evaluate(network, (x_held_out, y_held_out)).accuracy
print(f"epoch {epoch + 1}: {accuracy:.1%} of the held-out images")
`;
  return `step = 0
for epoch in range(EPOCHS):
    network.train()
    order = np.argsort(chances(len(x_train), SEED, 1, epoch), kind="stable")
${settings.shift > 0 ? "    draws = chances(2 * len(x_train), SEED, 3, epoch)\n" : ""}    for start in range(0, len(x_train), BATCH):
        chosen = order[start : start + BATCH]
${indented(indented(batch))}${everyBatch === false ? "    schedule.step()\n" : ""}${indented(ask)}`;
}

/**
 * The program that trains the same network on the same images in the same order: it prints the losses of the first
 * batches, and after each epoch the share of the held-out images that is called right.
 * @param {object} state layers, settings, seed, canvas and drawings, as they are sent to the worker
 * @param {boolean} torch for PyTorch; otherwise for cnnlib
 */
export function asPython(state, torch) {
  const settings = completeSettings(state.settings), full = { ...state, settings };
  const [steps, everyBatch] = optimizer(settings, torch);
  const imports = torch
    ? "import numpy as np\nimport torch\nfrom sklearn.datasets import load_digits\nfrom torch import nn\n"
    : "import numpy as np\n\nimport cnnlib\n";
  const numbers = `SEED, BATCH, EPOCHS = ${state.seed ?? 0}, ${settings.batch_size}, ${settings.epochs}\n`;
  const loss = torch ? "loss = nn.CrossEntropyLoss()\n" : "loss = cnnlib.CrossEntropyLoss()\n";
  return joined([
    `${everyBatch ? "import math\n\n" : ""}${imports}\n${numbers}`, ...data(full, torch), ...network(full, torch),
    `${steps}${loss}\n`, training(full, torch, everyBatch),
  ]);
}
