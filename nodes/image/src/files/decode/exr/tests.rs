//! OpenEXR files are written here, uncompressed, so that every layout of channels is there.

use super::super::{Picture, decode};
use crate::transfer::to_linear;
use ::exr::prelude::f16;

const SIDE: usize = 32;

/// One part: its name, and the names of its channels with type (0 u32, 1 f16, 2 f32) and sampling.
pub(in crate::files::decode) struct Part<'a>(
    pub(in crate::files::decode) &'a str,
    pub(in crate::files::decode) &'a [(&'a str, u32, u32)],
);

/// Linear light of the test picture: colours as `x * 8`, `y * 8`, `(x + y) * 4`, so (80, 160, 120) at (10, 20);
/// alpha is 1/2, and colours are premultiplied if there is one.
fn value(channel: &str, x: usize, y: usize, scale: f32) -> f32 {
    let [r, g, b] = [x * 8, y * 8, (x + y) * 4].map(|v| to_linear(v as f32 / 255.0) * scale);
    let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    match channel.rsplit('.').next().expect("a name") {
        "G" | "g" => g,
        "B" | "b" => b,
        "A" | "a" => 0.5,
        "RY" | "BY" if luma == 0.0 => 0.0,
        "RY" => r / luma - 1.0,
        "BY" => b / luma - 1.0,
        "Y" => luma,
        _ => r,
    }
}

pub(in crate::files::decode) fn attribute(name: &str, kind: &str, data: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b"\0", kind.as_bytes(), b"\0", &(data.len() as u32).to_le_bytes(), data].concat()
}

fn header(part: &Part<'_>, is_one: bool, more: &[u8]) -> Vec<u8> {
    let mut channels = Vec::new();
    for (name, kind, sampling) in part.1 {
        channels.extend([name.as_bytes(), b"\0"].concat());
        channels.extend([*kind, 0, *sampling, *sampling].map(u32::to_le_bytes).concat());
    }
    channels.push(0);
    let window = [0, 0, SIDE as u32 - 1, SIDE as u32 - 1].map(u32::to_le_bytes).concat();
    let one = 1f32.to_le_bytes();
    let mut out = [
        attribute("channels", "chlist", &channels),
        attribute("compression", "compression", &[0]),
        attribute("dataWindow", "box2i", &window),
        attribute("displayWindow", "box2i", &window),
        attribute("lineOrder", "lineOrder", &[0]),
        attribute("pixelAspectRatio", "float", &one),
        attribute("screenWindowCenter", "v2f", &[0; 8]),
        attribute("screenWindowWidth", "float", &one),
    ]
    .concat();
    if !is_one {
        out.extend(attribute("name", "string", part.0.as_bytes()));
        out.extend(attribute("type", "string", b"scanlineimage"));
        out.extend(attribute("chunkCount", "int", &(SIDE as u32).to_le_bytes()));
    }
    out.extend(more);
    out.push(0);
    out
}

/// Channels must be in the order of their names.
pub(in crate::files::decode) fn write(parts: &[Part<'_>], more: &[u8]) -> Vec<u8> {
    let is_one = parts.len() == 1;
    let mut out = b"\x76\x2F\x31\x01".to_vec();
    out.extend([2, if is_one { 0 } else { 0x10 }, 0, 0]);
    for part in parts {
        out.extend(header(part, is_one, more));
    }
    if !is_one {
        out.push(0);
    }
    let mut chunks = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let scale = if part.1.iter().any(|(name, ..)| name.eq_ignore_ascii_case("A") || name.ends_with(".A"))
        {
            0.5
        } else {
            1.0
        };
        for y in 0..SIDE {
            let mut data = Vec::new();
            for (name, kind, sampling) in part.1 {
                if !y.is_multiple_of(*sampling as usize) {
                    continue;
                }
                for x in (0..SIDE).step_by(*sampling as usize) {
                    let value = value(name, x, y, scale);
                    match kind {
                        0 => data.extend((value.round() as u32).to_le_bytes()),
                        1 => data.extend(f16::from_f32(value).to_le_bytes()),
                        _ => data.extend(value.to_le_bytes()),
                    }
                }
            }
            let part = if is_one { Vec::new() } else { (number as u32).to_le_bytes().to_vec() };
            let head = [y as u32, data.len() as u32].map(u32::to_le_bytes).concat();
            chunks.push([part, head, data].concat());
        }
    }
    let mut place = out.len() + 8 * chunks.len();
    for chunk in &chunks {
        out.extend((place as u64).to_le_bytes());
        place += chunk.len();
    }
    out.extend(chunks.concat());
    out
}

#[track_caller]
fn read(bytes: &[u8], layer: &str) -> Picture {
    match decode("a.exr", bytes, layer) {
        Ok(picture) => picture,
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn refused(bytes: &[u8], layer: &str) -> String {
    match decode("a.exr", bytes, layer) {
        Ok(_) => panic!("it was read"),
        Err(error) => error.to_string().split("; hint: ").next().unwrap_or_default().to_owned(),
    }
}

const RGB: [f32; 3] = [80.0, 160.0, 120.0];
const RED: [f32; 3] = [80.0; 3];

#[track_caller]
fn check(picture: &Picture, expected: [f32; 3], mask: f32) {
    let at = 20 * SIDE + 10;
    let found = [0, 1, 2].map(|i| picture.rgb[3 * at + i] * 255.0);
    assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 0.2), "{found:?}");
    assert!((picture.mask[at] - mask).abs() < 1e-3, "{}", picture.mask[at]);
}

/// The luminance of the test colour, as grey.
fn luma() -> [f32; 3] {
    let linear = RGB.map(|v| to_linear(v / 255.0));
    [crate::transfer::from_linear(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]) * 255.0; 3]
}

#[test]
fn every_set_of_channels_is_read() {
    for kind in [1, 2] {
        let cases: [(&[&str], [f32; 3], f32); 10] = [
            (&["B", "G", "R"], RGB, 0.0),
            (&["A", "B", "G", "R"], RGB, 0.5),
            (&["b", "g", "r"], RGB, 0.0),
            (&["Y"], luma(), 0.0),
            (&["A", "Y"], luma(), 0.5),
            (&["R"], RED, 0.0),
            (&["A", "R"], RED, 0.5),
            (&["density"], RED, 0.0),
            (&["BY", "RY", "Y"], RGB, 0.0),
            (&["A", "BY", "RY", "Y"], RGB, 0.5),
        ];
        for (names, expected, mask) in cases {
            let channels: Vec<_> = names.iter().map(|name| (*name, kind, 1)).collect();
            let picture = read(&write(&[Part("", &channels)], &[]), "");
            check(&picture, expected, mask);
            assert!(picture.warnings.is_empty(), "{names:?}: {:?}", picture.warnings);
        }
    }
    let picture = read(&write(&[Part("", &[("A", 2, 1)])], &[]), "");
    check(&picture, [crate::transfer::from_linear(0.5) * 255.0; 3], 0.0);
    check(&read(&write(&[Part("", &[("id", 0, 1)])], &[]), ""), [0.0; 3], 0.0);
}

#[test]
fn other_channels_are_named_or_refused() {
    let channels = [("B", 2, 1), ("G", 1, 1), ("R", 2, 1), ("Z", 2, 1)];
    let picture = read(&write(&[Part("", &channels)], &[]), "");
    check(&picture, RGB, 0.0);
    assert!(
        picture.warnings[0].ends_with("more channels than colour and alpha: Z"),
        "{:?}",
        picture.warnings
    );
    let error = refused(&write(&[Part("", &[("G", 2, 1), ("R", 2, 1)])], &[]), "");
    assert!(error.contains("has the channels G, R; supported are R, G, B"), "{error}");
}

#[test]
fn layers_are_chosen_by_name_and_listed() {
    let three = |prefix: &str| ["B", "G", "R"].map(|c| format!("{prefix}{c}"));
    let beauty = three("beauty.");
    let beauty: Vec<_> = beauty.iter().map(|name| (name.as_str(), 2, 1)).collect();
    let one = write(&[Part("", &beauty)], &[]);
    check(&read(&one, ""), RGB, 0.0);
    check(&read(&one, "beauty"), RGB, 0.0);
    assert_eq!(refused(&one, "light"), "`a.exr` has no layer `light`; its layers are `beauty`");

    let with_depth = [beauty.as_slice(), &[("depth.Z", 2, 1)]].concat();
    let bytes = write(&[Part("", &with_depth)], &[]);
    let picture = read(&bytes, "");
    check(&picture, RGB, 0.0);
    assert!(picture.notes[0].contains("`beauty`, `depth`, of which `beauty` is read"), "{:?}", picture.notes);
    check(&read(&bytes, "depth"), RED, 0.0);

    let two = [beauty.as_slice(), &[("light.Y", 2, 1)]].concat();
    let error = refused(&write(&[Part("", &two)], &[]), "");
    assert_eq!(error, "`a.exr` has several layers: `beauty`, `light`");
    check(&read(&write(&[Part("", &two)], &[]), "light"), luma(), 0.0);

    let plain = [&[("B", 2, 1), ("G", 2, 1), ("R", 2, 1)], beauty.as_slice()].concat();
    check(&read(&write(&[Part("", &plain)], &[]), ""), RGB, 0.0);

    let rgb = [("B", 2, 1), ("G", 2, 1), ("R", 2, 1)];
    let parts = write(&[Part("left", &rgb), Part("right", &[("Y", 1, 1)])], &[]);
    assert_eq!(refused(&parts, ""), "`a.exr` has several layers: `left`, `right`");
    check(&read(&parts, "left"), RGB, 0.0);
    check(&read(&parts, "right"), luma(), 0.0);

    let Err(error) = decode("a.qoi", b"qoif\0\0\0\x01\0\0\0\x01\x03\0\xC0\0\0\0\0\0\0\0\x01", "beauty")
    else {
        panic!("a layer of a QOI");
    };
    assert!(error.to_string().starts_with("`a.qoi` is a QOI, which has no layers"), "{error}");
}

#[test]
fn reduced_chroma_and_deep_data_are_refused() {
    let error = refused(&write(&[Part("", &[("BY", 1, 2), ("RY", 1, 2), ("Y", 1, 1)])], &[]), "");
    assert!(error.contains("channels of reduced size (subsampled chroma)"), "{error}");
    let more =
        [attribute("type", "string", b"deepscanline"), attribute("version", "int", &[1, 0, 0, 0])].concat();
    let mut deep = write(&[Part("", &[("R", 1, 1)])], &more);
    deep[5] |= 8;
    let error = refused(&deep, "");
    assert!(error.contains("deep"), "{error}");
}

#[test]
fn other_primaries_are_warned_about() {
    let numbers = |red: f32| [red, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329].map(f32::to_le_bytes).concat();
    for (red, warnings) in [(0.64, 0), (0.708, 1)] {
        let more = attribute("chromaticities", "chromaticities", &numbers(red));
        let picture = read(&write(&[Part("", &[("B", 2, 1), ("G", 2, 1), ("R", 2, 1)])], &more), "");
        assert_eq!(picture.warnings.len(), warnings, "{:?}", picture.warnings);
    }
}

#[test]
fn a_block_that_is_missing_is_not_black() {
    let mut bytes = write(&[Part("", &[("R", 2, 1)])], &[]);
    let table = bytes.len() - SIDE * (8 + 4 * SIDE) - 8 * SIDE;
    bytes.copy_within(table..table + 8, table + 8);
    assert!(refused(&bytes, "").contains("parts of the picture are missing"), "{}", refused(&bytes, ""));
}

#[test]
fn data_lie_where_the_display_window_says() {
    let mut bytes = write(&[Part("", &[("A", 1, 1), ("R", 2, 1)])], &[]);
    let name = b"displayWindow\0box2i\0";
    let start = bytes.windows(name.len()).position(|w| w == name).expect("it is written") + name.len() + 4;
    // Two columns and three rows more at the top left, and 20 columns less at the right.
    bytes[start..start + 16].copy_from_slice(&[-2i32, -3, 11, 31].map(i32::to_le_bytes).concat());
    let picture = read(&bytes, "");
    assert_eq!((picture.width, picture.height), (14, 35));
    let at = 23 * 14 + 12;
    assert!((picture.rgb[3 * at] * 255.0 - 80.0).abs() < 0.2, "{}", picture.rgb[3 * at]);
    assert_eq!((picture.mask[at], picture.mask[0], picture.rgb[0]), (0.5, 1.0, 0.0));
}

#[test]
fn files_of_other_programs_are_read() {
    // Linear light of 10/31.
    let expected = [crate::transfer::from_linear(10.0 / 31.0) * 255.0; 3];
    check(&read(include_bytes!("../../../../../../tests/ref/reports/Y.exr"), ""), expected, 0.0);
    check(&read(include_bytes!("../../../../../../tests/ref/reports/R_only.exr"), ""), expected, 0.0);
}
