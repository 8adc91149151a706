import { access, constants, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";

/** Where the server was found, or every place that was looked at in vain. */
export type ServerPath =
  | { readonly found: string }
  | { readonly missing: readonly string[] };

/** What decides which server runs. */
export interface ServerSearch {
  /** The setting `gitops.server.path`; empty when it is not set. */
  readonly setting: string;
  /** The directory that the extension is installed in. */
  readonly extensionDirectory: string;
  /** The environment variable `PATH`. */
  readonly searchPath: string;
  readonly platform: NodeJS.Platform;
}

/**
 * The server's binary: the one that is set, else the one inside the extension, else the first on the `PATH`.
 *
 * A path that is set and does not lead to a program is not passed over in silence: whoever set it wants that one.
 */
export async function findServer(search: ServerSearch): Promise<ServerPath> {
  const candidates = serverCandidates(search);
  for (const candidate of candidates) {
    if (await isProgram(candidate)) {
      return { found: candidate };
    }
  }
  return { missing: candidates };
}

/** The places to look at, best first. */
export function serverCandidates(search: ServerSearch): string[] {
  const set = search.setting.trim();
  if (set !== "") {
    return [set.replace(/^~(?=[/\\])/, homedir())];
  }
  const name = search.platform === "win32" ? "gitops-lsp.exe" : "gitops-lsp";
  const directories = search.searchPath
    .split(delimiter)
    // A relative entry would let the folder that happens to be open bring its own server.
    .filter((directory) => isAbsolute(directory));
  return [join(search.extensionDirectory, "server"), ...directories].map((directory) => join(directory, name));
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return isAbsolute(path) && (await stat(path)).isFile();
  } catch {
    return false;
  }
}
