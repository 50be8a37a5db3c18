// Python, in a worker of its own: the page stays alive while it computes. run.js is the other side.
let kernel;
const say = (message) => postMessage(message);

/** Counts the bytes of everything that is fetched, and says what does not come: Pyodide waits for ever. */
const ownFetch = globalThis.fetch;
let loaded = 0;
globalThis.fetch = async (request, options) => {
  const address = String(request?.url ?? request);
  try {
    const answer = await ownFetch(request, options);
    if (!answer.ok) throw new Error(answer.status);
    const counted = answer.body.pipeThrough(new TransformStream({
      transform(part, out) {
        loaded += part.length;
        say({ kind: "loaded", bytes: loaded });
        out.enqueue(part);
      },
    }));
    return new Response(counted, { headers: answer.headers });
  } catch (error) {
    say({ kind: "fault", of: "start", text: `${address} could not be loaded: ${error.message}` });
    throw error;
  }
};

/** A file's bytes, at once: Python waits for an import. */
function fetchNow(address) {
  const request = new XMLHttpRequest();
  request.open("GET", address, false);
  request.responseType = "arraybuffer";
  request.send();
  if (request.status !== 200) throw new Error(`${address} could not be loaded: ${request.status}`);
  return request.response;
}

async function start({ folder, manifest, early, interrupt, solved }) {
  const { core, packages, needs } = manifest, url = (name) => new URL(name, folder).href;
  const { loadPyodide } = await import(url(`${core}pyodide.mjs`));
  const wanted = early.flatMap((name) => [...(needs[name] ?? []), name]);
  const waiting = [...new Set(["", ...wanted])].flatMap((name) => packages[name].splice(0));
  const files = Promise.all(waiting.map(async (name) => (await fetch(url(name))).arrayBuffer()));
  const pyodide = await loadPyodide({ indexURL: url(core), env: { MPLBACKEND: "agg" } });
  const unpack = (content) => pyodide.unpackArchive(content, "zip", { extractDir: site });
  const site = pyodide.runPython("import site; site.getsitepackages()[0]");
  for (const content of await files) unpack(content);
  if (interrupt) pyodide.setInterruptBuffer(interrupt);
  const later = Object.keys(packages).filter((name) => packages[name].length);
  const fetchPackage = (name) => {
    const all = [...(needs[name] ?? []), name].flatMap((one) => packages[one].splice(0));
    say({ kind: "fetching", name });
    all.forEach((one) => unpack(fetchNow(url(one))));
  };
  const runner = pyodide.pyimport("runner");
  kernel = runner.start((text) => say(JSON.parse(text)), pyodide.toPy(later), fetchPackage, JSON.stringify(solved));
  globalThis.memory = () => pyodide._module.HEAP8.length;
}

const acts = {
  start,
  run: ({ cell, source }) => kernel.run(cell, source),
  update: ({ comm, state }) => kernel.receive(comm, JSON.stringify(state)),
};

let last = Promise.resolve(); // one after the other
onmessage = ({ data }) => {
  last = last.then(async () => {
    try {
      const result = await acts[data.kind](data);
      say({ kind: "done", of: data.kind, cell: data.cell, result, memory: globalThis.memory() });
    } catch (error) {
      say({ kind: "fault", of: data.kind, cell: data.cell, text: String(error.message ?? error) });
    }
  });
};
