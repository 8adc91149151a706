import * as vscode from "vscode";

/**
 * The output channel as the language client sees it for its trace.
 *
 * The client writes a trace only when the channel's own log level is Trace, which a person would have to set apart
 * from `gitops.trace.server`. Here the setting alone decides, and what is traced is written where it is seen.
 */
export function traceChannel(output: vscode.LogOutputChannel): vscode.LogOutputChannel {
  const levelChanged: vscode.Event<vscode.LogLevel> = (listener, self, disposables) =>
    vscode.workspace.onDidChangeConfiguration(
      (change) => {
        if (change.affectsConfiguration("gitops.trace.server")) {
          listener.call(self, traceLevel());
        }
      },
      undefined,
      disposables,
    );
  return Object.create(output, {
    logLevel: { get: traceLevel },
    onDidChangeLogLevel: { value: levelChanged },
    trace: { value: (message: string) => output.info(message) },
  }) as vscode.LogOutputChannel;
}

function traceLevel(): vscode.LogLevel {
  const setting = vscode.workspace.getConfiguration("gitops").get("trace.server", "off");
  return setting === "off" ? vscode.LogLevel.Info : vscode.LogLevel.Trace;
}
