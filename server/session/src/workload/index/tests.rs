//! The index on changes as a cluster brings them.

use std::time::{Duration, Instant};

use gitops_cluster::answer::{Referent, Trouble};
use gitops_model::{Gvk, ObjectKey};
use serde_json::{Value, json};

use super::super::WorkloadNews;
use super::super::registries::Said;
use super::super::watch::{Change, Kind};
use super::Index;

/// An index that takes one change after the other.
struct Cluster(Index);

impl Cluster {
    fn new() -> Self {
        let mut cluster = Self(Index::new(true));
        for kind in Kind::ALL {
            cluster.0.take(Change::Begin(kind));
            cluster.0.take(Change::Listed(kind));
        }
        cluster
    }

    fn there(&mut self, kind: Kind, object: &Value) -> Vec<WorkloadNews> {
        self.0.take(Change::There(kind, Box::new(object.clone())));
        self.0.news()
    }

    fn gone(&mut self, kind: Kind, object: &Value) -> Vec<WorkloadNews> {
        self.0.take(Change::Gone(kind, Box::new(object.clone())));
        self.0.news()
    }
}

fn deployment(generation: i64, observed: i64, revision: &str) -> Value {
    json!({
        "metadata": { "uid": "d", "name": "web", "namespace": "shop", "generation": generation,
            "annotations": { "deployment.kubernetes.io/revision": revision } },
        "spec": { "replicas": 1, "template": { "spec": { "containers": [{ "name": "web", "image": "web:1" }] } } },
        "status": { "observedGeneration": observed },
    })
}

fn owned_by(uid: &str) -> Value {
    json!([{ "uid": uid, "controller": true }])
}

fn replica_set(uid: &str, revision: &str, failure: Option<&str>) -> Value {
    let failure = failure
        .map(|text| json!({ "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": text }));
    let conditions: Vec<Value> = failure.into_iter().collect();
    json!({
        "metadata": { "uid": uid, "name": format!("web-{uid}"), "namespace": "shop", "generation": 1, "ownerReferences": owned_by("d"),
            "annotations": { "deployment.kubernetes.io/revision": revision } },
        "spec": { "replicas": 1 },
        "status": { "observedGeneration": 1, "conditions": conditions },
    })
}

fn pod(uid: &str, owner: &str, status: &Value) -> Value {
    json!({
        "metadata": { "uid": uid, "name": uid, "namespace": "shop", "ownerReferences": owned_by(owner) },
        "spec": {},
        "status": status,
    })
}

fn waiting(reason: &str) -> Value {
    json!({ "phase": "Pending", "containerStatuses": [{ "name": "web", "ready": false, "state": { "waiting": { "reason": reason, "message": "m" } } }] })
}

fn troubles(news: &[WorkloadNews]) -> Vec<String> {
    news.iter()
        .flat_map(|news| &news.troubles)
        .map(ToString::to_string)
        .collect()
}

fn event(uid: &str, about: &str, reason: &str, message: &str, version: &str) -> Value {
    json!({
        "metadata": { "uid": uid, "resourceVersion": version },
        "involvedObject": { "uid": about }, "reason": reason, "message": message,
    })
}

#[test]
fn only_the_newest_revision_of_a_deployment_counts() {
    let mut cluster = Cluster::new();
    cluster.there(Kind::Deployment, &deployment(1, 1, "1"));
    let news = cluster.there(
        Kind::ReplicaSet,
        &replica_set("a", "1", Some("pods \"web-a-x1\" is forbidden: exceeded quota: q")),
    );
    assert_eq!(troubles(&news), ["pods \"…\" is forbidden: exceeded quota: q"]);
    // The name of the pod changes with every attempt, and that is no news.
    let again = replica_set("a", "1", Some("pods \"web-a-x2\" is forbidden: exceeded quota: q"));
    assert!(cluster.there(Kind::ReplicaSet, &again).is_empty());
    // Applied anew: what was said is about what it was.
    let news = cluster.there(Kind::Deployment, &deployment(2, 1, "1"));
    assert_eq!(news.len(), 1);
    assert!(news[0].troubles.is_empty());
    cluster.there(Kind::ReplicaSet, &replica_set("b", "2", None));
    let news = cluster.there(Kind::Deployment, &deployment(2, 2, "2"));
    assert!(troubles(&news).is_empty());
    assert!(
        cluster
            .there(Kind::Pod, &pod("old", "a", &waiting("ImagePullBackOff")))
            .is_empty()
    );
    let news = cluster.there(Kind::Pod, &pod("new", "b", &waiting("ImagePullBackOff")));
    assert_eq!(troubles(&news), ["ImagePullBackOff: m"]);
    assert_eq!(news[0].key.name, "web");
    assert_eq!(news[0].key.gvk, Gvk::parse("apps/v1", "Deployment"));
    let news = cluster.gone(Kind::Pod, &pod("new", "b", &json!({})));
    assert!(news[0].troubles.is_empty());
    let news = cluster.gone(Kind::Deployment, &deployment(2, 2, "2"));
    assert!(news[0].is_gone);
}

#[test]
fn what_an_event_says_is_asked_about_and_holds_for_one_generation() {
    let set = |generation: i64| {
        json!({
            "metadata": { "uid": "s", "name": "db", "namespace": "shop", "generation": generation },
            "spec": { "replicas": 1 },
            "status": { "observedGeneration": generation, "replicas": 0, "updateRevision": "db-1" },
        })
    };
    let mut cluster = Cluster::new();
    cluster.there(Kind::StatefulSet, &set(1));
    assert!(cluster.0.doubtful().is_empty());
    let said = "create Pod db-0 in StatefulSet db failed error: pods \"db-0\" is forbidden: no";
    let first = event("e", "s", "FailedCreate", said, "5");
    assert!(
        cluster.there(Kind::Event, &first).is_empty(),
        "it may be about what it was before"
    );
    assert_eq!(cluster.0.doubtful().len(), 1);
    assert!(cluster.0.doubtful().is_empty(), "it is asked once");
    cluster.0.refused(&"s".to_owned(), 1, Some("no".to_owned()));
    assert_eq!(troubles(&cluster.0.news()), ["no"]);
    // Listed again after a watch was cut off, an event is no newer than it was.
    cluster.there(Kind::Event, &first);
    assert!(cluster.0.doubtful().is_empty());
    assert!(troubles(&cluster.there(Kind::StatefulSet, &set(2))).is_empty());
    assert_eq!(cluster.0.doubtful().len(), 1);
    cluster.0.refused(&"s".to_owned(), 2, None);
    assert!(troubles(&cluster.0.news()).is_empty());
    cluster.there(Kind::Event, &event("e", "s", "FailedCreate", said, "6"));
    assert_eq!(cluster.0.doubtful().len(), 1);
    cluster.0.refused(&"s".to_owned(), 2, Some("no".to_owned()));
    assert_eq!(troubles(&cluster.0.news()), ["no"]);
    // It has its pod.
    let mut whole = set(2);
    whole["status"]["replicas"] = json!(1);
    assert!(troubles(&cluster.there(Kind::StatefulSet, &whole)).is_empty());
}

#[test]
fn what_a_kubelet_would_miss_is_foreseen_until_it_comes() {
    let mut with_key = deployment(1, 1, "1");
    with_key["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{ "name": "A", "valueFrom": { "secretKeyRef": { "name": "keys", "key": "api" } } }]);
    let mut cluster = Cluster::new();
    let missing = |key: Option<&str>, near: Option<&str>| Trouble::Missing {
        kind: Referent::Secret,
        name: "keys".to_owned(),
        key: key.map(str::to_owned),
        near: near.map(str::to_owned),
    };
    let news = cluster.there(Kind::Deployment, &with_key);
    assert_eq!(news[0].troubles, [missing(None, None)]);
    let secret = |key: &str| {
        let fields = json!({ "f:data": { ".": {}, format!("f:{key}"): {} } });
        json!({ "metadata": { "uid": "k", "name": "keys", "namespace": "shop", "managedFields": [{ "manager": "a", "fieldsV1": fields }] } })
    };
    let news = cluster.there(Kind::Secret, &secret("apj"));
    assert_eq!(news[0].troubles, [missing(Some("api"), Some("apj"))]);
    let news = cluster.there(Kind::Secret, &secret("api"));
    assert!(news[0].troubles.is_empty());
    let news = cluster.gone(Kind::Secret, &secret("api"));
    assert_eq!(news[0].troubles, [missing(None, None)]);
}

#[test]
fn an_object_is_settled_when_it_runs_or_when_it_is_known_why_not() {
    let key = ObjectKey {
        gvk: Gvk::parse("apps/v1", "Deployment"),
        namespace: Some("shop".to_owned()),
        name: "web".to_owned(),
    };
    let mut cluster = Cluster::new();
    assert!(!cluster.0.is_settled(&key, "d", 1));
    let mut done = deployment(1, 1, "1");
    done["status"] = json!({ "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "readyReplicas": 1 });
    cluster.there(Kind::Deployment, &done);
    assert!(cluster.0.is_settled(&key, "d", 1));
    assert!(!cluster.0.is_settled(&key, "d", 2), "it is another one by now");
    cluster.there(Kind::Deployment, &deployment(2, 2, "2"));
    assert!(!cluster.0.is_settled(&key, "d", 2));
    cluster.there(Kind::ReplicaSet, &replica_set("b", "2", None));
    cluster.there(Kind::Pod, &pod("p", "b", &waiting("ErrImagePull")));
    assert!(cluster.0.is_settled(&key, "d", 2));
}

#[test]
fn what_is_no_longer_listed_is_gone() {
    let mut cluster = Cluster::new();
    cluster.there(Kind::Deployment, &deployment(1, 1, "1"));
    cluster.there(Kind::ReplicaSet, &replica_set("a", "1", None));
    cluster.there(Kind::Pod, &pod("p", "a", &waiting("ErrImagePull")));
    cluster.0.take(Change::Begin(Kind::Pod));
    cluster.0.take(Change::Listed(Kind::Pod));
    let news = cluster.0.news();
    assert!(news[0].troubles.is_empty());
}

#[test]
fn that_a_rollout_takes_long_is_said_only_where_it_is_not_known_why() {
    let mut late = deployment(1, 1, "1");
    late["status"]["conditions"] =
        json!([{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late" }]);
    let mut cluster = Cluster::new();
    assert_eq!(troubles(&cluster.there(Kind::Deployment, &late)), ["late"]);
    cluster.there(Kind::ReplicaSet, &replica_set("a", "1", None));
    let news = cluster.there(Kind::Pod, &pod("p", "a", &waiting("ErrImagePull")));
    assert_eq!(troubles(&news), ["ErrImagePull: m"]);
}

#[test]
fn a_pod_that_keeps_a_mended_set_from_its_revision_is_in_the_way() {
    let set = |revision: &str, ready: u64| {
        json!({
            "metadata": { "uid": "s", "name": "db", "namespace": "shop", "generation": 1 },
            "spec": { "replicas": 1 },
            "status": { "observedGeneration": 1, "replicas": 1, "readyReplicas": ready, "updateRevision": revision, "currentRevision": "db-1" },
        })
    };
    let mut cluster = Cluster::new();
    cluster.there(Kind::StatefulSet, &set("db-2", 0));
    let mut pod = pod("p", "s", &waiting("ErrImagePull"));
    pod["metadata"]["labels"] = json!({ "controller-revision-hash": "db-2" });
    assert_eq!(troubles(&cluster.there(Kind::Pod, &pod)), ["ErrImagePull: m"]);
    assert!(cluster.0.in_the_way().is_empty());
    let news = cluster.there(Kind::StatefulSet, &set("db-3", 0));
    assert!(news[0].troubles.is_empty());
    let in_the_way = cluster.0.in_the_way();
    assert_eq!(in_the_way, [("p".to_owned(), "shop".to_owned(), "p".to_owned())]);
}

#[test]
fn an_image_is_asked_about_once_and_again_when_what_is_known_is_old() {
    let now = Instant::now();
    let later = |seconds: u64| now + Duration::from_secs(seconds);
    let mut cluster = Cluster::new();
    cluster.there(Kind::Deployment, &deployment(1, 1, "1"));
    assert_eq!(
        cluster.0.images_to_ask(),
        [""; 0],
        "nobody wants registries to be asked"
    );
    cluster.0.ask_registries(true);
    assert_eq!(cluster.0.images_to_ask(), ["web:1"]);
    cluster.there(Kind::Deployment, &deployment(2, 2, "1"));
    assert_eq!(cluster.0.images_to_ask(), [""; 0], "it is asked about already");
    let missing = Said::Missing(vec!["2".to_owned()]);
    cluster.0.images_answered(vec![("web:1".to_owned(), missing)], now);
    let news = cluster.0.news();
    let said = Trouble::NoImage {
        image: "web:1".to_owned(),
        tags: vec!["2".to_owned()],
    };
    assert_eq!(news[0].troubles, [said]);
    cluster.0.look_at_images(later(59));
    assert_eq!(cluster.0.images_to_ask(), [""; 0]);
    // Somebody may have pushed it, and has.
    cluster.0.look_at_images(later(60));
    assert_eq!(cluster.0.images_to_ask(), ["web:1"]);
    cluster
        .0
        .images_answered(vec![("web:1".to_owned(), Said::There)], later(61));
    assert!(cluster.0.news()[0].troubles.is_empty());
    cluster.0.look_at_images(later(3000));
    assert!(!cluster.0.is_asking());
    // What nobody uses any more is not known any more, and not asked about.
    cluster.gone(Kind::Deployment, &deployment(2, 2, "1"));
    cluster.0.look_at_images(later(9000));
    assert!(!cluster.0.is_asking());
}

#[test]
fn what_comes_after_registries_are_no_longer_asked_says_nothing() {
    let mut cluster = Cluster::new();
    cluster.0.ask_registries(true);
    cluster.there(Kind::Deployment, &deployment(1, 1, "1"));
    assert_eq!(cluster.0.images_to_ask(), ["web:1"]);
    cluster.0.ask_registries(false);
    let missing = Said::Missing(Vec::new());
    cluster
        .0
        .images_answered(vec![("web:1".to_owned(), missing)], Instant::now());
    assert!(cluster.0.news().iter().all(|news| news.troubles.is_empty()));
}
