//! What is read of every format, each kind of it decoded here and written to docs/formats.md (`just bless`).

use super::pictures::{self, GREY, GREY_ALPHA, PALETTE, RGB, RGBA, encoded, rgb, rgba};
use super::*;
use crate::files::decode::exr::tests::{Part, attribute, write};
use crate::files::decode::tiff::tests::writer::{Tiff, packed};
use crate::files::decode::tiff::tests::{LITTLE, picture};

/// A row of the table.
struct Row([String; 5], String);

/// Rows that are collected.
#[derive(Default)]
struct Table(Vec<Row>);

/// What a pixel must be: its place, its colour in 1/255, its mask, and how far off it may be.
struct Pixel(usize, usize, [f32; 3], f32, f32);

/// The pixel at (10, 10), opaque.
fn left(tolerance: f32) -> Pixel {
    Pixel(10, 10, [100.0, 140.0, 120.0], 0.0, tolerance)
}

/// The pixel at (20, 10), where alpha is 2/5.
fn right(tolerance: f32) -> Pixel {
    Pixel(20, 10, [200.0, 140.0, 180.0], 0.6, tolerance)
}

/// The pixel of the TIFFs and OpenEXRs.
fn other(mask: f32, tolerance: f32) -> Pixel {
    Pixel(10, 20, [80.0, 160.0, 120.0], mask, tolerance)
}

impl Pixel {
    fn grey(self) -> Self {
        Self(self.0, self.1, [self.2[0]; 3], self.3, self.4)
    }
}

impl Table {
    /// One more row: format, bits, channels, alpha, profile; and its files, all read or refused the same.
    fn row(&mut self, cells: [&str; 5], files: Vec<Vec<u8>>, pixels: &[Pixel]) {
        let mut outcomes: Vec<String> = files.iter().map(|file| outcome(&cells, file, pixels)).collect();
        outcomes.dedup();
        let [outcome] = outcomes.as_slice() else { panic!("{cells:?}: {outcomes:?}") };
        self.0.push(Row(cells.map(str::to_owned), outcome.clone()));
    }

    fn text(&self) -> String {
        let head = "| format | bits | channels | alpha | profile | in |\n|---|---|---|---|---|---|\n";
        let rows =
            self.0.iter().map(|Row(cells, outcome)| format!("| {} | {outcome} |\n", cells.join(" | ")));
        format!("{head}{}", rows.collect::<String>())
    }
}

/// "read", with the warnings, or "refused" with the words. Without pixels, it must be refused.
fn outcome(cells: &[&str; 5], file: &[u8], pixels: &[Pixel]) -> String {
    let found = decode("FILE", file, "");
    let picture = match found {
        Ok(picture) => picture,
        Err(error) => {
            let error = error.to_string();
            assert!(pixels.is_empty(), "{cells:?}: {error}");
            return format!("refused: {error}");
        }
    };
    assert!(!pixels.is_empty(), "{cells:?} was read");
    for Pixel(x, y, expected, mask, tolerance) in pixels {
        let at = y * picture.width + x;
        let found = [0, 1, 2].map(|i| picture.rgb[3 * at + i] * 255.0);
        let is_near =
            found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= *tolerance);
        let is_masked = (picture.mask[at] - mask).abs() * 255.0 <= *tolerance;
        assert!(is_near && is_masked, "{cells:?}: {found:?} {} for {expected:?} {mask}", picture.mask[at]);
    }
    let said: Vec<String> = picture.warnings.into_iter().chain(picture.notes).collect();
    if said.is_empty() { "read".to_owned() } else { format!("read: {}", said.join("; ")) }
}

fn png(table: &mut Table) {
    for (colours, title, alpha, depths) in [
        (GREY, "grey", "none", &[1, 2, 4, 8, 16][..]),
        (RGB, "RGB", "none", &[8, 16]),
        (GREY_ALPHA, "grey", "straight", &[8, 16]),
        (RGBA, "RGB", "straight", &[8, 16]),
    ] {
        for &bits in depths {
            let step = 255.0 / ((1u32 << bits) - 1) as f32;
            let mut pixels = vec![left(step + 0.01)];
            if alpha == "straight" {
                pixels.push(right(step + 0.01));
            }
            if title == "grey" {
                pixels = pixels.into_iter().map(Pixel::grey).collect();
            }
            let files = [false, true].map(|interlaced| pictures::png(colours, bits, interlaced, &[]));
            table.row(["PNG", &bits.to_string(), title, alpha, "none"], files.to_vec(), &pixels);
        }
    }
    for bits in [1usize, 2, 4, 8] {
        let index = 10 & ((1 << bits) - 1);
        let expected = pictures::colour(index, 10).map(f32::from);
        let files = [false, true].map(|interlaced| pictures::png(PALETTE, bits, interlaced, &[]));
        let pixel = Pixel(10, 10, expected, 0.0, 0.01);
        table.row(["PNG", &bits.to_string(), "palette", "none", "none"], files.to_vec(), &[pixel]);
    }
    let file = pictures::png(PALETTE, 8, false, &[(b"tRNS", &[0, 51, 255])]);
    let pixel = Pixel(1, 10, [10.0, 140.0, 66.0], 0.8, 0.01);
    table.row(["PNG", "8", "palette", "of an index (tRNS)", "none"], vec![file], &[pixel]);
    let file = pictures::png(RGB, 8, false, &[(b"tRNS", &[0, 100, 0, 140, 0, 120])]);
    let pixel = Pixel(10, 10, [100.0, 140.0, 120.0], 1.0, 0.01);
    table.row(["PNG", "8", "RGB", "of a colour (tRNS)", "none"], vec![file], &[pixel]);
    with_profile(table, "PNG", ImageFormat::Png, 0.01);
}

/// The colour of `left` in Display P3, in sRGB: what a conversion in f64 with the matrices of both gives.
fn with_profile(table: &mut Table, title: &str, format: ImageFormat, tolerance: f32) {
    let pixel = || {
        let linear = [100.0, 140.0, 120.0].map(|v: f32| transfer::to_linear(v / 255.0));
        // Display P3 to sRGB, both with the white D65.
        let rows = [
            [1.224_940_2, -0.224_940_2, 0.0],
            [-0.042_056_95, 1.042_056_9, 0.0],
            [-0.019_637_55, -0.078_636_05, 1.098_273_6],
        ];
        let srgb = rows.map(|row: [f32; 3]| row.iter().zip(linear).map(|(a, b)| a * b).sum::<f32>());
        Pixel(10, 10, srgb.map(|v| transfer::from_linear(v) * 255.0), 0.0, tolerance + 0.5)
    };
    table.row([title, "8", "RGB", "none", "RGB"], vec![pictures::profiled(format)], &[pixel()]);
}

fn jpeg(table: &mut Table) {
    let baseline = encoded(&rgb(), ImageFormat::Jpeg);
    let files = vec![baseline.clone(), pictures::progressive_jpeg(), pictures::subsampled_jpeg()];
    table.row(["JPEG", "8", "RGB (baseline, progressive, 4:2:0)", "none", "none"], files, &[left(6.0)]);
    let grey = Pixel(10, 10, [126.0; 3], 0.0, 4.0);
    table.row(["JPEG", "8", "grey", "none", "none"], vec![pictures::grey_jpeg()], &[grey]);
    table.row(["JPEG", "8", "CMYK", "none", "none"], vec![pictures::cmyk_jpeg()], &[left(8.0)]);
    with_profile(table, "JPEG", ImageFormat::Jpeg, 4.0);
    let frame = baseline.windows(2).position(|part| part == b"\xFF\xC0").expect("a frame");
    let with = |at: usize, byte: u8| {
        let mut file = baseline.clone();
        file[frame + at] = byte;
        vec![file]
    };
    table.row(["JPEG", "12", "any", "", ""], with(4, 12), &[]);
    table.row(["JPEG", "8", "any, lossless", "", ""], with(1, 0xC3), &[]);
    table.row(["JPEG", "8", "any, arithmetic coding", "", ""], with(1, 0xC9), &[]);
}

fn webp(table: &mut Table) {
    let lossless = |picture: &DynamicImage| vec![encoded(picture, ImageFormat::WebP)];
    table.row(["WebP", "8", "RGB, lossless", "none", "none"], lossless(&rgb()), &[left(0.01)]);
    table.row(
        ["WebP", "8", "RGB, lossless", "straight", "none"],
        lossless(&rgba()),
        &[left(0.01), right(0.01)],
    );
    table.row(["WebP", "8", "RGB, lossy", "none", "none"], vec![pictures::lossy_webp()], &[left(8.0)]);
    let file = pictures::lossy_webp_alpha();
    table.row(["WebP", "8", "RGB, lossy", "straight", "none"], vec![file], &[left(8.0), right(8.0)]);
    let file = pictures::animated_webp();
    table.row(["WebP", "8", "RGB, several frames", "none", "none"], vec![file], &[left(0.01)]);
    with_profile(table, "WebP", ImageFormat::WebP, 0.01);
}

fn tiff(table: &mut Table) {
    let bits = |all: &[u16]| all.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let integers: Vec<u16> = (1..=16).chain([32, 64]).collect();
    for (format, title, depths) in
        [(1, "", integers.as_slice()), (2, " signed", &[8, 16, 32, 64]), (3, " float", &[16, 32, 64])]
    {
        for (count, channels) in [(1, "grey"), (3, "RGB")] {
            for (extra, alpha) in [(None, "none"), (Some(2), "straight"), (Some(1), "premultiplied")] {
                let depths: Vec<u16> =
                    depths.iter().copied().filter(|&bits| extra.is_none() || bits >= 4).collect();
                let count = count + usize::from(extra.is_some());
                for &depth in &depths {
                    let file = picture(LITTLE, format, depth, count, extra).bytes();
                    let levels = 2f64.powi(i32::from(depth) - i32::from(format == 2)) - 1.0;
                    // Premultiplied, an error counts twice.
                    let step = if format == 3 { 0.2 } else { (255.0 / levels) as f32 + 0.1 };
                    let pixel = other(if extra.is_some() { 0.5 } else { 0.0 }, 2.0 * step);
                    let pixel = if count < 3 { pixel.grey() } else { pixel };
                    assert_eq!(outcome(&["TIFF"; 5], &file, &[pixel]), "read", "{format} {depth} {count}");
                }
                let cells = [format!("{}{title}", bits(&depths)), channels.to_owned(), alpha.to_owned()];
                let [bits, channels, alpha] = cells;
                self::push(table, ["TIFF", &bits, &channels, &alpha, "none"], "read");
            }
        }
    }
    let map: Vec<u64> = [80u64, 160, 120].iter().flat_map(|v| vec![v * 257; 256]).collect();
    let mut file = Tiff::new(LITTLE, 32, 32, vec![vec![7; 32]; 32]);
    file.set(258, 3, vec![8]).set(262, 3, vec![3]).set(320, 3, map);
    table.row(["TIFF", "8", "palette", "none", "none"], vec![file.bytes()], &[other(0.0, 0.1)]);
    let ink = [175u8, 95, 135, 0].repeat(32);
    let mut file = Tiff::new(LITTLE, 32, 32, vec![ink; 32]);
    file.set(258, 3, vec![8; 4]).set(262, 3, vec![5]).set(277, 3, vec![4]);
    table.row(["TIFF", "8", "CMYK", "none", "none"], vec![file.bytes()], &[other(0.0, 0.1)]);
    file.set(332, 3, vec![2]);
    table.row(["TIFF", "8", "other inks", "", ""], vec![file.bytes()], &[]);
    let with = |tag, value: u64| {
        let mut file = picture(LITTLE, 1, 8, 3, None);
        file.set(tag, 3, vec![value]);
        vec![file.bytes()]
    };
    table.row(["TIFF", "8", "RGB, JPEG", "", ""], with(259, 7), &[]);
    table.row(["TIFF", "8", "RGB, Zstandard", "", ""], with(259, 50_000), &[]);
    table.row(["TIFF", "8", "YCbCr", "", ""], with(262, 6), &[]);
    table.row(["TIFF", "8", "CIE L*a*b*", "", ""], with(262, 8), &[]);
    table.row(["TIFF", "8", "RGB, bits from the lowest", "", ""], with(266, 2), &[]);
    let mut file = picture(LITTLE, 1, 8, 3, None);
    file.set(258, 3, vec![24; 3]);
    table.row(["TIFF", "24", "RGB", "", ""], vec![file.bytes()], &[]);
    file.set(258, 3, vec![5, 6, 5]);
    table.row(["TIFF", "5, 6, 5", "RGB", "", ""], vec![file.bytes()], &[]);
    let white = packed(&[1; 32], 1);
    let mut file = Tiff::new(LITTLE, 32, 32, vec![white; 32]);
    file.set(258, 3, vec![1]).set(262, 3, vec![0]);
    let black = Pixel(10, 20, [0.0; 3], 0.0, 0.0);
    table.row(["TIFF", "1", "grey, zero is white", "none", "none"], vec![file.bytes()], &[black]);
}

fn push(table: &mut Table, cells: [&str; 5], outcome: &str) {
    table.0.push(Row(cells.map(str::to_owned), outcome.to_owned()));
}

fn gif(table: &mut Table) {
    let files = vec![encoded(&rgb(), ImageFormat::Gif), pictures::interlaced_gif(), pictures::animated_gif()];
    table.row(["GIF", "8", "palette, several frames", "none", "none"], files, &[left(8.0)]);
}

fn bmp(table: &mut Table) {
    table.row(["BMP", "8", "RGB", "none", "none"], vec![encoded(&rgb(), ImageFormat::Bmp)], &[left(0.01)]);
    let file = encoded(&rgba(), ImageFormat::Bmp);
    table.row(["BMP", "8", "RGB", "straight", "none"], vec![file], &[left(0.01), right(0.01)]);
    let files = [false, true].map(pictures::bmp_grey).to_vec();
    table.row(["BMP", "8", "palette, runs", "none", "none"], files, &[left(0.01).grey()]);
    let mut file = pictures::bmp_grey(false);
    file[30] = 4;
    table.row(["BMP", "8", "a JPEG inside", "", ""], vec![file], &[]);
}

fn qoi(table: &mut Table) {
    table.row(["QOI", "8", "RGB", "none", "none"], vec![encoded(&rgb(), ImageFormat::Qoi)], &[left(0.01)]);
    let file = encoded(&rgba(), ImageFormat::Qoi);
    table.row(["QOI", "8", "RGB", "straight", "none"], vec![file], &[left(0.01), right(0.01)]);
}

fn exr(table: &mut Table) {
    for (kind, bits) in [(1, "16 float"), (2, "32 float")] {
        let file = |names: &[&str]| {
            let channels: Vec<_> = names.iter().map(|name| (*name, kind, 1)).collect();
            vec![write(&[Part("", &channels)], &[])]
        };
        table.row(["OpenEXR", bits, "R, G, B", "none", "none"], file(&["B", "G", "R"]), &[other(0.0, 0.2)]);
        let with_alpha = file(&["A", "B", "G", "R"]);
        table.row(["OpenEXR", bits, "R, G, B", "premultiplied", "none"], with_alpha, &[other(0.5, 0.2)]);
        let chroma = file(&["BY", "RY", "Y"]);
        table.row(["OpenEXR", bits, "Y, RY, BY", "none", "none"], chroma, &[other(0.0, 0.2)]);
        table.row(["OpenEXR", bits, "one", "none", "none"], file(&["R"]), &[other(0.0, 0.2).grey()]);
        table.row(["OpenEXR", bits, "R, G", "", ""], file(&["G", "R"]), &[]);
    }
    let rgb = [("B", 2, 1), ("G", 2, 1), ("R", 2, 1)];
    let with_depth = [rgb.as_slice(), &[("Z", 2, 1)]].concat();
    let file = write(&[Part("", &with_depth)], &[]);
    table.row(["OpenEXR", "32 float", "R, G, B, Z", "none", "none"], vec![file], &[other(0.0, 0.2)]);
    let file = write(&[Part("left", &rgb), Part("right", &rgb)], &[]);
    table.row(["OpenEXR", "32 float", "two layers, none chosen", "", ""], vec![file], &[]);
    let file = write(&[Part("", &[("BY", 1, 2), ("RY", 1, 2), ("Y", 1, 1)])], &[]);
    table.row(["OpenEXR", "16 float", "Y, RY, BY, subsampled", "", ""], vec![file], &[]);
    let more =
        [attribute("type", "string", b"deepscanline"), attribute("version", "int", &[1, 0, 0, 0])].concat();
    let mut file = write(&[Part("", &[("R", 1, 1)])], &more);
    file[5] |= 8;
    table.row(["OpenEXR", "any", "deep", "", ""], vec![file], &[]);
}

fn others(table: &mut Table) {
    let files: [(&str, &[u8]); 6] = [
        ("AVIF", b"\0\0\0\x18ftypavif\0\0\0\0"),
        ("HEIC", b"\0\0\0\x18ftypheic\0\0\0\0"),
        ("JPEG XL", b"\xFF\x0A\0\0"),
        ("JPEG 2000", b"\0\0\0\x0CjP  \r\n\x87\n"),
        ("PSD", b"8BPS\0\x01"),
        ("SVG", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
    ];
    for (title, bytes) in files {
        table.row([title, "any", "any", "", ""], vec![bytes.to_vec()], &[]);
    }
}

#[test]
fn the_table_of_formats_is_what_is_read() {
    let mut table = Table::default();
    for format in [png, jpeg, webp, tiff, gif, bmp, qoi, exr, others] {
        format(&mut table);
    }
    crate::files::document::is_section("in", &table.text());
}
