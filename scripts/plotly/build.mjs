// Builds Plotly with the traces that the pages draw: node build.mjs LIST FOLDER
// LIST is src/main/monitoring/dashboards/v2/small_plotly.json; into FOLDER go plotly.min.js and plotly.LICENSE.txt.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [list, folder] = process.argv.slice(2);
const wanted = JSON.parse(readFileSync(list, "utf8"));
const here = dirname(fileURLToPath(import.meta.url));

const further = wanted.traces.filter((name) => name !== "scatter"); // the core brings that one
const entry = `
const Plotly = require("plotly.js/lib/core");
Plotly.register([${further.map((name) => `require("plotly.js/lib/${name}")`).join(", ")}]);
module.exports = Plotly;
`;

// The first line has Chromium compile all of it beside the page's own thread, while that waits for the data; left to do
// so function by function when each is called, the first chart came a tenth of a second later.
const banner = `//# allFunctionsCalledOnLoad
/* plotly.js ${wanted.version}, MIT, Copyright (c) Plotly, Inc. All licences: /assets/plotly.LICENSE.txt */`;

const made = await build({
  stdin: { contents: entry, resolveDir: here, sourcefile: "entry.js" },
  absWorkingDir: here,
  bundle: true,
  write: false,
  metafile: true,
  minify: true,
  format: "iife",
  globalName: "Plotly",
  target: "es2020",
  legalComments: "none", // all licences go into a file of their own
  loader: { ".css": "empty" }, // of the maps, which are not in it
  define: { global: "window", "define.amd": "false", "process.env.NODE_DEBUG": "false" },
  banner: { js: banner },
  logLevel: "error",
});

const script = made.outputFiles[0].contents;
const inside = Object.entries(Object.values(made.metafile.outputs)[0].inputs).filter(([path]) => !path.endsWith(".css"));
const packages = new Set(inside.map(([path]) => packageOf(path)).filter(Boolean));
writeFileSync(join(folder, "plotly.LICENSE.txt"), [...packages].sort().map(licence).join("\n\n"));
writeFileSync(join(folder, "plotly.min.js"), script);

const digest = createHash("sha256").update(script).digest("hex");
if (digest !== wanted.sha256) {
  console.error(`its sha256 is ${digest}`);
  process.exit(3);
}

/** The folder of the package that a source file belongs to: the part up to the name after the last node_modules. */
function packageOf(path) {
  const found = path.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//);
  return found && found[1];
}

function licence(name) {
  const about = JSON.parse(readFileSync(join(here, name, "package.json"), "utf8"));
  const text = readdirSync(join(here, name)).filter((file) => /^licen[cs]e/i.test(file)).sort();
  const said = text.length ? readFileSync(join(here, name, text[0]), "utf8").trim() : `Licence: ${about.license}`;
  return `${"=".repeat(80)}\n${about.name} ${about.version}\n${"=".repeat(80)}\n${said}\n`;
}
