import * as vscode from "vscode";
import { DOCUMENTS } from "./client";
import { createServer, type Server } from "./server";
import { createStatusView } from "./status";

let server: Server | undefined;

/** Called by VS Code when the first YAML file is opened or one of the commands is run. */
export function activate(context: vscode.ExtensionContext): void {
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
  // Not awaited: the window never waits for the server.
  void running.restart();
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
