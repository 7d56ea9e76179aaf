//! `docs/tutorial.md`, followed word by word.
//!
//! A chapter is followed in an empty folder. Its fenced blocks count, in order:
//! - `sh`: each line runs in `sh`, in the folder where the one before ended. One that starts with `dreamwire watch`
//!   goes on in the background until the chapter ends.
//! - `text`: its lines have been printed, in this order, since the last such block; `...` stands for anything.
//! - `diff`: in the file named by its first line, `---`, each group of `-` lines becomes the `+` lines after it.

#![cfg(unix)]

#[path = "tutorial/reader.rs"]
mod reader;

use dreamwire_tests::repository;
use reader::{Reader, end_of, is_like};

/// Language and text of the fenced blocks of a chapter.
fn blocks(chapter: &str) -> Vec<(String, String)> {
    let page = std::fs::read_to_string(repository().join("docs/tutorial.md")).expect("the page is there");
    let (_, rest) = page.split_once(&format!("\n## {chapter}\n")).expect("it has the chapter");
    let (mut blocks, mut open) = (Vec::new(), None);
    for line in rest.split("\n## ").next().unwrap_or_default().lines() {
        if let Some(language) = line.strip_prefix("```") {
            match open.take() {
                Some(block) => blocks.push(block),
                None => open = Some((language.to_owned(), String::new())),
            }
        } else if let Some((_, text)) = &mut open {
            text.push_str(line);
            text.push('\n');
        }
    }
    assert!(open.is_none() && !blocks.is_empty(), "{chapter}: {blocks:?}");
    blocks
}

fn follow(chapter: &str) {
    let mut reader = Reader::new();
    for (language, text) in blocks(chapter) {
        match language.as_str() {
            "sh" => text.lines().for_each(|line| reader.enter(line)),
            "text" => reader.expect(&text),
            "diff" => reader.edit(&text),
            _ => panic!("a block of another kind: {language}"),
        }
    }
}

#[test]
fn the_part_in_c_works() {
    follow("In C");
}

#[test]
#[ignore = "builds candle once, which takes minutes: `just tutorial`"]
fn the_part_in_rust_works() {
    follow("In Rust");
}

/// What of the part in Rust can be tested without a build.
#[test]
fn the_edit_in_rust_fits_what_is_written() {
    let mut reader = Reader::new();
    for (language, text) in blocks("In Rust") {
        let quick = |line: &&str| line.starts_with("cd ") || line.starts_with("dreamwire new-plugin");
        match language.as_str() {
            "sh" => text.lines().filter(quick).for_each(|line| reader.enter(line)),
            "diff" => reader.edit(&text),
            _ => {}
        }
    }
    let code = std::fs::read_to_string(reader.here.join("src/lib.rs")).expect("it was written");
    assert!(code.contains("(1.0 - &a)?"), "{code}");
}

#[test]
fn a_line_is_compared_around_its_dots() {
    assert!(is_like("done in 12 ms (2 run)\n", "done in ... (2 run)"));
    assert!(!is_like("done in 12 ms (3 run)\n", "done in ... (2 run)"));
    assert_eq!(end_of("a\nb\nc\n", "a\nb"), Some(4));
    assert_eq!(end_of("b\na\n", "a\nb"), None);
}
