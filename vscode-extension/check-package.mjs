// Looks into a packaged extension: the server must be in it, and must answer. `node check-package.mjs FILE.vsix`
//
// A VSIX is a ZIP file. What is needed of that format is little: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";

const END_OF_CENTRAL_DIRECTORY = 0x06054b50;
const DEFLATED = 8;

/** The files of a ZIP archive: name → content and, where the archive was made on Unix, mode. */
function filesOf(archive) {
  let end = archive.length - 22;
  while (end >= 0 && archive.readUInt32LE(end) !== END_OF_CENTRAL_DIRECTORY) {
    end -= 1;
  }
  if (end < 0) {
    throw new Error("this is no ZIP archive");
  }
  const files = new Map();
  let at = archive.readUInt32LE(end + 16);
  for (let count = archive.readUInt16LE(end + 10); count > 0; count -= 1) {
    const method = archive.readUInt16LE(at + 10);
    const size = archive.readUInt32LE(at + 20);
    const nameLength = archive.readUInt16LE(at + 28);
    const header = archive.readUInt32LE(at + 42);
    const start = header + 30 + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28);
    const name = archive.toString("utf8", at + 46, at + 46 + nameLength);
    files.set(name, {
      mode: archive.readUInt32LE(at + 38) >>> 16,
      content: () => {
        const packed = archive.subarray(start, start + size);
        return method === DEFLATED ? inflateRawSync(packed) : packed;
      },
    });
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return files;
}

const files = filesOf(readFileSync(process.argv[2]));
for (const needed of ["extension/package.json", "extension/out/extension.js", "extension/readme.md", "extension/LICENSE.txt"]) {
  if (!files.has(needed)) {
    throw new Error(`${needed} is not in the package, but ${[...files.keys()].join(", ")}`);
  }
}
const program = process.platform === "win32" ? "gitops-lsp.exe" : "gitops-lsp";
const server = files.get(`extension/server/${program}`);
if (server === undefined) {
  throw new Error("the server is not in the package");
}
if (process.platform !== "win32" && (server.mode & 0o111) === 0) {
  throw new Error(`the server in the package cannot be executed (mode ${server.mode.toString(8)})`);
}
const directory = mkdtempSync(join(tmpdir(), "gitops-lsp-package-"));
try {
  const path = join(directory, program);
  writeFileSync(path, server.content(), { mode: 0o755 });
  const answer = execFileSync(path, ["--version"], { encoding: "utf8" }).trim();
  const { version } = JSON.parse(files.get("extension/package.json").content().toString("utf8"));
  if (answer !== `gitops-lsp ${version}`) {
    throw new Error(`the server in the package says "${answer}", but the extension is version ${version}`);
  }
  console.log(`${answer}: ${files.size} files`);
} finally {
  rmSync(directory, { recursive: true });
}
