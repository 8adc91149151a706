//! Reading the fields of an object: what is not there, or not of the type that it must have, is as good as left out.
//! That it is wrong is for the schema to say.

use std::rc::Rc;

use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::reference::{Reference, Role, SOURCE_GROUP};
use crate::object::{Gvk, ObjectKey};

/// A value of an object, and where it stands.
#[derive(Clone)]
pub(super) struct Field<'a> {
    pub(super) value: Option<&'a Value>,
    way: Way<'a>,
    /// Namespace of the object.
    namespace: Option<&'a str>,
}

/// The way to a field. Most fields are only looked at, so that a path is made of it for those that something is said of.
#[derive(Clone, Default)]
struct Way<'a>(Option<Rc<(Way<'a>, Part<'a>)>>);

/// One step of it.
#[derive(Clone, Copy)]
enum Part<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Way<'a> {
    fn to(&self, part: Part<'a>) -> Self {
        Self(Some(Rc::new((self.clone(), part))))
    }

    fn path(&self) -> FieldPath {
        let mut steps = Vec::new();
        let mut at = self;
        while let Some(step) = &at.0 {
            let (before, part) = &**step;
            steps.push(match part {
                Part::Key(key) => Step::Key((*key).into()),
                Part::Index(index) => Step::Index(*index),
            });
            at = before;
        }
        steps.reverse();
        FieldPath::from(steps)
    }
}

impl<'a> Field<'a> {
    pub(super) fn of(object: &'a Value) -> Self {
        Self {
            value: Some(object),
            way: Way::default(),
            namespace: object
                .get("metadata")
                .and_then(|metadata| metadata.get("namespace")?.as_str()),
        }
    }

    pub(super) fn get(&self, key: &'a str) -> Self {
        let value = self.value.and_then(|value| value.get(key));
        Self {
            value,
            // Nobody asks for the way to what is not there.
            way: value.map(|_| self.way.to(Part::Key(key))).unwrap_or_default(),
            namespace: self.namespace,
        }
    }

    pub(super) fn items(&self) -> impl Iterator<Item = Self> {
        let items = self.value.and_then(Value::as_array);
        items.into_iter().flatten().enumerate().map(|(index, value)| Self {
            value: Some(value),
            way: self.way.to(Part::Index(index)),
            namespace: self.namespace,
        })
    }

    /// Where it stands.
    fn path(&self) -> FieldPath {
        self.way.path()
    }

    pub(super) fn is_there(&self) -> bool {
        self.value.is_some_and(|value| !value.is_null())
    }

    /// A text that is not empty.
    pub(super) fn text(&self) -> Option<&'a str> {
        self.value.and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn owned(&self) -> Option<String> {
        self.text().map(str::to_owned)
    }

    pub(super) fn is_true(&self) -> bool {
        self.value == Some(&Value::Bool(true))
    }

    pub(super) fn texts(&self) -> Vec<String> {
        self.items().filter_map(|item| item.owned()).collect()
    }

    /// The object that a reference here names, in the namespace of the object itself.
    pub(super) fn local(&self, role: Role, group: &str, kind: &str) -> Option<Reference> {
        let name = self.get("name");
        Some(Reference {
            role,
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: self.namespace.map(str::to_owned),
            name: name.owned()?,
            key: None,
            is_optional: self.get("optional").is_true(),
            field: name.path(),
        })
    }

    /// The same, where a namespace may be written.
    pub(super) fn of_kind(&self, role: Role, group: &str, kind: &str) -> Option<Reference> {
        let reference = self.local(role, group, kind)?;
        Some(match self.get("namespace").owned() {
            Some(namespace) => Reference {
                namespace: Some(namespace),
                ..reference
            },
            None => reference,
        })
    }

    /// The same, where the kind is written, too, and perhaps the version; without one the group is `group`.
    pub(super) fn of_any_kind(&self, role: Role, group: &str) -> Option<Reference> {
        let kind = self.get("kind").text()?;
        let written = self
            .get("apiVersion")
            .text()
            .map(|version| Gvk::parse(version, kind).group);
        self.of_kind(role, written.as_deref().unwrap_or(group), kind)
    }

    /// A source of Flux's.
    pub(super) fn source(&self, role: Role) -> Option<Reference> {
        self.of_any_kind(role, SOURCE_GROUP)
    }

    /// A `ConfigMap` or Secret, whichever is written.
    pub(super) fn data(&self, role: Role) -> Option<Reference> {
        self.local(role, "", self.get("kind").text()?)
    }

    pub(super) fn secret(&self) -> Option<Reference> {
        self.local(Role::Secret, "", "Secret")
    }

    /// A service account whose name is the value itself.
    pub(super) fn service_account(&self) -> Option<Reference> {
        Some(Reference {
            role: Role::ServiceAccount,
            group: String::new(),
            kind: "ServiceAccount".to_owned(),
            namespace: self.namespace.map(str::to_owned),
            name: self.owned()?,
            key: None,
            is_optional: false,
            field: self.path(),
        })
    }

    /// The other cluster that an object is for.
    pub(super) fn cluster(&self) -> Option<Reference> {
        let secret = self.get("secretRef");
        match secret.local(Role::Cluster, "", "Secret") {
            Some(reference) => Some(Reference {
                key: secret.get("key").owned(),
                ..reference
            }),
            None => self.get("configMapRef").local(Role::Cluster, "", "ConfigMap"),
        }
    }
}

/// The identity of an object, if it has a kind and a name.
pub(super) fn key_of(object: &Value) -> Option<ObjectKey> {
    let top = Field::of(object);
    Some(ObjectKey {
        gvk: Gvk::parse(top.get("apiVersion").text()?, top.get("kind").text()?),
        namespace: top.namespace.map(str::to_owned),
        name: top.get("metadata").get("name").owned()?,
    })
}
