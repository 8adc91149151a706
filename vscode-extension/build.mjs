// Bundles the extension into out/extension.js, and the licences of what went into it into out/licences.txt.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, context } from "esbuild";

/** The licences of the packages whose files are in the bundle, each once, in the order of their names. */
function licences(inputs) {
  const packages = inputs
    .map((input) => input.match(/^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0])
    .filter((directory) => directory !== undefined);
  return [...new Set(packages)].sort().map((directory) => {
    const { name, version, license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(join(directory, file), "utf8").trim() : "";
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
}

const options = {
  entryPoints: ["src/extension.ts"],
  outfile: "out/extension.js",
  bundle: true,
  platform: "node",
  format: "cjs",
  // Node.js of the oldest VS Code that package.json admits.
  target: "node20",
  external: ["vscode"],
  minify: true,
  legalComments: "none",
  metafile: true,
  logLevel: "info",
};

if (process.argv.includes("--watch")) {
  await (await context({ ...options, minify: false, sourcemap: true })).watch();
} else {
  const result = await build(options);
  const separator = `\n${"-".repeat(80)}\n\n`;
  writeFileSync("out/licences.txt", licences(Object.keys(result.metafile.inputs)).join(separator));
}
