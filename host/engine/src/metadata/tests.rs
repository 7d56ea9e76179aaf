//! Small files of each format, built here byte by byte, and damage of all kinds.

use super::*;

const GRAPH_TEXT: &str = r#"{"a": {"class_type": "A", "inputs": {}}}"#;
/// With characters that ASCII does not have.
const WORKFLOW: &str = r#"{"title": "Schläfer 🦀"}"#;
const ESCAPED: &str = r#"{"title": "Schl\u00e4fer \ud83e\udd80"}"#;

fn png(texts: &[(&str, &str)], pixels: &[u8]) -> Vec<u8> {
    let mut file = png::SIGNATURE.to_vec();
    let mut add = |kind: &[u8], data: &[u8]| {
        file.extend((data.len() as u32).to_be_bytes());
        file.extend([kind, data].concat());
        file.extend(crc32fast::hash(&[kind, data].concat()).to_be_bytes());
    };
    add(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
    texts.iter().for_each(|(name, text)| add(b"tEXt", format!("{name}\0{text}").as_bytes()));
    add(b"IDAT", pixels);
    add(b"IEND", b"");
    file
}

/// A TIFF of one strip, its pixels first; also EXIF, which has no pixels.
fn tiff(texts: &[(u16, &str)], pixels: &[u8]) -> Vec<u8> {
    let mut file = b"II*\0\0\0\0\0".to_vec();
    file.extend(pixels);
    let mut entries = vec![(256u16, 3u16, 1u32, 7u32)];
    if !pixels.is_empty() {
        entries.extend([(273, 4, 1, 8), (279, 4, 1, pixels.len() as u32)]);
    }
    for (tag, text) in texts {
        entries.push((*tag, 2, text.len() as u32 + 1, file.len() as u32));
        file.extend([text.as_bytes(), b"\0"].concat());
    }
    entries.sort();
    let at = file.len() as u32;
    file[4..8].copy_from_slice(&at.to_le_bytes());
    file.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        file.extend(
            [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()]
                .concat(),
        );
    }
    file.extend([0; 4]);
    file
}

fn jpeg(texts: &[(u16, &str)], pixels: &[u8]) -> Vec<u8> {
    let exif = [&b"Exif\0\0"[..], &tiff(texts, b"")].concat();
    let segment = |marker: u8, data: &[u8]| {
        [&[0xff, marker][..], &(data.len() as u16 + 2).to_be_bytes(), data].concat()
    };
    let exif = if texts.is_empty() { Vec::new() } else { segment(0xe1, &exif) };
    [&b"\xff\xd8"[..], &segment(0xe0, b"JFIF\0"), &exif, &segment(0xda, b"abc"), pixels].concat()
}

fn webp(texts: &[(u16, &str)], pixels: &[u8]) -> Vec<u8> {
    let chunk = |kind: &[u8], data: &[u8]| {
        let mut chunk = [kind, &(data.len() as u32).to_le_bytes(), data].concat();
        chunk.resize(chunk.len().next_multiple_of(2), 0);
        chunk
    };
    let exif = if texts.is_empty() { Vec::new() } else { chunk(b"EXIF", &tiff(texts, b"")) };
    let flags = if texts.is_empty() { 0 } else { 8 };
    let vp8x = chunk(b"VP8X", &[flags, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    chunk(b"RIFF", &[&b"WEBP"[..], &vp8x, &chunk(b"VP8L", pixels), &exif].concat())
}

/// An OpenEXR with two chunks of pixels.
fn exr(texts: &[(&str, &str)], pixels: &[u8]) -> Vec<u8> {
    let mut file = [exr::SIGNATURE, &2u32.to_le_bytes()].concat();
    let mut add = |name: &str, kind: &str, value: &[u8]| {
        file.extend(format!("{name}\0{kind}\0").as_bytes());
        file.extend((value.len() as u32).to_le_bytes());
        file.extend(value);
    };
    add("lineOrder", "lineOrder", &[0]);
    texts.iter().for_each(|(name, text)| add(name, "string", text.as_bytes()));
    file.push(0);
    let first = file.len() as u64 + 16;
    file.extend(first.to_le_bytes());
    file.extend((first + 3).to_le_bytes());
    file.extend(pixels);
    file
}

/// A picture of each format with a graph, the same without, and one with other pixels.
fn pictures() -> Vec<[Vec<u8>; 3]> {
    let (prompt, text) = ([(GRAPH, GRAPH_TEXT)], format!("{GRAPH}:{GRAPH_TEXT}"));
    let (description, pixels, others) = ([(0x010e, &text[..])], b"pixels", b"PIXELS");
    vec![
        [png(&prompt, pixels), png(&[], pixels), png(&prompt, others)],
        [tiff(&description, pixels), tiff(&[], pixels), tiff(&description, others)],
        [jpeg(&description, pixels), jpeg(&[], pixels), jpeg(&description, others)],
        [webp(&description, pixels), webp(&[], pixels), webp(&description, others)],
        [exr(&prompt, pixels), exr(&[], pixels), exr(&prompt, others)],
    ]
}

#[test]
fn every_format_takes_more_texts_and_is_still_the_same_picture() {
    for [with, without, other] in pictures() {
        assert!(carries_a_graph(&with) && !carries_a_graph(&without));
        let added = add(&with, &[(RECORD, r#"{"version": "1"}"#), ("workflow", WORKFLOW)]);
        assert_eq!(added.left_out, [""; 0]);
        for (name, expected) in [(GRAPH, GRAPH_TEXT), (RECORD, r#"{"version": "1"}"#), ("workflow", ESCAPED)]
        {
            assert_eq!(text(&added.picture, name).as_deref(), Some(expected));
        }
        assert_eq!(text(&added.picture, "else"), None);
        let [found, of_without, of_other] = [&added.picture[..], &without, &other].map(content);
        assert!(found.is_some() && found == content(&with) && found == of_without);
        assert!(of_other.is_some() && found != of_other);
        let again = add(&with, &[(RECORD, r#"{"version": "1"}"#), ("workflow", WORKFLOW)]);
        assert!(added.picture == again.picture);
    }
}

#[test]
fn the_added_texts_are_where_comfyuis_readers_look() {
    let [png, ..] = &pictures()[0];
    let added = add(png, &[("workflow", WORKFLOW)]).picture;
    let place = |part: &[u8]| added.windows(part.len()).position(|window| window == part);
    assert!(place(b"tEXtworkflow\0{").unwrap() < place(b"IDAT").unwrap());
    let data = [&b"tEXtworkflow\0"[..], ESCAPED.as_bytes()].concat();
    assert_eq!(place(&crc32fast::hash(&data).to_be_bytes()), place(&data).map(|at| at + data.len()));
    let [jpeg, ..] = &pictures()[2];
    let added = add(jpeg, &[("workflow", WORKFLOW)]).picture;
    let make = [&0x010fu16.to_le_bytes()[..], &2u16.to_le_bytes()].concat();
    assert!(added.windows(4).any(|window| window == make), "a text in Make");
}

#[test]
fn what_has_no_place_is_told_and_nothing_else_is_lost() {
    let long = format!("\"{}\"", "x".repeat(70_000));
    let texts = [(RECORD, "{}"), ("workflow", &long[..]), ("mine", "{}"), ("no name", "{}"), (GRAPH, "{}")];
    let left_out: Vec<Vec<&str>> =
        pictures().iter().map(|[with, ..]| add(with, &texts).left_out.clone()).collect();
    let (all, exif, jpeg) = (vec!["no name"], vec!["no name", "mine"], vec!["no name", "workflow", "mine"]);
    assert_eq!(left_out, [all.clone(), exif.clone(), jpeg, exif, all]);
    for [with, ..] in pictures() {
        let added = add(&with, &texts).picture;
        assert_eq!(
            (text(&added, GRAPH).as_deref(), text(&added, RECORD).as_deref()),
            (Some(GRAPH_TEXT), Some("{}"))
        );
    }
}

#[test]
fn text_that_is_not_json_keeps_its_characters_in_a_png() {
    let [png, ..] = &pictures()[0];
    let added = add(png, &[("note", "Schläfer")]);
    assert_eq!(text(&added.picture, "note").as_deref(), Some("Schläfer"));
    let [exr, ..] = &pictures()[4];
    assert_eq!(add(exr, &[("note", "Schläfer")]).left_out, ["note"]);
}

#[test]
fn places_in_an_openexr_follow_its_pixels() {
    let [exr, ..] = &pictures()[4];
    let added = add(exr, &[("workflow", WORKFLOW)]).picture;
    let pixels = added.windows(6).position(|window| window == b"pixels").unwrap() as u64;
    let table = added.len() - 6 - 16;
    assert_eq!(added[table..table + 8], pixels.to_le_bytes());
    assert_eq!(added[table + 8..table + 16], (pixels + 3).to_le_bytes());
}

#[test]
fn a_file_of_another_kind_is_left_alone() {
    for file in [&b""[..], b"GIF89a", b"a text", b"\x89PNG\r\n\x1a\n", b"II*\0", b"\xff\xd8\xff"] {
        assert!(!carries_a_graph(file));
        assert!(add(file, &[(RECORD, "{}")]).picture == file);
    }
}

/// Faults: D2.
#[test]
fn damage_is_no_text_and_no_panic() {
    for [with, ..] in pictures() {
        let whole = add(&with, &[(RECORD, "{}"), ("workflow", WORKFLOW)]).picture.into_owned();
        for length in 0..whole.len() {
            let part = &whole[..length];
            let _ = (text(part, RECORD), content(part), add(part, &[("more", "{}"), ("workflow", "{}")]));
            // Of a WebP the metadata come last.
            assert!(webp::is_webp(&whole) || content(part) != content(&whole));
        }
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                let _ = (text(&damaged, RECORD), content(&damaged));
                let _ = add(&damaged, &[("more", "{}"), ("workflow", "{}")]);
            }
        }
    }
}
