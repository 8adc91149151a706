import * as vscode from "vscode";

/** What the server says with the notification `gitops/status`; docs/protocol.md describes it. */
export interface Status {
  readonly level: "offline" | "connected" | "session";
  readonly mode: "gitops" | "run" | "snowflake";
  readonly sandbox?: string;
  readonly context?: string;
  readonly session?: string;
  readonly busy: boolean;
  readonly message?: string;
}

/** How modes are written for people. */
const MODES: Record<Status["mode"], string> = { gitops: "GitOps", run: "Run", snowflake: "Snowflake" };

/** The status item of YAML files, and the context keys that menus and key bindings ask for. */
export interface StatusView extends vscode.Disposable {
  /** The server has said how things are. */
  show(status: Status): void;
  /** The server is being started. */
  starting(): void;
  /** There is no server; `reason` is what a person should know. */
  stopped(reason: string): void;
}

/** Makes the status item, which says at first that the server is starting. */
export function createStatusView(selector: vscode.DocumentSelector): StatusView {
  const item = vscode.languages.createLanguageStatusItem("gitops.status", selector);
  item.name = "GitOps";
  let latest: Status | undefined;
  const trusted = vscode.workspace.onDidGrantWorkspaceTrust(() => {
    if (latest !== undefined) {
      item.command = statusCommand(latest);
    }
  });
  const view: StatusView = {
    show(status) {
      latest = status;
      item.text = statusText(status);
      item.detail = status.message ?? "";
      item.severity = vscode.LanguageStatusSeverity.Information;
      item.busy = status.busy;
      item.command = statusCommand(status);
      setContext(status);
    },
    starting() {
      latest = undefined;
      item.text = "GitOps: starting";
      item.detail = "";
      item.severity = vscode.LanguageStatusSeverity.Information;
      item.busy = true;
      item.command = undefined;
      setContext(undefined);
    },
    stopped(reason) {
      latest = undefined;
      item.text = "GitOps: no server";
      item.detail = reason;
      item.severity = vscode.LanguageStatusSeverity.Error;
      item.busy = false;
      item.command = { command: "gitops.server.restart", title: "Restart Server" };
      setContext(undefined);
    },
    dispose() {
      setContext(undefined);
      trusted.dispose();
      item.dispose();
    },
  };
  view.starting();
  return view;
}

/** `session · Run · local · kind-dev`: level, mode, sandbox and context, as far as they are known. */
export function statusText(status: Status): string {
  return [status.level, MODES[status.mode], status.sandbox, status.context]
    .filter((part) => part !== undefined && part !== "")
    .join(" · ");
}

function statusCommand(status: Status): vscode.Command | undefined {
  if (status.level === "session") {
    return { command: "gitops.session.stop", title: "Stop Session" };
  }
  if (!vscode.workspace.isTrusted) {
    return { command: "workbench.trust.manage", title: "Manage Trust" };
  }
  return { command: "gitops.session.start", title: "Start Session" };
}

/** `gitops.level` is `none` without a server; it is not set before the extension was ever active. */
function setContext(status: Status | undefined): void {
  void vscode.commands.executeCommand("setContext", "gitops.level", status?.level ?? "none");
  void vscode.commands.executeCommand("setContext", "gitops.sessionActive", status?.level === "session");
}
