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
  type Middleware,
  RevealOutputChannelOn,
} from "vscode-languageclient/node";
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
    middleware,
  };
  return new QuietLanguageClient("gitops", "GitOps", { command, args: ["lsp"] }, options);
}

/** The settings below `gitops` that are the server's; `server` and `trace` are about how it is run. */
function serverSettings(): Record<string, unknown> {
  const all = vscode.workspace.getConfiguration().get<Record<string, unknown>>("gitops", {});
  return Object.fromEntries(Object.entries(all).filter(([key]) => key !== "server" && key !== "trace"));
}

const middleware: Middleware = {
  // The language client registers the server's commands under their own names, so a code lens, the palette and a menu
  // all come through here.
  executeCommand(command, args, next) {
    if (command === "gitops.session.start" && !vscode.workspace.isTrusted) {
      return offerTrust();
    }
    return next(command, commandArguments(command, args));
  },
};

/** A menu passes the file it was opened on, which is no argument of the server's; a code lens passes the server's own. */
function commandArguments(command: string, args: unknown[]): unknown[] {
  const own = args[0] instanceof vscode.Uri ? [] : args;
  if (command !== "gitops.session.start" || own.length > 0) {
    return own;
  }
  // Which of several folders is meant is known only here: the one whose file is being looked at.
  const document = vscode.window.activeTextEditor?.document.uri;
  const folder = document && vscode.workspace.getWorkspaceFolder(document);
  return folder ? [{ root: folder.uri.toString() }] : [];
}

function copyLines(input: Readable, output: vscode.LogOutputChannel): void {
  createInterface({ input }).on("line", (line) => output.info(line));
}

async function offerTrust(): Promise<void> {
  const manage = "Manage Trust";
  const message = "A session applies this workspace to a sandbox, so the workspace must be trusted first.";
  if ((await vscode.window.showWarningMessage(message, manage)) === manage) {
    await vscode.commands.executeCommand("workbench.trust.manage");
  }
}
