import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import {
  ExecuteCommandRequest,
  type LanguageClient,
  LSPErrorCodes,
  type Middleware,
  ResponseError,
  WorkDoneProgress,
} from "vscode-languageclient/node";

/**
 * How the commands of the server are run.
 *
 * The language client registers them under their own names, so a code lens, the palette and a menu all come through
 * here. `client` is asked for when a command is run.
 */
export function commandMiddleware(client: () => LanguageClient, output: vscode.LogOutputChannel): Middleware {
  return {
    async executeCommand(command, args, next) {
      if (command === "gitops.session.start" && !vscode.workspace.isTrusted) {
        return offerTrust();
      }
      const own = await commandArguments(command, args);
      if (own === undefined) {
        return undefined;
      }
      try {
        return await (command === "gitops.session.start" ? startSession(client(), own) : next(command, own));
      } catch (error) {
        // Thrown on, it would be a modal dialog for the palette and one cut line for a code lens.
        void reportFailure(command, error, output);
        return undefined;
      }
    },
  };
}

/**
 * Starts a session, with a notification that shows how far it is and can cancel it.
 *
 * The language client would show the same progress in the status bar, where nothing can be cancelled.
 */
async function startSession(client: LanguageClient, args: unknown[]): Promise<unknown> {
  const options = { location: vscode.ProgressLocation.Notification, title: "GitOps", cancellable: true };
  return vscode.window.withProgress(options, async (progress, cancel) => {
    const workDoneToken = randomUUID();
    let reached = 0;
    const listening = client.onProgress(WorkDoneProgress.type, workDoneToken, (news) => {
      const percentage = news.kind === "end" ? reached : (news.percentage ?? reached);
      const message = news.message ?? (news.kind === "begin" ? news.title : undefined);
      progress.report({ ...(message !== undefined && { message }), increment: Math.max(0, percentage - reached) });
      reached = Math.max(reached, percentage);
    });
    try {
      const request = { command: "gitops.session.start", arguments: args, workDoneToken };
      return await client.sendRequest(ExecuteCommandRequest.type, request, cancel);
    } finally {
      listening.dispose();
    }
  });
}

/** The commands about the object under the cursor; the server shows what they bring. */
const OBJECT_COMMANDS = new Set([
  "gitops.reconcile",
  "gitops.suspend",
  "gitops.resume",
  "gitops.showRendered",
  "gitops.diffLive",
  "gitops.events",
]);

/**
 * The arguments of the server's; `undefined` when the person thought better of it.
 *
 * A menu passes the file it was opened on, which is no argument of the server's; a code lens passes the server's own.
 */
async function commandArguments(command: string, args: unknown[]): Promise<unknown[] | undefined> {
  const own = args[0] instanceof vscode.Uri ? [] : args;
  if (OBJECT_COMMANDS.has(command)) {
    const argument = own[0] ?? underCursor();
    return command === "gitops.suspend" ? withReason(argument) : [argument];
  }
  if (command === "gitops.preview") {
    const { uri } = underCursor();
    return [own[0] ?? { uri, show: true }];
  }
  if (command !== "gitops.session.start" || own.length > 0) {
    return own;
  }
  // Which of several folders is meant is known only here: the one whose file is being looked at.
  const document = vscode.window.activeTextEditor?.document.uri;
  const folder = document && vscode.workspace.getWorkspaceFolder(document);
  return folder ? [{ root: folder.uri.toString() }] : [];
}

/** The place that is being looked at; without one the server says what it wants. */
function underCursor(): Record<string, unknown> {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    return {};
  }
  const { line, character } = editor.selection.active;
  return { uri: editor.document.uri.toString(), position: { line, character }, show: true };
}

/** A suspension has a reason, which may be empty; whoever leaves the question suspends nothing. */
async function withReason(argument: unknown): Promise<unknown[] | undefined> {
  if (typeof argument === "object" && argument !== null && "reason" in argument) {
    return [argument];
  }
  const reason = await vscode.window.showInputBox({
    title: "Suspend",
    prompt: "Why? It is shown in the lens of the object.",
    placeHolder: "no reason",
  });
  return reason === undefined ? undefined : [{ ...(argument as object), reason }];
}

/** What a person cancelled is no failure; of all else they are told in the server's words. */
async function reportFailure(command: string, error: unknown, output: vscode.LogOutputChannel): Promise<void> {
  const cancelled = error instanceof ResponseError && error.code === LSPErrorCodes.RequestCancelled;
  if (cancelled || error instanceof vscode.CancellationError) {
    return;
  }
  const message = error instanceof Error ? error.message : String(error);
  output.error(`${command}: ${message}`);
  const show = "Show Output";
  if ((await vscode.window.showErrorMessage(`GitOps: ${message}`, show)) === show) {
    output.show(true);
  }
}

async function offerTrust(): Promise<void> {
  const manage = "Manage Trust";
  const message = "A session applies this workspace to a sandbox, so the workspace must be trusted first.";
  if ((await vscode.window.showWarningMessage(message, manage)) === manage) {
    await vscode.commands.executeCommand("workbench.trust.manage");
  }
}
