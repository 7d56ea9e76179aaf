use super::super::{image, output};
use super::*;
use dreamwire_sdk::testing::{Ran, run_node};

/// A sheet of `count` pictures of `width x height` pixels; the samples of picture n are n / 10.
fn grid(params: &str, count: usize, (width, height): (usize, usize), channels: usize) -> Result<Ran> {
    let samples: Vec<f32> =
        (0..count).flat_map(|n| std::iter::repeat_n(n as f32 / 10.0, width * height * channels)).collect();
    run_node::<Grid>(params, &[("image", image(&samples, (count, height, width, channels)))], &[])
}

/// Rows of a grey sheet, in tenths.
#[track_caller]
fn rows(params: &str, count: usize, size: (usize, usize)) -> Vec<Vec<u8>> {
    let (dims, samples) = output(&grid(params, count, size, 1).expect(params), 0);
    samples.chunks(dims[2]).map(|row| row.iter().map(|v| (v * 10.0).round() as u8).collect()).collect()
}

#[test]
fn pictures_stand_row_by_row_with_gaps_around() {
    let sheet = rows(r#"{"columns": 2, "gap": 1}"#, 3, (2, 1));
    assert_eq!(
        sheet,
        [
            [10, 10, 10, 10, 10, 10, 10],
            [10, 0, 0, 10, 1, 1, 10],
            [10, 10, 10, 10, 10, 10, 10],
            [10, 2, 2, 10, 10, 10, 10],
            [10, 10, 10, 10, 10, 10, 10],
        ]
    );
}

#[test]
fn zero_columns_are_nearly_square() {
    for (count, columns, lines) in [(1, 1, 1), (2, 2, 1), (4, 2, 2), (5, 3, 2), (9, 3, 3), (10, 4, 3)] {
        let (dims, _) = output(&grid(r#"{"gap": 0}"#, count, (1, 1), 3).expect("a sheet"), 0);
        assert_eq!(dims, [1, lines, columns, 3], "{count} pictures");
    }
}

#[test]
fn one_picture_without_a_gap_is_itself() {
    assert_eq!(rows(r#"{"gap": 0}"#, 1, (1, 1)), [[0]]);
}

#[test]
fn labels_stand_under_their_pictures() {
    let params = r##"{"columns": 2, "gap": 4, "background": "#202020", "labels": ["{index}/{total}"],
        "label_size": 16}"##;
    let (dims, samples) = output(&grid(params, 2, (40, 10), 3).expect("a sheet"), 0);
    // 2 (40 + 4) + 4 wide; 10 + 24 for the label + 2 gaps high.
    assert_eq!(dims, [1, 42, 92, 3]);
    let ground = 32.0 / 255.0;
    let ink = |x: usize, y: usize| samples[(y * 92 + x) * 3] - ground;
    let inked = |columns: std::ops::Range<usize>| {
        let at: Vec<usize> = columns.filter(|x| (18..34).any(|y| ink(*x, y) > 0.3)).collect();
        (at[0], at[at.len() - 1])
    };
    // Three characters in the middle of a picture that begins at 4, and one that begins at 48.
    for start in [4, 48] {
        let (first, last) = inked(start..start + 40);
        let middle = (first + last) as f32 / 2.0 - start as f32;
        assert!((middle - 19.5).abs() < 2.0 && last - first < 24, "from {first} to {last}");
    }
    // The two labels differ in their first character: 0/2 and 1/2.
    let of = |start: usize| -> Vec<f32> {
        (18..34).flat_map(|y| (start..start + 40).map(move |x| (x, y))).map(|(x, y)| ink(x, y)).collect()
    };
    assert_ne!(of(4), of(48));
    // Light ink on a dark ground, smooth, and nothing in the gap below.
    assert!(of(4).iter().any(|v| *v > 0.5) && of(4).iter().any(|v| (0.05..0.4).contains(v)));
    assert!((0..92).all(|x| (38..42).all(|y| ink(x, y).abs() < 1e-6)));
}

#[test]
fn every_picture_can_have_its_own_label() {
    let sheet = |labels: &str| {
        let params = format!(r#"{{"gap": 0, "columns": 2, "labels": {labels}}}"#);
        output(&grid(&params, 2, (30, 4), 1).expect("a sheet"), 0).1
    };
    let one = sheet(r#"["a", "b"]"#);
    let (same, swapped) = (sheet(r#"["a"]"#), sheet(r#"["b", "a"]"#));
    // The left halves of the rows are equal where the first label is.
    let left = |samples: &[f32]| samples.chunks(60).flat_map(|row| row[..30].to_vec()).collect::<Vec<_>>();
    assert_eq!(left(&one), left(&same));
    assert_ne!(left(&one), left(&swapped));
}

#[test]
fn ink_covers_a_transparent_ground() {
    let mut pixel = [1.0, 1.0, 1.0, 0.0];
    draw(&mut pixel, [0.0, 0.0, 0.0, 1.0], 0.25);
    assert_eq!(pixel, [0.0, 0.0, 0.0, 0.25]);
    // Half over half: alpha 0.75, of which two thirds are ink.
    let mut pixel = [0.9, 0.9, 0.9, 0.5];
    draw(&mut pixel, [0.0, 0.0, 0.0, 1.0], 0.5);
    assert!((pixel[0] - 0.3).abs() < 1e-6 && pixel[3] == 0.75, "{pixel:?}");
}

#[test]
fn what_cannot_be_laid_out_is_refused() {
    let Err(error) = grid(r#"{"labels": ["a", "b"]}"#, 3, (1, 1), 3) else { panic!("two labels for three") };
    assert_eq!(error.input(), "labels");
    assert!(error.to_string().contains("2 texts for 3 pictures"), "{error}");
    let Err(error) = grid(r#"{"background": "ground"}"#, 1, (1, 1), 3) else { panic!("no colour") };
    assert_eq!(error.input(), "background");
    let Err(error) = grid(r#"{"columns": 4096, "gap": 4096}"#, 1, (1, 1), 3) else { panic!("16 M columns") };
    assert_eq!(error.status(), dreamwire_sdk::abi::E_LIMIT);
    // Before there are pictures.
    let check = |columns, gap| Grid::check(&Params { columns, gap, ..Params::default() });
    let error = check(4096, 8).expect_err("refused");
    assert_eq!((error.input(), error.status()), ("columns", dreamwire_sdk::abi::E_LIMIT));
    let text = error.to_string();
    assert!(
        text.starts_with("`columns` 4096 with a `gap` of 8 is a sheet of at least 36872 pixels across"),
        "{text}"
    );
    assert!(check(4096, 6).is_ok() && check(0, 4096).is_ok() && check(6, 4096).is_ok());
}

#[test]
fn a_label_wider_than_its_picture_is_broken_into_lines() {
    let rows = |labels: &str, lines: usize| {
        let params =
            format!(r#"{{"gap": 0, "labels": [{labels}], "label_size": 16, "label_lines": {lines}}}"#);
        let (dims, samples) = output(&grid(&params, 2, (50, 2), 1).expect("a sheet"), 0);
        assert_eq!((dims[0], dims[2], dims[3]), (1, 100, 1));
        let row = |y: usize| samples[y * 100..(y + 1) * 100].iter().any(|v| *v < 0.5);
        (dims[1], [6..22, 22..38, 38..54].map(|mut rows| rows.any(|y| y < dims[1] && row(y))))
    };
    // Two lines are there for both if one needs them.
    assert_eq!(rows(r#""a", "abcd efgh""#, 3), (2 + 2 * 16 + 8, [true, true, false]));
    assert_eq!(rows(r#""a", "ab cde fgh ijk lmn""#, 3), (2 + 3 * 16 + 8, [true; 3]));
    assert_eq!(rows(r#""a", "b""#, 3), (2 + 16 + 8, [true, false, false]));
    assert_eq!(rows(r#""ab cde fgh""#, 1), (2 + 16 + 8, [true, false, false]));
}

#[test]
fn a_label_longer_than_its_lines_is_cut_off() {
    let params =
        r#"{"gap": 0, "labels": ["a text that is far too long"], "label_size": 16, "label_lines": 1}"#;
    let (dims, samples) = output(&grid(params, 1, (50, 2), 1).expect("a sheet"), 0);
    assert_eq!(dims, [1, 26, 50, 1]);
    assert!(samples[2 * 50..].iter().any(|v| *v < 0.5), "the beginning is drawn");
    // Too narrow for one character.
    assert!(grid(params, 1, (1, 1), 1).is_ok());
}

#[test]
fn a_character_that_the_font_lacks_is_told_once() {
    let params = r#"{"labels": ["{index} \u4e00\u4e8c"], "label_size": 16}"#;
    let ran = grid(params, 2, (99, 4), 3).expect("a sheet");
    let warnings: Vec<&String> = ran.notes.iter().filter(|note| note.contains("font")).collect();
    assert_eq!(warnings, ["`labels`: the font has no `\u{4e00}`, `\u{4e8c}`; question marks stand for them"]);
    let ran = grid(r#"{"labels": ["{index} \u00e4"], "label_size": 16}"#, 2, (99, 4), 3).expect("a sheet");
    assert!(ran.notes.iter().all(|note| !note.contains("font")), "{:?}", ran.notes);
    let many: std::collections::BTreeSet<char> = ('\u{4e00}'..'\u{4e0a}').collect();
    assert!(lack(&many).ends_with("`\u{4e07}` and others; question marks stand for them"), "{}", lack(&many));
}
