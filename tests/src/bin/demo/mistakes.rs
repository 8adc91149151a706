//! The mistakes that are made, as data. Each is one that people make, in a manifest that they did not write for it.

/// One mistake: what is typed before the save, what must be said about it, and how it is mended.
#[derive(Debug)]
pub(crate) struct Mistake {
    /// What went wrong, for people.
    pub(crate) title: &'static str,
    /// The name of the picture that the documentation shows of it, where it does.
    pub(crate) picture: Option<&'static str>,
    /// The file of the workspace.
    pub(crate) file: &'static str,
    /// What somebody else has done to the live object before.
    pub(crate) before: Option<Meddling>,
    /// Who finds it.
    pub(crate) judge: Judge,
    /// What is typed: each place stands once in the file.
    pub(crate) typed: &'static [Typed],
    /// The diagnostics of the file after the save, from top to bottom, all of them.
    pub(crate) expected: &'static [Expected],
    /// How it is mended.
    pub(crate) mend: Mend,
}

/// Who finds a mistake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Judge {
    /// The build and the API server, before anything is applied.
    ApiServer,
    /// What was applied does not run.
    Workload,
}

/// A place in the file and what is put there.
#[derive(Debug)]
pub(crate) struct Typed {
    /// The text that is replaced.
    pub(crate) find: &'static str,
    /// What stands there then.
    pub(crate) put: &'static str,
}

/// A diagnostic, by the code and the line that it must stand on.
#[derive(Debug)]
pub(crate) struct Expected {
    /// Its code.
    pub(crate) code: &'static str,
    /// The line on which it begins, without the blanks around it.
    pub(crate) line: &'static str,
    /// The text that is marked.
    pub(crate) marked: &'static str,
}

/// How a mistake is mended.
#[derive(Debug)]
pub(crate) enum Mend {
    /// By the code action with this title.
    Action(&'static str),
    /// By taking back what was typed.
    Undo,
}

/// Somebody sets the number of replicas of a Deployment past the session.
#[derive(Debug)]
pub(crate) struct Meddling {
    /// The field manager.
    pub(crate) manager: &'static str,
    /// The namespace of the Deployment.
    pub(crate) namespace: &'static str,
    /// Its name.
    pub(crate) name: &'static str,
    /// The number.
    pub(crate) replicas: u32,
}

const BACKEND: &str = "deploy/webapp/backend/deployment.yaml";
const FRONTEND: &str = "deploy/webapp/frontend/deployment.yaml";
const FRONTEND_SERVICE: &str = "deploy/webapp/frontend/service.yaml";

/// In the order in which they are made.
pub(crate) const MISTAKES: &[Mistake] = &[
    Mistake {
        title: "A field's name is misspelled",
        picture: Some("verdict"),
        file: BACKEND,
        before: None,
        judge: Judge::ApiServer,
        typed: &[Typed {
            find: "image:",
            put: "imag:",
        }],
        expected: &[Expected {
            code: "apply/unknown-field",
            line: "imag: ghcr.io/stefanprodan/podinfo:6.14.1",
            marked: "imag",
        }],
        mend: Mend::Action("Rename it to image"),
    },
    Mistake {
        title: "The quotes of an annotation are forgotten",
        picture: None,
        file: FRONTEND,
        before: None,
        judge: Judge::ApiServer,
        typed: &[Typed {
            find: "scrape: \"true\"",
            put: "scrape: true",
        }],
        expected: &[Expected {
            code: "apply/wrong-type",
            line: "prometheus.io/scrape: true",
            marked: "true",
        }],
        mend: Mend::Action("Put it in quotes"),
    },
    Mistake {
        title: "A word is written in small letters",
        picture: None,
        file: FRONTEND_SERVICE,
        before: None,
        judge: Judge::ApiServer,
        typed: &[Typed {
            find: "protocol: TCP",
            put: "protocol: tcp",
        }],
        expected: &[Expected {
            code: "apply/unsupported-value",
            line: "protocol: tcp",
            marked: "tcp",
        }],
        mend: Mend::Action("Write TCP"),
    },
    Mistake {
        title: "A field that must be there is lost",
        picture: None,
        file: BACKEND,
        before: None,
        judge: Judge::ApiServer,
        typed: &[Typed {
            find: "        image: ghcr.io/stefanprodan/podinfo:6.14.1\n",
            put: "",
        }],
        expected: &[Expected {
            code: "apply/required",
            line: "- name: backend",
            marked: "",
        }],
        mend: Mend::Undo,
    },
    Mistake {
        title: "The labels no longer match the selector",
        picture: None,
        file: FRONTEND,
        before: None,
        judge: Judge::ApiServer,
        typed: &[Typed {
            find: "      labels:\n        app: frontend",
            put: "      labels:\n        app: fronted",
        }],
        expected: &[Expected {
            code: "apply/invalid-value",
            line: "app: fronted",
            marked: "fronted",
        }],
        mend: Mend::Action("Write frontend"),
    },
    Mistake {
        title: "A quantity has a blank in it",
        picture: None,
        file: FRONTEND,
        before: None,
        judge: Judge::ApiServer,
        typed: &[Typed {
            find: "memory: 128Mi",
            put: "memory: 128 MB",
        }],
        expected: &[Expected {
            code: "apply/bad-quantity",
            line: "memory: 128 MB",
            marked: "128 MB",
        }],
        mend: Mend::Action("Write 128Mi"),
    },
    Mistake {
        title: "A variable is set twice",
        picture: None,
        file: BACKEND,
        before: None,
        judge: Judge::ApiServer,
        typed: &[Typed {
            find: "          value: \"#34577c\"\n",
            put: "          value: \"#34577c\"\n        - name: PODINFO_UI_COLOR\n          value: \"#ffffff\"\n",
        }],
        expected: &[Expected {
            code: "apply/duplicate-item",
            line: "- name: PODINFO_UI_COLOR",
            marked: "",
        }],
        mend: Mend::Action("Remove it"),
    },
    Mistake {
        title: "The selector of a live Deployment is changed",
        picture: None,
        file: BACKEND,
        before: None,
        judge: Judge::ApiServer,
        typed: &[
            Typed {
                find: "    matchLabels:\n      app: backend",
                put: "    matchLabels:\n      app: api",
            },
            Typed {
                find: "      labels:\n        app: backend",
                put: "      labels:\n        app: api",
            },
        ],
        expected: &[Expected {
            code: "apply/immutable-field",
            line: "selector:",
            marked: "selector",
        }],
        mend: Mend::Undo,
    },
    Mistake {
        title: "A version of an API that is gone is asked for",
        picture: None,
        file: "deploy/webapp/backend/hpa.yaml",
        before: None,
        judge: Judge::ApiServer,
        typed: &[Typed {
            find: "autoscaling/v2\n",
            put: "autoscaling/v2beta2\n",
        }],
        expected: &[Expected {
            code: "apply/version-not-served",
            line: "apiVersion: autoscaling/v2beta2",
            marked: "autoscaling/v2beta2",
        }],
        mend: Mend::Action("Write autoscaling/v2"),
    },
    Mistake {
        title: "A namespace does not exist",
        picture: None,
        file: FRONTEND_SERVICE,
        before: None,
        judge: Judge::ApiServer,
        typed: &[Typed {
            find: "namespace: webapp",
            put: "namespace: web-app",
        }],
        expected: &[Expected {
            code: "apply/namespace-not-found",
            line: "namespace: web-app",
            marked: "web-app",
        }],
        mend: Mend::Undo,
    },
    Mistake {
        title: "A name has a capital letter",
        picture: None,
        file: FRONTEND_SERVICE,
        before: None,
        judge: Judge::ApiServer,
        typed: &[Typed {
            find: "  name: frontend\n",
            put: "  name: Frontend\n",
        }],
        expected: &[Expected {
            code: "apply/invalid-value",
            line: "name: Frontend",
            marked: "Frontend",
        }],
        mend: Mend::Action("Write frontend"),
    },
    Mistake {
        title: "Somebody else has scaled it by hand meanwhile",
        picture: None,
        file: FRONTEND,
        before: Some(Meddling {
            manager: "on-call",
            namespace: "webapp",
            name: "frontend",
            replicas: 5,
        }),
        judge: Judge::ApiServer,
        typed: &[Typed {
            find: "  minReadySeconds: 3\n",
            put: "  minReadySeconds: 3\n  replicas: 2\n",
        }],
        expected: &[Expected {
            code: "apply/conflict",
            line: "replicas: 2",
            marked: "2",
        }],
        mend: Mend::Action("Take it over from on-call"),
    },
    Mistake {
        title: "Three mistakes in one save are said at once",
        picture: None,
        file: BACKEND,
        before: None,
        judge: Judge::ApiServer,
        typed: &[
            Typed {
                find: "        image:",
                put: "        imag:",
            },
            Typed {
                find: "imagePullPolicy: IfNotPresent",
                put: "imagePullPolicy: IfMissing",
            },
            Typed {
                find: "cpu: 2000m",
                put: "cpu: 2 cores",
            },
        ],
        expected: &[
            Expected {
                code: "apply/unknown-field",
                line: "imag: ghcr.io/stefanprodan/podinfo:6.14.1",
                marked: "imag",
            },
            Expected {
                code: "apply/unsupported-value",
                line: "imagePullPolicy: IfMissing",
                marked: "IfMissing",
            },
            Expected {
                code: "apply/bad-quantity",
                line: "cpu: 2 cores",
                marked: "2 cores",
            },
        ],
        mend: Mend::Undo,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::MISTAKES;

    #[test]
    fn every_mistake_can_be_typed_into_the_workspace() {
        for mistake in MISTAKES.iter().chain(crate::fleet::MISTAKES) {
            let own = crate::fleet::own_files().join(mistake.file);
            let path = if own.is_file() {
                own
            } else {
                crate::workspace::corpus().join(mistake.file)
            };
            let mut text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            for typed in mistake.typed {
                assert_eq!(text.matches(typed.find).count(), 1, "{:?} in {path}", typed.find);
                text = text.replacen(typed.find, typed.put, 1);
            }
            for expected in mistake.expected {
                assert!(text.lines().any(|line| line.trim() == expected.line), "{expected:?}");
                assert!(expected.line.contains(expected.marked), "{expected:?}");
            }
        }
    }

    #[test]
    fn the_mistakes_are_different_ones() {
        let titles: BTreeSet<&str> = MISTAKES.iter().map(|mistake| mistake.title).collect();
        assert_eq!(titles.len(), MISTAKES.len());
        assert!(MISTAKES.len() >= 8);
    }
}
