import * as vscode from "vscode";
import { DOCUMENTS } from "./client";
import { createServer, type Server } from "./server";
import { createStatusView } from "./status";

/** How long activation waits for the server to answer, in milliseconds; it takes a few hundredths of a second. */
const ACTIVATION_DEADLINE = 5_000;

let server: Server | undefined;

/** Called by VS Code when the first YAML file is opened or one of the commands is run. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel("GitOps", { log: true });
  const status = createStatusView(DOCUMENTS);
  const running = createServer(context.extensionPath, output, status);
  server = running;
  context.subscriptions.push(
    output,
    status,
    vscode.commands.registerCommand("gitops.server.restart", () => running.restart()),
    vscode.commands.registerCommand("gitops.server.output", () => output.show()),
    vscode.commands.registerCommand("gitops.server.version", () => showVersion(context, running)),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("gitops.server.path")) {
        void running.restart();
      }
    }),
  );
  // The command that activates waits for this, and "Start Session" is there only once the server has answered.
  // The window waits for nothing, and a server that never answers holds nobody up for long.
  const deadline = new Promise<void>((resolve) => setTimeout(resolve, ACTIVATION_DEADLINE));
  await Promise.race([running.restart(), deadline]);
}

/** Called by VS Code when the window closes; it waits a few seconds for the promise. */
export function deactivate(): Promise<void> | undefined {
  return server?.stop();
}

async function showVersion(context: vscode.ExtensionContext, running: Server): Promise<void> {
  const extension = `extension ${(context.extension.packageJSON as { version: string }).version}`;
  const text = `${running.version() ?? "no server is running"}, ${extension}, VS Code ${vscode.version}`;
  const copy = "Copy";
  if ((await vscode.window.showInformationMessage(text, copy)) === copy) {
    await vscode.env.clipboard.writeText(text);
  }
}
