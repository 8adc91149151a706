import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import * as vscode from "vscode";
import {
  CloseAction,
  type CloseHandlerResult,
  ErrorAction,
  type ErrorHandlerResult,
  LanguageClient,
  type LanguageClientOptions,
  RevealOutputChannelOn,
} from "vscode-languageclient/node";
import { commandMiddleware } from "./commands";
import { traceChannel } from "./trace";

/** The files that the server looks at. */
export const DOCUMENTS = [{ scheme: "file", language: "yaml" }];

/** Everything goes to the output; what a person must see is said once, by the one who knows what to do about it. */
class QuietLanguageClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/**
 * The language client for one run of the server at `command`, not started yet.
 *
 * `onLost` is called when the connection ends and nobody asked for it; the client does not start again by itself.
 */
export function createClient(command: string, output: vscode.LogOutputChannel, onLost: () => void): LanguageClient {
  const options: LanguageClientOptions = {
    documentSelector: DOCUMENTS,
    diagnosticCollectionName: "gitops",
    outputChannel: output,
    traceOutputChannel: traceChannel(output),
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: serverSettings,
    // A server that asks for its settings is told that they changed, and asks again.
    synchronize: { configurationSection: "gitops" },
    initializationFailedHandler: () => false,
    errorHandler: {
      error: (): ErrorHandlerResult => ({ action: ErrorAction.Continue, handled: true }),
      closed: (): CloseHandlerResult => {
        onLost();
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    },
    stdioOptions: { stdout: () => {}, stderr: copyLines },
    middleware: commandMiddleware(() => client, output),
  };
  const client = new QuietLanguageClient("gitops", "GitOps", { command, args: ["lsp"] }, options);
  return client;
}

/** The settings below `gitops` that are the server's; `server` and `trace` are about how it is run. */
function serverSettings(): Record<string, unknown> {
  const all = vscode.workspace.getConfiguration().get<Record<string, unknown>>("gitops", {});
  return Object.fromEntries(Object.entries(all).filter(([key]) => key !== "server" && key !== "trace"));
}

function copyLines(input: Readable, output: vscode.LogOutputChannel): void {
  createInterface({ input }).on("line", (line) => output.info(line));
}
