//! What is known about the kinds and policies of one cluster, learned when something is refused.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use futures::future::BoxFuture;
use gitops_cluster::answer::{Knowledge, Policy, Rule, ScalarType, Validation};
use gitops_cluster::{Cluster, Learn};
use gitops_model::{Gvk, ObjectKey};
use gitops_schema::{FieldKind, OpenApi, Schemas};
use gitops_yaml::FieldPath;
use serde_json::Value;

/// Schemas and policies of one cluster. Shared between the loop and its tasks.
#[derive(Default)]
pub(crate) struct SchemaKnowledge {
    schemas: RwLock<Schemas>,
    policies: RwLock<BTreeMap<String, Policy>>,
    served: RwLock<Vec<Gvk>>,
}

impl Learn for SchemaKnowledge {
    fn learn<'a>(&'a self, cluster: &'a Cluster, gvk: &'a Gvk, message: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            *write(&self.served) = cluster.kinds().all().cloned().collect();
            let group_version = gvk.api_version();
            let known = read(&self.schemas).knows(gvk);
            // What cannot be fetched or read is not known: the verdict then says less, but it is said.
            if !known {
                // The server publishes the schema of a custom kind some time after it has begun to judge by it.
                if let Some(definition) = fetch_definition(cluster, gvk).await {
                    write(&self.schemas).define(&definition);
                } else if !read(&self.schemas).has(&group_version)
                    && let Ok(Some(document)) = cluster.open_api(gvk).await
                    && let Ok(schema) = OpenApi::parse(&document)
                {
                    write(&self.schemas).insert(&group_version, schema);
                }
            }
            // A policy may have been changed by the save before, so it is asked for anew; a refusal by one is rare.
            if let Some(name) = policy_name(message)
                && let Some(policy) = fetch_policy(cluster, name).await
            {
                write(&self.policies).insert(name.to_owned(), policy);
            }
        })
    }

    fn kinds_changed(&self) {
        *write(&self.schemas) = Schemas::default();
    }
}

/// The `CustomResourceDefinition` that brings a kind; `None` for the server's own.
async fn fetch_definition(cluster: &Cluster, gvk: &Gvk) -> Option<Value> {
    let kinds = cluster.kinds();
    // The groups of CRDs are domains; so are most of the server's own, which have no definition to be found.
    let plural = &kinds.get(gvk).filter(|_| gvk.group.contains('.'))?.plural;
    let key = ObjectKey {
        gvk: Gvk::parse("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        namespace: None,
        name: format!("{plural}.{}", gvk.group),
    };
    cluster.get(&key, kinds.get(&key.gvk)?).await.ok()?
}

/// `ValidatingAdmissionPolicy 'replicas' with binding 'replicas' denied request: …`
fn policy_name(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("ValidatingAdmissionPolicy '")?;
    rest.split_once('\'').map(|(name, _)| name)
}

async fn fetch_policy(cluster: &Cluster, name: &str) -> Option<Policy> {
    let key = ObjectKey {
        gvk: Gvk::parse("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
        namespace: None,
        name: name.to_owned(),
    };
    let kinds = cluster.kinds();
    let policy = cluster.get(&key, kinds.get(&key.gvk)?).await.ok()??;
    let list = |pointer: &str| {
        policy
            .pointer(pointer)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Policy {
        validations: list("/spec/validations")
            .iter()
            .map(|validation| Validation {
                expression: text(validation, "expression").unwrap_or_default(),
                message: text(validation, "message"),
                message_expression: text(validation, "messageExpression"),
            })
            .collect(),
        variables: list("/spec/variables")
            .iter()
            .filter_map(|variable| Some((text(variable, "name")?, text(variable, "expression")?)))
            .collect(),
        match_conditions: list("/spec/matchConditions")
            .iter()
            .filter_map(|condition| text(condition, "expression"))
            .collect(),
    })
}

impl Knowledge for SchemaKnowledge {
    fn fields(&self, gvk: &Gvk, path: &FieldPath) -> Vec<String> {
        read(&self.schemas).fields(gvk, path)
    }

    fn is_quantity(&self, gvk: &Gvk, path: &FieldPath) -> bool {
        read(&self.schemas)
            .field_type(gvk, path)
            .is_some_and(|field| field.kind == FieldKind::Quantity)
    }

    fn scalar_type(&self, gvk: &Gvk, path: &FieldPath) -> Option<ScalarType> {
        let field = read(&self.schemas).field_type(gvk, path)?;
        match field.kind {
            FieldKind::String if field.format.as_deref() == Some("byte") => Some(ScalarType::Bytes),
            FieldKind::String if field.format.as_deref() == Some("date-time") => Some(ScalarType::Time),
            FieldKind::String => Some(ScalarType::String),
            FieldKind::Integer => Some(ScalarType::Integer),
            FieldKind::Number => Some(ScalarType::Number),
            FieldKind::Boolean => Some(ScalarType::Boolean),
            FieldKind::Quantity => Some(ScalarType::Quantity),
            FieldKind::IntOrString => Some(ScalarType::IntOrString),
            FieldKind::Object | FieldKind::Array | FieldKind::Any => None,
        }
    }

    fn list_keys(&self, gvk: &Gvk, path: &FieldPath) -> Vec<String> {
        read(&self.schemas)
            .field_type(gvk, path)
            .map(|field| field.list_keys)
            .unwrap_or_default()
    }

    fn rules(&self, gvk: &Gvk, path: &FieldPath) -> Vec<Rule> {
        read(&self.schemas)
            .rules(gvk, path)
            .into_iter()
            .map(|rule| Rule {
                rule: rule.rule,
                message: rule.message,
                message_expression: rule.message_expression,
            })
            .collect()
    }

    fn policy(&self, name: &str) -> Option<Policy> {
        read(&self.policies).get(name).cloned()
    }

    fn served(&self) -> Vec<Gvk> {
        read(&self.served).clone()
    }
}

/// Plain data that is replaced as a whole: a panic in between leaves the old or the new, never half of it.
fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
