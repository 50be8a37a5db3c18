// Compiles Python's files with Pyodide, for Pyodide: node compile_python.mjs PYODIDE HOME FROM.tar TO.tar
// tools/book_python.py calls it. In HOME the files will lie when they are run.
import fs from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";

const [folder, home, from, to] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`));
const pyodide = await loadPyodide({ indexURL: `${folder}/` });
pyodide.FS.writeFile("/from.tar", fs.readFileSync(from));
pyodide.globals.set("home", home);
pyodide.runPython(`
import compileall, pathlib, py_compile, tarfile

with tarfile.open("/from.tar") as file:
    file.extractall("/files", filter="data")
# What is in an archive has no time that could be compared.
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
where = {"stripdir": "/files", "prependdir": home}
if not compileall.compile_dir("/files", 20, quiet=1, legacy=True, invalidation_mode=mode, **where):
    raise SystemExit("not every file could be compiled")
with tarfile.open("/to.tar", "w") as file:
    for path in pathlib.Path("/files").rglob("*.pyc"):
        file.add(path, path.relative_to("/files"))
`);
fs.writeFileSync(to, pyodide.FS.readFile("/to.tar"));
