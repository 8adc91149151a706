//! Where routes lead: Services and their ports, of Ingress and of the Gateway API; and the ports of pods that Services name.

use gitops_yaml::FieldPath;
use serde_json::Value;

use super::ObjectFinding;
use super::index::{Index, Named, Wanted};
use super::pods::templates;
use super::words::{below, item, list, path, shown, text, texts};
use crate::near::nearest;

/// Kinds of routes of the Gateway API.
const ROUTES: [&str; 5] = ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"];

pub(super) fn look(index: &Index<'_>, found: &mut Vec<ObjectFinding>) {
    for at in index.of_kind("networking.k8s.io", "Ingress") {
        let Some(object) = index.object(*at) else { continue };
        of_ingress(index, *at, object, found);
    }
    for kind in ROUTES {
        for at in index.of_kind("gateway.networking.k8s.io", kind) {
            let Some(object) = index.object(*at) else { continue };
            of_route(index, *at, object, found);
        }
    }
    for at in index.of_kind("", "Service") {
        let Some(object) = index.object(*at) else { continue };
        of_target_ports(index, *at, object, found);
    }
}

/// A Service that is named, and the port of it.
struct Backend<'a> {
    namespace: &'a str,
    name: &'a str,
    name_field: FieldPath,
    port: Option<&'a Value>,
    port_field: FieldPath,
}

fn of_ingress(index: &Index<'_>, at: usize, object: &Value, found: &mut Vec<ObjectFinding>) {
    let mut backends: Vec<(FieldPath, &Value)> = Vec::new();
    let default = object.pointer("/spec/defaultBackend/service");
    backends.extend(default.map(|service| (path(&["spec", "defaultBackend", "service"]), service)));
    for (rule_number, rule) in list(object, "/spec/rules") {
        for (number, entry) in list(rule, "/http/paths") {
            let field = item(&path(&["spec", "rules"]), rule_number);
            let field = item(&below(&field, &["http", "paths"]), number);
            let service = entry.pointer("/backend/service");
            backends.extend(service.map(|service| (below(&field, &["backend", "service"]), service)));
        }
    }
    for (field, service) in backends {
        let Some(name) = text(service, "/name") else { continue };
        let (port, end) = match service.pointer("/port/name") {
            Some(name) => (Some(name), "name"),
            None => (service.pointer("/port/number"), "number"),
        };
        let backend = Backend {
            namespace: index.namespace(at),
            name,
            name_field: below(&field, &["name"]),
            port,
            port_field: below(&field, &["port", end]),
        };
        found.extend(of_backend(index, at, &backend));
    }
}

fn of_route(index: &Index<'_>, at: usize, object: &Value, found: &mut Vec<ObjectFinding>) {
    for (rule_number, rule) in list(object, "/spec/rules") {
        for (number, backend) in list(rule, "/backendRefs") {
            let is_service = text(backend, "/kind").is_none_or(|kind| kind == "Service")
                && text(backend, "/group").is_none_or(str::is_empty);
            let Some(name) = text(backend, "/name").filter(|_| is_service) else {
                continue;
            };
            let field = item(&path(&["spec", "rules"]), rule_number);
            let field = item(&below(&field, &["backendRefs"]), number);
            let backend = Backend {
                namespace: text(backend, "/namespace").unwrap_or_else(|| index.namespace(at)),
                name,
                name_field: below(&field, &["name"]),
                port: backend.get("port"),
                port_field: below(&field, &["port"]),
            };
            found.extend(of_backend(index, at, &backend));
        }
    }
}

fn of_backend(index: &Index<'_>, at: usize, backend: &Backend<'_>) -> Option<ObjectFinding> {
    let namespace = backend.namespace;
    let named = index.look_up_beside_charts(Wanted {
        from: at,
        group: "",
        kind: "Service",
        namespace: Some(namespace),
        name: backend.name,
    });
    if let Named::There(Some(service)) = named {
        return of_port(index, at, service, backend);
    }
    let what = format!("Service \"{}\" not found in namespace {namespace}", backend.name);
    named.finding(index, at, backend.name_field.clone(), "backend-not-found", &what)
}

fn of_port(index: &Index<'_>, at: usize, service: usize, backend: &Backend<'_>) -> Option<ObjectFinding> {
    let object = index.object(service)?;
    // What leads out of the cluster takes any port.
    if text(object, "/spec/type") == Some("ExternalName") {
        return None;
    }
    let ports: Vec<&Value> = list(object, "/spec/ports").map(|(_, port)| port).collect();
    let field = if backend.port?.is_string() { "name" } else { "port" };
    let there: Vec<&Value> = ports.iter().filter_map(|port| port.get(field)).collect();
    let port = backend.port?;
    if there.contains(&port) || ports.is_empty() {
        return None;
    }
    let shown_port = |port: &Value| {
        port.as_str()
            .map_or_else(|| port.to_string(), |name| format!("\"{name}\""))
    };
    let near = port
        .as_str()
        .and_then(|port| nearest(port, there.iter().filter_map(|port| port.as_str())));
    let all: Vec<String> = there.iter().map(|port| shown_port(port)).collect();
    let hint = match (near, all.as_slice()) {
        (Some(near), _) => format!("; did you mean \"{near}\"?"),
        (None, []) => "; none of its ports has a name".to_owned(),
        (None, all) => format!("; it has {}", super::words::listed(all)),
    };
    let message = format!("port {} not found in {}{hint}", shown_port(port), shown(index, service));
    let mut finding = ObjectFinding::warning(at, backend.port_field.clone(), "backend-not-found", message).beside(
        service,
        path(&["spec", "ports"]),
        "its ports are here",
    );
    let only = there.first().filter(|_| there.len() == 1).map(|only| match only {
        Value::String(name) => name.clone(),
        number => number.to_string(),
    });
    finding.instead = near.map(str::to_owned).or(only);
    Some(finding)
}

/// A `targetPort` by name is the name of a port of the pods that the Service selects.
fn of_target_ports(index: &Index<'_>, at: usize, object: &Value, found: &mut Vec<ObjectFinding>) {
    let selector: Vec<(&str, &str)> = texts(object.pointer("/spec/selector")).collect();
    if selector.is_empty() {
        return;
    }
    let selected: Vec<(usize, &Value)> = templates(index)
        .into_iter()
        .filter(|(pods, ..)| index.namespace(*pods) == index.namespace(at))
        .filter(|(_, _, template)| {
            let labels: Vec<(&str, &str)> = texts(template.pointer("/metadata/labels")).collect();
            selector.iter().all(|pair| labels.contains(pair))
        })
        .map(|(pods, _, template)| (pods, template))
        .collect();
    let Some((first, _)) = selected.first() else { return };
    let mut names: Vec<&str> = Vec::new();
    for (_, template) in &selected {
        for containers in ["/spec/containers", "/spec/initContainers"] {
            for (_, container) in list(template, containers) {
                names.extend(list(container, "/ports").filter_map(|(_, port)| text(port, "/name")));
            }
        }
    }
    for (number, port) in list(object, "/spec/ports") {
        let Some(wanted) = text(port, "/targetPort").filter(|wanted| !names.contains(wanted)) else {
            continue;
        };
        // A sidecar that is put in later may have the port, unless the name is nearly that of one that is there.
        let near = nearest(wanted, names.iter().copied());
        let hint = match near {
            Some(near) => format!("; did you mean \"{near}\"?"),
            None if names.is_empty() => "; none of their ports has a name".to_owned(),
            None => {
                let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
                format!("; they have {}", super::words::listed(&names))
            }
        };
        let message = format!(
            "no container of {} has a port called \"{wanted}\"{hint}",
            shown(index, *first)
        );
        let field = below(&item(&path(&["spec", "ports"]), number), &["targetPort"]);
        let mut finding = ObjectFinding::warning(at, field, "backend-not-found", message).beside(
            *first,
            FieldPath::new(),
            "these pods are selected",
        );
        finding.instead = near.map(str::to_owned);
        found.push(finding);
    }
}
