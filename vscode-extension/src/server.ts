import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { createClient } from "./client";
import { findServer } from "./server_path";
import type { Status, StatusView } from "./status";

/** Waits before a server that ended is started again, in milliseconds; after the last one it stays down. */
const RESTART_DELAYS = [500, 1_000, 2_000, 4_000, 8_000, 16_000];

/** A server that lived this long, in milliseconds, did not end because of how it was started. */
const HEALTHY_LIFE = 60_000;

/** How long a server may take to end its session when it is asked to stop, in milliseconds. */
const STOP_DEADLINE = 5_000;

/** The one server of this window: started, kept running, started again. */
export interface Server {
  /** Starts it, or ends the one that runs and starts a new one. */
  restart(): Promise<void>;
  /** Ends it for good. */
  stop(): Promise<void>;
  /** What it calls itself while it runs: `gitops-lsp 0.1.0`. */
  version(): string | undefined;
}

/** Prepares the server; `restart` brings it up. */
export function createServer(
  extensionDirectory: string,
  output: vscode.LogOutputChannel,
  status: StatusView,
): Server {
  let current: LanguageClient | undefined;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  // Counts what was asked for from outside: a start that was overtaken by a newer wish must not go on.
  let turn = 0;

  async function start(): Promise<void> {
    const ofTurn = turn;
    status.starting();
    const setting = vscode.workspace.getConfiguration("gitops").get("server.path", "");
    const server = await findServer({
      setting,
      extensionDirectory,
      searchPath: process.env["PATH"] ?? "",
      platform: process.platform,
    });
    if (ofTurn !== turn) {
      return;
    }
    if ("missing" in server) {
      output.error(`No gitops-lsp program at any of: ${server.missing.join(", ")}`);
      status.stopped("gitops-lsp was not found");
      void reportMissing(setting.trim());
      return;
    }
    output.info(`Starting ${server.found}`);
    await run(server.found);
  }

  async function run(command: string): Promise<void> {
    const started = Date.now();
    const client = createClient(command, output, () => lost(client, started));
    let spoken = false;
    client.onNotification("gitops/status", (news: Status) => {
      if (client === current) {
        spoken = true;
        status.show(news);
      }
    });
    current = client;
    try {
      await client.start();
    } catch (error) {
      output.error(`The server did not start: ${String(error)}`);
      lost(client, started);
      return;
    }
    if (client !== current) {
      await end(client);
    } else if (!spoken) {
      status.show({ level: "offline", mode: "gitops", busy: false });
    }
  }

  /** `client` has no server any more and nobody asked for that. May be called more than once for one loss. */
  function lost(client: LanguageClient, started: number): void {
    if (client !== current) {
      return;
    }
    current = undefined;
    failures = Date.now() - started > HEALTHY_LIFE ? 0 : failures;
    const delay = RESTART_DELAYS[failures];
    failures += 1;
    if (delay === undefined) {
      status.stopped("it ended again and again");
      void reportGivenUp(output);
      return;
    }
    output.warn(`The server ended; starting it again in ${delay / 1000} s`);
    status.stopped("it ended and is started again shortly");
    timer = setTimeout(() => void start(), delay);
  }

  async function end(client: LanguageClient): Promise<void> {
    await client.dispose(STOP_DEADLINE).catch((error: unknown) => output.warn(String(error)));
  }

  async function stop(): Promise<void> {
    turn += 1;
    clearTimeout(timer);
    const client = current;
    current = undefined;
    if (client !== undefined) {
      await end(client);
    }
  }

  return {
    stop,
    async restart() {
      const stopped = stop();
      const ofTurn = turn;
      await stopped;
      if (ofTurn === turn) {
        failures = 0;
        await start();
      }
    },
    version() {
      const info = current?.initializeResult?.serverInfo;
      return info && [info.name, info.version].filter(Boolean).join(" ");
    },
  };
}

/** `setting` is `gitops.server.path`; empty when it is not set. */
async function reportMissing(setting: string): Promise<void> {
  const open = "Open Setting";
  const message =
    setting === ""
      ? "GitOps: the program gitops-lsp was not found. Install the extension for this platform, put gitops-lsp on the PATH, or set gitops.server.path."
      : `GitOps: there is no program at ${setting}, where gitops.server.path says that the server is.`;
  if ((await vscode.window.showErrorMessage(message, open)) === open) {
    await vscode.commands.executeCommand("workbench.action.openSettings", "gitops.server.path");
  }
}

async function reportGivenUp(output: vscode.LogOutputChannel): Promise<void> {
  const restart = "Restart Server";
  const show = "Show Output";
  const message = "GitOps: the server ended again and again and is not started any more. Its last words are in the output.";
  const choice = await vscode.window.showErrorMessage(message, restart, show);
  if (choice === restart) {
    await vscode.commands.executeCommand("gitops.server.restart");
  } else if (choice === show) {
    output.show(true);
  }
}
