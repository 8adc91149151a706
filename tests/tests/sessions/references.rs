//! A folder of plain manifests: a name that is nearly that of another object of the folder.

use gitops_tests::server::TestServer;
use gitops_tests::show::headline;
use serde_json::json;

#[test]
fn a_slip_is_said_across_files_and_goes_when_it_is_mended() {
    let server = TestServer::builder()
        .files(
            r#"
#- web.yaml
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - port: 80
#- route.yaml
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  rules:
    - http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: web
                port:
                  number: 80
          - path: /other
            pathType: Prefix
            backend:
              service:
                name: brought-by-others
                port:
                  number: 80
"#,
        )
        .build();
    server.start_session(json!({}));
    server.open("route.yaml");
    let text = server.text("route.yaml");
    let mark = server.client.mark();
    server.retype(
        "route.yaml",
        &text.replace("                name: web\n", "                name: wbe\n"),
    );
    server.save("route.yaml");
    let uri = server.uri("route.yaml");
    let shown = server
        .client
        .wait_for(mark, "textDocument/publishDiagnostics", |shown| {
            shown["uri"] == uri.as_str() && shown["diagnostics"].as_array().is_some_and(|list| !list.is_empty())
        });
    let said: Vec<String> = shown["diagnostics"]
        .as_array()
        .expect("a list")
        .iter()
        .map(headline)
        .collect();
    assert_eq!(
        said,
        ["warning model/backend-not-found: Service \"wbe\" not found in namespace default; did you mean \"web\"?"]
    );
    let mark = server.client.mark();
    server.retype("route.yaml", &text);
    server.save("route.yaml");
    server
        .client
        .wait_for(mark, "textDocument/publishDiagnostics", |shown| {
            shown["uri"] == uri.as_str() && shown["diagnostics"].as_array().is_some_and(Vec::is_empty)
        });
    server.assert_sound();
}
