//! Faults that people make, and where and how they are told.
//!
//! `fixtures/faults.txt` has the texts, with `→` for a tab and `\u{…}` for what cannot be seen; `fixtures/faults.expected.txt` has what is said about each.

mod support;

use expect_test::expect_file;
use std::fmt::Write as _;

#[test]
fn faults_are_told_where_they_are() {
    let mut told = String::new();
    for case in include_str!("fixtures/faults.txt").split("=== ").skip(1) {
        let (name, text) = case.split_once('\n').expect("a case has a name");
        let errors = support::render_errors(&support::readable_to_raw(text));
        writeln!(told, "=== {name}\n{errors}").unwrap();
    }
    expect_file!["fixtures/faults.expected.txt"].assert_eq(&told);
}
