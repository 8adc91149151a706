//! Which fields an expression (CEL) reads. The expression is not evaluated.

use gitops_yaml::Step;

use super::expression_tokens::{Token, tokens};

/// How deep macros are followed into each other.
const MAX_DEPTH: usize = 24;

/// A field that an expression reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct FieldRead {
    /// Where the path starts: `self`, `object`, or the name of a variable in `variables.NAME`.
    pub(super) root: Root,
    /// The way from there.
    pub(super) steps: Vec<ReadStep>,
    /// Whether the expression is content without it, as `!has(self.x) || …` is.
    pub(super) may_be_absent: bool,
}

/// Where a path starts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Root {
    /// `self`, the value that a CRD's rule stands at.
    SelfValue,
    /// `object`, what was sent.
    Object,
    /// `variables.NAME` of a policy.
    Variable(String),
}

/// One step of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum ReadStep {
    /// A known key or index.
    Known(Step),
    /// Every item of a list, or every entry of a map.
    Each,
}

/// The fields that an expression reads, in the order in which they occur, each once.
///
/// What the old object, parameters or the request say is not a field of what was sent and is left out.
pub(super) fn fields_read(expression: &str) -> Vec<FieldRead> {
    let tokens = tokens(expression);
    let mut reader = Reader {
        tokens: &tokens,
        found: Vec::new(),
        bound: Vec::new(),
        in_not_has: false,
    };
    let mut at = 0;
    while at < tokens.len() {
        at = reader.expression(at, 0).max(at + 1);
    }
    reader.found
}

struct Reader<'a> {
    tokens: &'a [Token],
    found: Vec<FieldRead>,
    /// Names that macros have bound, and what they stand for; `None` for what is no field.
    bound: Vec<(String, Option<FieldRead>)>,
    /// Whether what is read now is inside `!has(…)`.
    in_not_has: bool,
}

impl Reader<'_> {
    fn mark(&self, at: usize) -> Option<char> {
        match self.tokens.get(at)? {
            Token::Mark(mark) => Some(*mark),
            _ => None,
        }
    }

    fn name(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at)? {
            Token::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Reads on until a bracket closes that was opened before; gives the place of that bracket, or the end.
    fn expression(&mut self, from: usize, depth: usize) -> usize {
        let mut at = from;
        while let Some(token) = self.tokens.get(at) {
            match token {
                Token::Mark(')' | ']' | '}') => return at,
                Token::Mark('(' | '[' | '{') => at = self.expression_in(at + 1, depth) + 1,
                Token::Name(_) => at = self.chain(at, depth).max(at + 1),
                _ => at += 1,
            }
        }
        at
    }

    fn expression_in(&mut self, from: usize, depth: usize) -> usize {
        if depth < MAX_DEPTH {
            self.expression(from, depth + 1)
        } else {
            self.skip(from)
        }
    }

    /// The place of the bracket that closes what was opened before `from`.
    fn skip(&self, from: usize) -> usize {
        let mut open = 0_usize;
        for at in from..self.tokens.len() {
            match self.mark(at) {
                Some('(' | '[' | '{') => open += 1,
                Some(')' | ']' | '}') if open == 0 => return at,
                Some(')' | ']' | '}') => open -= 1,
                _ => {}
            }
        }
        self.tokens.len()
    }

    /// A name and what is selected from it: `self.spec.items[0].name`, `object.spec.containers.all(c, …)`.
    fn chain(&mut self, from: usize, depth: usize) -> usize {
        let Some(name) = self.name(from).map(str::to_owned) else {
            return from + 1;
        };
        let mut at = from + 1;
        if self.mark(at) == Some('(') {
            // A function: what it is given is read as any expression.
            let is_not_has = name == "has" && from.checked_sub(1).and_then(|at| self.mark(at)) == Some('!');
            let before = std::mem::replace(&mut self.in_not_has, is_not_has);
            let end = self.expression_in(at + 1, depth);
            self.in_not_has = before;
            return end + 1;
        }
        let mut read = self.start(&name);
        if name == "variables" && self.mark(at) == Some('.') {
            if let Some(variable) = self.name(at + 1) {
                read = Some(FieldRead {
                    root: Root::Variable(variable.to_owned()),
                    steps: Vec::new(),
                    may_be_absent: false,
                });
            }
            at += 2;
        }
        loop {
            match self.mark(at) {
                Some('.') => {
                    let optional = usize::from(self.mark(at + 1) == Some('?'));
                    let Some(field) = self.name(at + 1 + optional).map(str::to_owned) else {
                        break;
                    };
                    at += 2 + optional;
                    if self.mark(at) == Some('(') {
                        self.record(read.take());
                        return self.call(&field, from, at + 1, depth);
                    }
                    push(&mut read, ReadStep::Known(Step::Key(field.into())));
                }
                Some('[') => {
                    let optional = usize::from(self.mark(at + 1) == Some('?'));
                    let inside = at + 1 + optional;
                    let closed = self.mark(inside + 1) == Some(']');
                    let step = match self.tokens.get(inside) {
                        Some(Token::Text(key)) if closed => ReadStep::Known(Step::Key(key.as_str().into())),
                        Some(Token::Number(Some(index))) if closed => ReadStep::Known(Step::Index(*index)),
                        _ => {
                            at = self.expression_in(inside, depth) + 1;
                            push(&mut read, ReadStep::Each);
                            continue;
                        }
                    };
                    push(&mut read, step);
                    at = inside + 2;
                }
                _ => break,
            }
        }
        self.record(read);
        at
    }

    fn start(&self, name: &str) -> Option<FieldRead> {
        if let Some((_, bound)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
            return bound.clone();
        }
        let root = match name {
            "self" => Root::SelfValue,
            "object" => Root::Object,
            _ => return None,
        };
        Some(FieldRead {
            root,
            steps: Vec::new(),
            may_be_absent: false,
        })
    }

    /// What a method is given; a macro's first name stands for each item of what it is called on.
    fn call(&mut self, method: &str, chain_start: usize, inside: usize, depth: usize) -> usize {
        let is_macro = matches!(
            method,
            "all"
                | "exists"
                | "exists_one"
                | "existsOne"
                | "map"
                | "filter"
                | "transformList"
                | "transformMap"
                | "sortBy"
        );
        let variable = self
            .name(inside)
            .map(str::to_owned)
            .filter(|_| is_macro && self.mark(inside + 1) == Some(','));
        let end = match variable {
            Some(variable) => {
                let called_on = self.called_on(chain_start, inside);
                let each = called_on.map(|mut read| {
                    read.steps.push(ReadStep::Each);
                    read
                });
                self.bound.push((variable, each));
                let end = self.expression_in(inside + 2, depth);
                self.bound.pop();
                end
            }
            None => self.expression_in(inside, depth),
        };
        // What is selected from the result of a call is no field of the object, but may be given fields.
        let mut at = end + 1;
        while self.mark(at) == Some('.') {
            at += 1 + usize::from(self.mark(at + 1) == Some('?'));
            at += 1;
            if self.mark(at) == Some('(') {
                at = self.expression_in(at + 1, depth) + 1;
            }
        }
        at
    }

    /// The field that a method is called on: the one recorded last, if it belongs to this chain.
    fn called_on(&self, chain_start: usize, inside: usize) -> Option<FieldRead> {
        let root = self.name(chain_start)?;
        let mut read = if root == "variables" {
            FieldRead {
                root: Root::Variable(self.name(chain_start + 2)?.to_owned()),
                steps: Vec::new(),
                may_be_absent: false,
            }
        } else {
            self.start(root)?
        };
        let mut at = chain_start + if root == "variables" { 3 } else { 1 };
        // Up to the method's own name and bracket.
        while at + 2 < inside {
            match (self.tokens.get(at), self.tokens.get(at + 1), self.tokens.get(at + 2)) {
                (Some(Token::Mark('.')), Some(Token::Name(field)), _) => {
                    if at + 3 >= inside {
                        break;
                    }
                    read.steps.push(ReadStep::Known(Step::Key(field.as_str().into())));
                    at += 2;
                }
                (Some(Token::Mark('.')), Some(Token::Mark('?')), _) => at += 1,
                (Some(Token::Mark('?')), Some(Token::Name(field)), _) => {
                    read.steps.push(ReadStep::Known(Step::Key(field.as_str().into())));
                    at += 2;
                }
                (Some(Token::Mark('[')), Some(Token::Text(key)), Some(Token::Mark(']'))) => {
                    read.steps.push(ReadStep::Known(Step::Key(key.as_str().into())));
                    at += 3;
                }
                (Some(Token::Mark('[')), Some(Token::Number(Some(index))), Some(Token::Mark(']'))) => {
                    read.steps.push(ReadStep::Known(Step::Index(*index)));
                    at += 3;
                }
                _ => return None,
            }
        }
        Some(read)
    }

    fn record(&mut self, read: Option<FieldRead>) {
        let Some(mut read) = read.filter(|read| !read.steps.is_empty() || !matches!(read.root, Root::Object)) else {
            return;
        };
        let known = self
            .found
            .iter_mut()
            .find(|known| known.root == read.root && known.steps == read.steps);
        if let Some(known) = known {
            known.may_be_absent |= self.in_not_has;
        } else {
            read.may_be_absent = self.in_not_has;
            self.found.push(read);
        }
    }
}

fn push(read: &mut Option<FieldRead>, step: ReadStep) {
    if let Some(read) = read {
        read.steps.push(step);
    }
}

#[cfg(test)]
mod tests {
    use gitops_yaml::Step;

    use super::{FieldRead, ReadStep, Root, fields_read};

    fn show(read: &FieldRead) -> String {
        let mut text = match &read.root {
            Root::SelfValue => "self".to_owned(),
            Root::Object => "object".to_owned(),
            Root::Variable(name) => format!("${name}"),
        };
        for step in &read.steps {
            match step {
                ReadStep::Known(Step::Key(key)) => text.extend([".", key]),
                ReadStep::Known(Step::Index(index)) => text.extend(["[".to_owned(), index.to_string(), "]".to_owned()]),
                ReadStep::Each => text.push_str("[*]"),
            }
        }
        text
    }

    fn check(expression: &str, expected: &[&str]) {
        let found: Vec<String> = fields_read(expression).iter().map(show).collect();
        assert_eq!(found, expected, "{expression}");
    }

    #[test]
    fn finds_what_is_read() {
        check("object.spec.replicas <= 5", &["object.spec.replicas"]);
        check("self > 0", &["self"]);
        check(
            "!has(self.other_value) || self.other_value % self.value == 0",
            &["self.other_value", "self.value"],
        );
        check("self.a == oldSelf.a && object.x == params.y", &["self.a", "object.x"]);
        check("self.list[0].name != 'self.b' // self.c", &["self.list[0].name"]);
        check(
            "object.metadata.labels['a.b/c'] == \"x\"",
            &["object.metadata.labels.a.b/c"],
        );
        check(
            "object.spec.template.spec.containers.all(c, has(c.resources) && 'cpu' in c.resources.requests)",
            &[
                "object.spec.template.spec.containers",
                "object.spec.template.spec.containers[*].resources",
                "object.spec.template.spec.containers[*].resources.requests",
            ],
        );
        check(
            "variables.containers.exists(c, c.image == '') && object.?spec.x.orValue(1) > 1",
            &["$containers", "$containers[*].image", "object.spec.x"],
        );
        check("self.schedule.split(' ').size() == 6", &["self.schedule"]);
        check(
            "duration(self.renewBefore) < duration(self.validFor)",
            &["self.renewBefore", "self.validFor"],
        );
        check(
            "self.items[self.index].name == self.__namespace__",
            &["self.index", "self.items[*].name", "self.namespace"],
        );
        check("size(self.foo__dot__bar) > 1", &["self.foo.bar"]);
    }

    #[test]
    fn survives_what_is_no_expression() {
        for text in [
            "",
            "(((((",
            ")]}",
            "self.",
            "self[",
            "object.all(c,",
            "a.all(b, c.all(d, ",
            "'",
            "`",
            "self.?",
        ] {
            fields_read(text);
        }
        fields_read(&"(".repeat(100_000));
        fields_read(&"a.all(b,".repeat(10_000));
    }
}
