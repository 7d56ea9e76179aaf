//! What is written of every format, each kind of it written and read here, and listed in docs/formats.md (`just bless`).

use super::*;

const DEPTHS: [(Bits, &str); 3] = [(Bits::Eight, "8"), (Bits::Sixteen, "16"), (Bits::Float, "32")];
const CHANNELS: [(usize, &str, &str); 3] = [(1, "grey", "none"), (3, "RGB", "none"), (4, "RGB", "kept")];

/// A row: format with its choices, bits, channels, alpha, profile, graph, and what becomes of it.
type Row = [String; 7];

/// Whether the file of that format says that it is sRGB.
fn is_tagged(format: Format, file: &[u8]) -> bool {
    let mark: &[u8] = match format {
        Format::Png => b"sRGB",
        Format::Jpeg => b"ICC_PROFILE\0",
        Format::Webp => b"ICCP",
        // Tag 34675 of a little-endian TIFF.
        Format::Tiff => b"\x73\x87",
        Format::Exr => b"chromaticities",
    };
    file.windows(mark.len()).any(|window| window == mark)
}

/// How near to the image the file is.
fn outcome(options: Options, image: &Tensor, file: &[u8]) -> String {
    let (extension, _) = options.format.names();
    let picture = decode(&format!("a.{extension}"), file, "").unwrap_or_else(|e| panic!("{options:?}: {e}"));
    let (most, mean, alpha) = differences(image, &picture);
    let lossy = !options.lossless();
    let (words, tolerance) = match (options.format, options.bits()) {
        _ if lossy => ("nearly", f32::INFINITY),
        (Format::Exr, Bits::Float) => ("rounded", 1e-5),
        (Format::Exr, _) => ("rounded", 1e-3),
        (_, Bits::Float) => ("exact", 0.0),
        (_, Bits::Sixteen) => ("rounded", HALF_WORD),
        _ => ("rounded", HALF_BYTE),
    };
    assert!(most <= tolerance && mean < 0.02, "{options:?}: {most}, {mean}");
    assert!(alpha <= tolerance.clamp(1e-7, HALF_BYTE.max(1e-3)), "{options:?}: alpha {alpha}");
    words.to_owned()
}

fn row(title: &str, options: Options, bits: &str, (channels, colours, alpha): (usize, &str, &str)) -> Row {
    let image = image(33, 21, channels);
    let cells = |profile: &str, graph: &str, outcome: String| {
        let alpha = match (profile, channels) {
            ("", 4) => "asked for",
            ("", _) => "",
            _ => alpha,
        };
        [title, bits, colours, alpha, profile, graph, &outcome].map(str::to_owned)
    };
    match (encode(options, Some(GRAPH), &image), encode(options, None, &image)) {
        (Ok(file), Ok(bare)) => {
            assert!(is_tagged(options.format, &file) && is_tagged(options.format, &bare), "{options:?}");
            assert!(file.len() > bare.len(), "{options:?}: no graph");
            assert_eq!(outcome(options, &image, &bare), outcome(options, &image, &file));
            cells("yes", "yes", outcome(options, &image, &file))
        }
        (Err(error), Err(_)) => cells("", "", format!("refused: {error}")),
        (one, other) => panic!("{options:?}: {:?}, {:?}", one.is_ok(), other.is_ok()),
    }
}

/// The formats with their choices, in the order of the table.
fn choices() -> Vec<(String, Options)> {
    use Compression::{Deflate, Lzw, None, Packbits, Piz, Rle, Zip, Zips};
    let mut all = vec![("PNG".to_owned(), of(Format::Png))];
    for (subsampling, name) in
        [(Subsampling::None, "4:4:4"), (Subsampling::Half, "4:2:2"), (Subsampling::Quarter, "4:2:0")]
    {
        all.push((format!("JPEG {name}"), Options { subsampling, ..of(Format::Jpeg) }));
    }
    all.push(("WebP".to_owned(), of(Format::Webp)));
    all.push(("WebP lossy".to_owned(), Options { lossless: Some(false), ..of(Format::Webp) }));
    for (compression, name) in [(None, "none"), (Lzw, "lzw"), (Deflate, "deflate"), (Packbits, "packbits")] {
        all.push((format!("TIFF {name}"), Options { compression, ..of(Format::Tiff) }));
    }
    for (compression, name) in [(None, "none"), (Rle, "rle"), (Zips, "zips"), (Zip, "zip"), (Piz, "piz")] {
        all.push((format!("OpenEXR {name}"), Options { compression, ..of(Format::Exr) }));
    }
    all.push(("OpenEXR, display-referred".to_owned(), Options { linear: false, ..of(Format::Exr) }));
    all
}

#[test]
fn the_table_of_formats_is_what_is_written() {
    let mut rows: Vec<Row> = Vec::new();
    for (title, options) in choices() {
        for (bits, depth) in DEPTHS {
            let options = Options { bits, ..options };
            // A depth that the format does not have is refused whatever the channels are.
            let channels = if options.check().is_ok() { &CHANNELS[..] } else { &CHANNELS[1..2] };
            rows.extend(channels.iter().map(|channels| row(&title, options, depth, *channels)));
        }
    }
    let head =
        "| format | bits | channels | alpha | profile | graph | out |\n|---|---|---|---|---|---|---|\n";
    let text: String = rows.iter().map(|row| format!("| {} |\n", row.join(" | "))).collect();
    crate::files::document::is_section("out", &format!("{head}{text}"));
}
