//! Names of outputs with parts that are filled in.

use std::time::Duration;

use crate::arithmetic::Bench;

fn graph(by: u32, name: &str) -> String {
    format!(
        r#"{{ "read": {{ "class_type": "Read", "inputs": {{ "file": "in.txt" }} }},
        "add": {{ "class_type": "Add", "inputs": {{ "a": ["read", 0], "by": {by} }} }},
        "save": {{ "class_type": "SavePrefix", "inputs": {{ "a": ["add", 0], "name": "{name}" }} }} }}"#
    )
}

fn files(bench: &Bench) -> Vec<String> {
    let entries = std::fs::read_dir(bench.path("out")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn later_nothing_is_computed_but_the_name_is_new() {
    let mut b = Bench::new();
    let text = graph(1, "%date:yyyyMMddHHmmss%");
    assert_eq!(b.log(&text), "read add save");
    let first = files(&b);
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(b.log(&text), "save=Unchanged");
    let both = files(&b);
    assert_eq!((both.len(), &both[0]), (2, &first[0]), "{both:?}");
    let contents: Vec<_> = both.iter().map(|name| std::fs::read(b.path("out").join(name)).unwrap()).collect();
    assert_eq!(contents[0], contents[1]);
}

#[test]
fn a_value_in_a_name_is_part_of_the_step() {
    let mut b = Bench::new();
    assert_eq!(b.log(&graph(1, "%add.by%_%read.file%")), "read add save");
    assert_eq!(files(&b), ["1_in.txt_00001.txt"]);
    // As if it were written out.
    assert_eq!(b.log(&graph(1, "1_in.txt")), "save=Unchanged");
    assert_eq!(b.log(&graph(2, "%add.by%_%read.file%")), "read=Unchanged add save");
    assert_eq!(files(&b), ["1_in.txt_00001.txt", "2_in.txt_00001.txt"]);
}
