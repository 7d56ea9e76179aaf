//! TIFFs are written here tag by tag, so that every kind is there, and a few files of other programs are read.

mod doubtful;
pub(in crate::files::decode) mod writer;

use super::super::{Picture, decode};
use writer::{Order, Tiff, packed};

/// The colour at (x, y); at (10, 20) it is (80, 160, 120).
fn colour(x: usize, y: usize) -> [u8; 3] {
    [x as u8 * 8, y as u8 * 8, (x + y) as u8 * 4]
}

#[track_caller]
fn read(file: &Tiff) -> Picture {
    match decode("a.tif", &file.bytes(), "") {
        Ok(picture) => picture,
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn refused(file: &Tiff) -> String {
    match decode("a.tif", &file.bytes(), "") {
        Ok(_) => panic!("it was read"),
        Err(error) => error.to_string().split("; hint: ").next().unwrap_or_default().to_owned(),
    }
}

/// The pixel at (10, 20) in 1/255, and its mask.
fn pixel(picture: &Picture) -> ([f32; 3], f32) {
    let at = 20 * picture.width + 10;
    ([0, 1, 2].map(|i| picture.rgb[3 * at + i] * 255.0), picture.mask[at])
}

#[track_caller]
fn check(what: &str, picture: &Picture, expected: [f32; 3], mask: f32, tolerance: f32) {
    let (found, found_mask) = pixel(picture);
    let is_near = found.iter().zip(expected).all(|(f, e)| (f - e).abs() <= tolerance);
    assert!(is_near && (found_mask - mask).abs() < 0.01, "{what}: {found:?} {found_mask}");
    assert_eq!((picture.width, picture.height), (32, 32), "{what}");
}

/// Samples of `bits` bits and the format, of the test picture; 1, 2, 3 or 4 of them a pixel, the last of an
/// even number is an alpha of 1/2.
fn samples(order: Order, format: u16, bits: u16, count: usize, multiplied: bool) -> Vec<Vec<u8>> {
    let number = |v: f64| order.sample(format, bits, v);
    let row = |y: usize| {
        let pixels = (0..32).map(|x| {
            let [r, g, b] = colour(x, y).map(|v| f64::from(v) / 255.0 * if multiplied { 0.5 } else { 1.0 });
            match count {
                1 => vec![r],
                2 => vec![r, 0.5],
                3 => vec![r, g, b],
                _ => vec![r, g, b, 0.5],
            }
        });
        let numbers: Vec<_> = pixels.flatten().collect();
        if bits < 8 || (9..16).contains(&bits) {
            let max = f64::from((1u32 << bits) - 1);
            packed(&numbers.iter().map(|v| (v * max).round() as u32).collect::<Vec<_>>(), bits)
        } else {
            numbers.into_iter().flat_map(number).collect()
        }
    };
    (0..32).map(row).collect()
}

pub(in crate::files::decode) fn picture(
    order: Order,
    format: u16,
    bits: u16,
    count: usize,
    extra: Option<u64>,
) -> Tiff {
    let rows = samples(order, format, bits, count, extra == Some(1));
    let mut tiff = Tiff::new(order, 32, 32, rows);
    tiff.set(258, 3, vec![bits.into(); count]).set(262, 3, vec![if count < 3 { 1 } else { 2 }]);
    tiff.set(277, 3, vec![count as u64]).set(339, 3, vec![format.into(); count]);
    if let Some(extra) = extra {
        tiff.set(338, 3, vec![extra]);
    }
    tiff
}

const ORDERS: [Order; 4] = [
    Order { is_little: true, is_big: false },
    Order { is_little: false, is_big: false },
    Order { is_little: true, is_big: true },
    Order { is_little: false, is_big: true },
];
pub(in crate::files::decode) const LITTLE: Order = ORDERS[0];

#[test]
fn every_depth_and_format_is_read_in_every_byte_order() {
    let integers = (1..=16).chain([32, 64]).map(|bits| (1, bits));
    let kinds =
        integers.chain([8, 16, 32, 64].map(|bits| (2, bits))).chain([16, 32, 64].map(|bits| (3, bits)));
    for (format, bits) in kinds {
        for order in ORDERS {
            for count in 1..=4usize {
                let what = format!("{format} {bits} {order:?} {count}");
                let extra = count.is_multiple_of(2).then_some(2);
                let found = read(&picture(order, format, bits, count, extra));
                let expected = if count < 3 { [80.0; 3] } else { [80.0, 160.0, 120.0] };
                let step = if bits < 16 {
                    255.0 / ((1u32 << (bits - u16::from(format == 2))) - 1) as f32
                } else {
                    0.1
                };
                if bits > 2 {
                    let mask = if extra.is_some() { 0.5 } else { 0.0 };
                    let (_, found_mask) = pixel(&found);
                    assert!((found_mask - mask).abs() <= step / 255.0, "{what}: {found_mask}");
                }
                let mask = pixel(&found).1;
                check(&what, &found, expected, mask, step / 2.0 + 0.1);
                assert!(found.warnings.is_empty(), "{what}: {:?}", found.warnings);
            }
        }
    }
}

#[test]
fn associated_alpha_is_taken_out() {
    for (format, bits) in [(1, 8), (1, 12), (1, 16), (1, 32), (3, 16), (3, 32), (3, 64)] {
        for (count, expected) in [(2, [80.0; 3]), (4, [80.0, 160.0, 120.0])] {
            let found = read(&picture(LITTLE, format, bits, count, Some(1)));
            check(&format!("{format} {bits} {count}"), &found, expected, 0.5, 1.0);
            assert!(found.warnings.is_empty(), "{:?}", found.warnings);
        }
    }
}

#[test]
fn compressions_planes_strips_and_tiles_give_the_same_picture() {
    for (format, bits) in [(1, 8), (1, 16), (1, 32), (3, 32), (1, 4), (1, 12)] {
        for compression in [1, 5, 8, 32_946, 32_773] {
            for planar in [false, true] {
                for tiled in [false, true] {
                    if tiled && bits % 8 != 0 {
                        continue;
                    }
                    let mut file = picture(LITTLE, format, bits, 3, None);
                    file.compression = compression;
                    if planar {
                        file.split(3, bits);
                    }
                    if tiled {
                        file.tile(16, 2 * usize::from(bits) * if planar { 1 } else { 3 });
                    } else {
                        file.rows_per_strip = 5;
                    }
                    let found = read(&file);
                    let what = format!("{bits} {compression} {planar} {tiled}");
                    let tolerance = if bits == 4 { 9.0 } else { 0.2 };
                    check(&what, &found, [80.0, 160.0, 120.0], 0.0, tolerance);
                    assert!(found.warnings.is_empty(), "{what}: {:?}", found.warnings);
                }
            }
        }
    }
}

#[test]
fn palettes_become_colours() {
    for bits in [1u16, 2, 4, 8, 16] {
        let count = 1usize << bits;
        // The last index is the expected colour.
        let entry = |i: usize, v: u64, max: u64| if i == count - 1 { v * max / 255 } else { 0 };
        for max in [65_535, 255] {
            let map: Vec<u64> =
                [80, 160, 120].iter().flat_map(|&v| (0..count).map(move |i| entry(i, v, max))).collect();
            let row = if bits == 16 { vec![0xFF; 64] } else { packed(&[count as u32 - 1; 32], bits) };
            let mut file = Tiff::new(LITTLE, 32, 32, vec![row; 32]);
            file.set(258, 3, vec![bits.into()]).set(262, 3, vec![3]).set(320, 3, map);
            let found = read(&file);
            check(&format!("{bits} {max}"), &found, [80.0, 160.0, 120.0], 0.0, 0.1);
            assert_eq!(found.warnings.len(), usize::from(max == 255), "{:?}", found.warnings);
        }
    }
    let mut file = Tiff::new(LITTLE, 32, 32, vec![vec![0; 32]; 32]);
    file.set(258, 3, vec![8]).set(262, 3, vec![3]).set(320, 3, vec![0; 6]);
    assert!(refused(&file).contains("palette has 6 numbers instead of 768"), "{}", refused(&file));
}

#[test]
fn zero_may_be_white() {
    for (format, bits) in [(1, 1), (1, 4), (1, 8), (1, 10), (1, 16), (1, 32), (3, 32)] {
        let mut file = picture(LITTLE, format, bits, 1, None);
        file.set(262, 3, vec![0]);
        let expected = if bits == 1 { 255.0 } else { 175.0 };
        check(&format!("{bits}"), &read(&file), [expected; 3], 0.0, 9.0);
    }
}

#[test]
fn cmyk_is_converted_with_a_warning() {
    for bits in [8, 16] {
        let rows = (0..32).map(|y| {
            (0..32)
                .flat_map(|x| colour(x, y).map(|v| 1.0 - f64::from(v) / 255.0).into_iter().chain([0.0]))
                .flat_map(|v| LITTLE.sample(1, bits, v))
                .collect()
        });
        let mut file = Tiff::new(LITTLE, 32, 32, rows.collect());
        file.set(258, 3, vec![bits.into(); 4]).set(262, 3, vec![5]).set(277, 3, vec![4]);
        let found = read(&file);
        check("CMYK", &found, [80.0, 160.0, 120.0], 0.0, 0.1);
        assert!(found.warnings[0].contains("CMYK without a profile"), "{:?}", found.warnings);
        file.set(332, 3, vec![2]);
        assert!(refused(&file).contains("other inks"), "{}", refused(&file));
    }
}

#[test]
fn group_4_is_read_and_a_cut_one_refused() {
    // A one per row says that it is like the row above, which is white; then comes the end of the block.
    let mut file = Tiff::new(LITTLE, 32, 32, vec![vec![0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x10, 0x01]]);
    file.set(258, 3, vec![1]).set(262, 3, vec![0]);
    file.compression = 4;
    file.is_packed = true;
    check("Group 4", &read(&file), [255.0; 3], 0.0, 0.0);
    file.set(262, 3, vec![1]);
    check("Group 4", &read(&file), [0.0; 3], 0.0, 0.0);
    file.chunks = vec![vec![0xFF; 2]];
    refused(&file);
}

#[test]
fn orientation_is_applied_once_and_more_pages_are_noted() {
    for order in ORDERS {
        let mut file = picture(order, 1, 16, 3, None);
        file.set(274, 3, vec![6]);
        let found = read(&file);
        // Turned clockwise: what was at (10, 20) is at (31 - 20, 10).
        let at = 10 * 32 + 11;
        for (found, expected) in found.rgb[3 * at..3 * at + 3].iter().zip([80.0, 160.0, 120.0]) {
            assert!((found * 255.0 - expected).abs() < 0.1, "{found}");
        }
        let mut file = picture(order, 1, 8, 3, None);
        file.has_next = true;
        let found = read(&file);
        check("pages", &found, [80.0, 160.0, 120.0], 0.0, 0.1);
        assert!(found.notes[0].contains("several pages"), "{:?}", found.notes);
    }
}

#[test]
fn files_of_other_programs_are_read() {
    let rgb = [80.0, 160.0, 120.0];
    let files: [(&str, &[u8], [f32; 3], f32); 7] = [
        ("u32_rgb", include_bytes!("../../../../../../tests/ref/reports/u32_rgb.tif"), rgb, 0.0),
        ("palette", include_bytes!("../../../../../../tests/ref/reports/palette.tif"), rgb, 0.0),
        ("bigtiff", include_bytes!("../../../../../../tests/ref/reports/bigtiff.tif"), rgb, 0.0),
        ("grey_f32", include_bytes!("../../../../../../tests/ref/reports/grey_f32.tif"), [80.0; 3], 0.0),
        ("grey_alpha", include_bytes!("../../../../../../tests/ref/reports/grey_alpha.tif"), [132.0; 3], 0.0),
        ("assoc_alpha", include_bytes!("../../../../../../tests/ref/reports/assoc_alpha.tif"), rgb, 0.5),
        (
            "icc_adobe_small",
            include_bytes!("../../../../../../tests/ref/reports/icc_adobe_small.tif"),
            [0.0, 161.0, 119.0],
            0.0,
        ),
    ];
    for (name, bytes, expected, mask) in files {
        let found = decode("a.tif", bytes, "").expect(name);
        // The palette has few colours.
        check(name, &found, expected, mask, if name == "palette" { 4.0 } else { 1.0 });
        assert!(found.warnings.is_empty(), "{name}: {:?}", found.warnings);
    }
}

#[test]
fn floats_may_be_stored_as_differences_of_their_bytes() {
    for (bits, count) in [(16, 3), (32, 1), (32, 3), (64, 4)] {
        let mut file = picture(LITTLE, 3, bits, count, count.is_multiple_of(2).then_some(2));
        file.compression = 8;
        for row in &mut file.chunks {
            // The highest bytes of all samples, then the next ones, and so on; each less the one of the pixel before.
            let size = usize::from(bits) / 8;
            let mut planes: Vec<u8> =
                (0..size).rev().flat_map(|b| row.iter().skip(b).step_by(size).copied()).collect();
            for i in (count..planes.len()).rev() {
                planes[i] = planes[i].wrapping_sub(planes[i - count]);
            }
            *row = planes;
        }
        file.set(317, 3, vec![3]);
        let expected = if count == 1 { [80.0; 3] } else { [80.0, 160.0, 120.0] };
        check(&format!("{bits} {count}"), &read(&file), expected, if count == 4 { 0.5 } else { 0.0 }, 0.1);
    }
}
