//! The table of faults: what can go wrong, what is promised, and the tests that hold it. A test names its rows in the
//! last line of its docs, as `Faults: E6, E1.`; the rows are in `rows`, and `docs/faults.md` is written from both.

mod rows;
mod scan;

use dreamwire_tests::{repository, same_text};
use rows::{GROUPS, Row};
use scan::Found;
use std::collections::BTreeSet;

fn rows() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().flat_map(|group| group.rows)
}

#[test]
fn every_fault_has_a_test_or_a_reason() {
    let (tests, mut ids) = (scan::tests(), BTreeSet::new());
    let mut problems = Vec::new();
    for row in rows() {
        if !ids.insert(row.id) {
            problems.push(format!("{} is there twice", row.id));
        }
        match (row.untested, tests.iter().any(|test| test.row == row.id)) {
            (None, false) => problems.push(format!("{} has neither a test nor a reason", row.id)),
            (Some(_), true) => problems.push(format!("{} has a test, and a reason why it has none", row.id)),
            _ => {}
        }
    }
    let unknown = tests.iter().filter(|test| !ids.contains(&test.row[..]));
    problems.extend(
        unknown.map(|test| format!("`{}` in {} names the unknown {}", test.test, test.file, test.row)),
    );
    assert!(problems.is_empty(), "{problems:#?}");
}

const HEAD: &str = "\
# Faults

What can go wrong, what Dreamwire promises, and the tests that check it. Written by `just bless` from the table in
`tests/tests/fault_table` and the docs of the tests. The [README](../README.md#exit-codes) explains exit codes.
";

/// The last cell of a row: its tests, or the reason why there are none.
fn cell(row: &Row, tests: &[Found]) -> String {
    let own = tests.iter().filter(|test| test.row == row.id);
    let links: Vec<String> = own.map(|test| format!("[{}](../{})", test.test, test.file)).collect();
    row.untested.map_or_else(|| links.join("<br>"), |why| format!("none: {why}"))
}

#[test]
fn the_table_is_what_the_tests_say() {
    let tests = scan::tests();
    let mut text = HEAD.to_owned();
    for group in GROUPS {
        text.push_str(&format!("\n## {}\n\n| | fault | promise | tests |\n|---|---|---|---|\n", group.title));
        for row in group.rows {
            let cell = cell(row, &tests);
            text.push_str(&format!(
                "| {} | {} | {} | {cell} |\n",
                row.id,
                escaped(row.fault),
                escaped(row.promise)
            ));
        }
    }
    same_text(&repository().join("docs/faults.md"), &text);
}

/// A cell ends at a bar.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
