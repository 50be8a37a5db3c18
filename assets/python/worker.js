// Python, in a worker of its own: the page stays alive while it computes. run.js is the other side.
let kernel;
const site = "/lib/python3.14/site-packages";
const say = (message) => postMessage(message);

/**
 * Counts the bytes of everything that is fetched, and says what does not come: Pyodide waits for ever.
 * A copy is counted: a browser keeps what it compiles of an answer as it came, and of no other.
 */
const ownFetch = globalThis.fetch;
let loaded = 0;
globalThis.fetch = async (request, options) => {
  const address = String(request?.url ?? request);
  try {
    const answer = await ownFetch(request, options);
    if (!answer.ok) throw new Error(answer.status);
    const write = (part) => say({ kind: "loaded", bytes: (loaded += part.length) });
    const tell = () => say({ kind: "fault", of: "start", text: `${address} could not be loaded: it broke off` });
    answer.clone().body.pipeTo(new WritableStream({ write })).catch(tell);
    return answer;
  } catch (error) {
    say({ kind: "fault", of: "start", text: `${address} could not be loaded: ${error.message}` });
    throw error;
  }
};

/** Gives [name, content] of each file in a tar archive. */
function* filesOf(bytes) {
  const text = (at, length) => String.fromCharCode(...bytes.subarray(at, at + length)).replace(/\0.*/s, "");
  for (let at = 0; bytes[at]; ) {
    const name = text(at, 100), folder = text(at + 345, 155), size = parseInt(text(at + 124, 12), 8);
    yield [folder ? `${folder}/${name}` : name, bytes.subarray(at + 512, at + 512 + size)];
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

async function fetchPack(address) {
  const { body } = await fetch(address);
  return new Uint8Array(await new Response(body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

function unpack(fs, bytes) {
  const made = new Set();
  for (const [name, content] of filesOf(bytes)) {
    const path = `${site}/${name}`, folder = path.slice(0, path.lastIndexOf("/"));
    if (!made.has(folder)) fs.mkdirTree(folder);
    made.add(folder);
    fs.writeFile(path, content, { canOwn: true });
  }
}

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
  const { core, packages, needs, lock } = manifest, url = (name) => new URL(name, folder).href;
  const wanted = early.flatMap((name) => [...(needs[name] ?? []), name]);
  const waiting = [...new Set(["", ...wanted])].flatMap((name) => packages[name].splice(0));
  const packs = Promise.all(waiting.map((name) => fetchPack(url(name))));
  const { loadPyodide } = await import(url(`${core}pyodide.mjs`));
  const pyodide = await loadPyodide({ indexURL: url(core), lockFileContents: lock, env: { MPLBACKEND: "agg", BOOK_URL: new URL("../../", location).href } });
  for (const pack of await packs) unpack(pyodide.FS, pack);
  if (interrupt) pyodide.setInterruptBuffer(interrupt);
  const later = Object.keys(packages).filter((name) => packages[name].length);
  const fetchPackage = (name) => {
    const all = [...(needs[name] ?? []), name].map((one) => packages[one]);
    say({ kind: "fetching", name });
    for (const one of all.flat()) pyodide.unpackArchive(fetchNow(url(one)), "gztar", { extractDir: site });
    for (const one of all) one.length = 0;
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
