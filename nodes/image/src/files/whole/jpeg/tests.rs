//! Baseline files come from the image crate's encoder, progressive ones from a small one here.

use super::*;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

fn baseline(colour: ExtendedColorType) -> Vec<u8> {
    let samples = if colour == ExtendedColorType::L8 { 1 } else { 3 };
    let noise = (0..45 * 37 * samples as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
    let mut out = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut out, 70);
    encoder.write_image(&noise.collect::<Vec<_>>(), 45, 37, colour).expect("encodes");
    out
}

/// Bits, as they lie in the file.
#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    bits: Vec<bool>,
}

impl Writer {
    fn put(&mut self, value: u32, count: u32) {
        self.bits.extend((0..count).rev().map(|i| value >> i & 1 == 1));
    }

    /// In the tables of these files, a symbol is its own code, of eight bits.
    fn symbol(&mut self, symbol: u32) {
        self.put(symbol, 8);
    }

    fn number(&mut self, v: i32, length: u32) {
        self.put((if v < 0 { v - 1 } else { v }) as u32 & ((1 << length) - 1), length);
    }

    fn end(&mut self) {
        while !self.bits.len().is_multiple_of(8) {
            self.bits.push(true);
        }
        for byte in self.bits.chunks(8) {
            let byte = byte.iter().fold(0, |sum, &bit| sum << 1 | u8::from(bit));
            self.out.push(byte);
            if byte == 0xFF {
                self.out.push(0);
            }
        }
        self.bits.clear();
    }

    fn segment(&mut self, marker: u8, data: &[u8]) {
        self.out.extend([0xFF, marker]);
        self.out.extend((data.len() as u16 + 2).to_be_bytes());
        self.out.extend(data);
    }
}

fn length_of(v: i32) -> u32 {
    32 - v.unsigned_abs().leading_zeros()
}

/// A grey progressive JPEG of 5 x 4 blocks: two scans, and two that refine them.
fn progressive(restart: u8) -> Vec<u8> {
    let mut hash = 1u32;
    let mut random = || {
        hash = hash.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        hash >> 16
    };
    let blocks: Vec<[i32; 64]> = (0..20)
        .map(|n| {
            // Some blocks are empty, for runs of them.
            let rare = if n % 5 < 2 { 1000 } else { 6 };
            std::array::from_fn(|k| match random() % rare {
                _ if k == 0 => random() as i32 % 60 - 30,
                0 => random() as i32 % 15 - 7,
                _ => 0,
            })
        })
        .collect();
    let mut w = Writer { out: vec![0xFF, 0xD8], ..Writer::default() };
    w.segment(0xDB, &[[0].as_slice(), &[8; 64]].concat());
    w.segment(0xC2, &[8, 0, 30, 0, 37, 1, 1, 0x11, 0]);
    for (kind, count) in [(0, 12), (0x10, 255)] {
        let counts = [0, 0, 0, 0, 0, 0, 0, count, 0, 0, 0, 0, 0, 0, 0, 0];
        let symbols: Vec<u8> = (0..count).collect();
        w.segment(0xC4, &[[kind].as_slice(), &counts, &symbols].concat());
    }
    w.segment(0xDD, &[0, restart]);
    let scan = |w: &mut Writer, first: u8, last: u8, bits: u8| w.segment(0xDA, &[1, 1, 0, first, last, bits]);
    let marks = |w: &mut Writer, n: usize| {
        let is_due = restart > 0 && n > 0 && n.is_multiple_of(restart.into());
        if is_due {
            w.end();
            w.out.extend([0xFF, 0xD0 + ((n / usize::from(restart) - 1) % 8) as u8]);
        }
        is_due
    };
    scan(&mut w, 0, 0, 0x01);
    let mut before = 0;
    for (n, block) in blocks.iter().enumerate() {
        if marks(&mut w, n) {
            before = 0;
        }
        let difference = (block[0] >> 1) - before;
        before = block[0] >> 1;
        w.symbol(length_of(difference));
        w.number(difference, length_of(difference));
    }
    w.end();
    scan(&mut w, 1, 63, 0x01);
    for (n, block) in blocks.iter().enumerate() {
        marks(&mut w, n);
        let mut run = 0;
        for v in block[1..].iter().map(|v| v / 2) {
            if v == 0 {
                run += 1;
                continue;
            }
            while run > 15 {
                w.symbol(0xF0);
                run -= 16;
            }
            w.symbol(run << 4 | length_of(v));
            w.number(v, length_of(v));
            run = 0;
        }
        if run > 0 {
            w.symbol(0);
        }
    }
    w.end();
    scan(&mut w, 0, 0, 0x10);
    for (n, block) in blocks.iter().enumerate() {
        marks(&mut w, n);
        w.put(block[0] as u32 & 1, 1);
    }
    w.end();
    scan(&mut w, 1, 63, 0x10);
    for (n, block) in blocks.iter().enumerate() {
        marks(&mut w, n);
        let last_new = (1..64).rev().find(|&k| block[k].abs() == 1).unwrap_or(0);
        let (mut run, mut later) = (0, Vec::new());
        for (k, v) in block.iter().enumerate().skip(1) {
            if *v == 0 {
                run += 1;
                continue;
            }
            while run > 15 && k <= last_new {
                w.symbol(0xF0);
                later.drain(..).for_each(|bit| w.put(bit, 1));
                run -= 16;
            }
            if v.abs() > 1 {
                later.push(v.unsigned_abs() & 1);
                continue;
            }
            w.symbol(run << 4 | 1);
            w.put(u32::from(*v > 0), 1);
            later.drain(..).for_each(|bit| w.put(bit, 1));
            run = 0;
        }
        if run > 0 || !later.is_empty() {
            w.symbol(0);
            later.drain(..).for_each(|bit| w.put(bit, 1));
        }
    }
    w.end();
    w.out.extend([0xFF, 0xD9]);
    w.out
}

fn files() -> Vec<Vec<u8>> {
    vec![baseline(ExtendedColorType::Rgb8), baseline(ExtendedColorType::L8), progressive(0), progressive(3)]
}

#[test]
fn only_without_the_end_marker_all_pixels_are_there() {
    for file in files() {
        assert_eq!(extent(&file), Extent::Complete);
        let whole = crate::files::decode::decode("a.jpg", &file, "").expect("it is whole");
        for lacking in [1, 2] {
            let cut = &file[..file.len() - lacking];
            assert_eq!(extent(cut), Extent::NoEnd(file.len() - 2));
            let found = crate::files::decode::decode("a.jpg", cut, "").expect("the pixels are there");
            assert_eq!(found.rgb, whole.rgb);
            assert!(found.warnings[0].contains("not the end marker"), "{:?}", found.warnings);
        }
        for length in 0..file.len() - 2 {
            assert_eq!(extent(&file[..length]), Extent::Truncated, "{length} of {}", file.len());
        }
    }
}

#[test]
fn an_end_marker_behind_too_little_does_not_help() {
    for file in files() {
        let start = file.windows(2).position(|pair| pair == [0xFF, 0xDA]).expect("a scan");
        for length in start..file.len() - 2 {
            let mended = [&file[..length], b"\xFF\xD9"].concat();
            assert_ne!(extent(&mended), Extent::Complete, "{length} of {}", file.len());
            assert!(crate::files::decode::decode("a.jpg", &mended, "").is_err());
        }
    }
}

#[test]
fn a_header_that_claims_more_rows_is_refused() {
    for file in files() {
        let frame = file.windows(2).position(|pair| matches!(pair, [0xFF, 0xC0 | 0xC2])).expect("a frame");
        for more in [20, 40, 200] {
            let mut taller = file.clone();
            taller[frame + 6] += more;
            assert_ne!(extent(&taller), Extent::Complete, "{more}");
            let mut wider = file.clone();
            wider[frame + 8] += more;
            assert_ne!(extent(&wider), Extent::Complete, "{more}");
            let Err(error) = crate::files::decode::decode("a.jpg", &taller, "") else {
                panic!("it was read")
            };
            assert!(error.to_string().contains("do not hold all its pixels"), "{error}");
        }
    }
}

#[test]
fn half_a_file_with_an_end_marker_is_refused() {
    let half = include_bytes!("../../../../../../tests/ref/reports/half.jpg");
    assert_eq!(extent(half), Extent::Truncated);
    let no_end = include_bytes!("../../../../../../tests/ref/reports/no_eoi.jpg");
    let found = crate::files::decode::decode("a.jpg", no_end, "").expect("the pixels are there");
    assert_eq!(found.warnings.len(), 1, "{:?}", found.warnings);
    let at = 3 * (20 * 32 + 10);
    for (found, expected) in found.rgb[at..at + 3].iter().zip([80.0, 160.0, 120.0]) {
        assert!((found * 255.0 - expected).abs() < 6.0, "{found}");
    }
}

#[test]
fn codes_that_no_table_has_are_damage() {
    let mut file = progressive(0);
    let start = file.windows(2).position(|pair| pair == [0xFF, 0xDA]).expect("a scan");
    // The code of only ones is in no table.
    file[start + 10..start + 14].copy_from_slice(&[0xFF, 0, 0xFF, 0]);
    assert_eq!(extent(&file), Extent::Damaged);
}

#[test]
fn colours_are_counted() {
    assert_eq!(colours(&baseline(ExtendedColorType::Rgb8)), Some(3));
    assert_eq!(colours(&progressive(0)), Some(1));
    assert_eq!(colours(b"\xFF\xD8\xFF\xDA"), None);
}
