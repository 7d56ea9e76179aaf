//! The file is not text at all: a picture, weights, an archive.

use crate::diagnostic::{Class, Code, Diagnostic};

const CODE: Code = Code::new("graph::binary");

const PICTURE: &str = "of pictures, only PNG files carry a graph";
const WEIGHTS: &str = "weights are named by a param of a graph, such as `weights` of VGGFeatures";
const PACKED: &str = "unpack it first";

/// How kinds of files begin, what they are called, and what to do. None of them begins as a graph can.
const STARTS: [(&[u8], &str, &str); 25] = [
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", ""),
    (b"\xff\xd8\xff", "a JPEG picture", PICTURE),
    (b"GIF8", "a GIF picture", PICTURE),
    (b"II*\0", "a TIFF picture", PICTURE),
    (b"MM\0*", "a TIFF picture", PICTURE),
    (b"II+\0", "a TIFF picture", PICTURE),
    (b"MM\0+", "a TIFF picture", PICTURE),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture", PICTURE),
    (b"qoif", "a QOI picture", PICTURE),
    (b"8BPS", "a Photoshop document (PSD)", PICTURE),
    (b"\xff\x0a", "a JPEG XL picture", PICTURE),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture", PICTURE),
    (b"%PDF", "a PDF document", ""),
    (b"PK\x03\x04", "a ZIP archive (or a PyTorch file)", PACKED),
    (b"\x1f\x8b", "a gzip archive", PACKED),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", PACKED),
    (b"\xfd7zXZ\0", "an xz archive", PACKED),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", PACKED),
    (b"BZh", "a bzip2 archive", PACKED),
    (b"\x89HDF", "an HDF5 file", WEIGHTS),
    (b"\x93NUMPY", "a NumPy array", ""),
    (b"GGUF", "a GGUF file", WEIGHTS),
    (b"SQLite format 3\0", "an SQLite database", ""),
    (b"\x7fELF", "a program or library (ELF)", "a plugin belongs in a folder of plugins"),
    (b"\x1a\x45\xdf\xa3", "a video (Matroska or WebM)", ""),
];

/// What the bytes of a file are if they cannot be a graph; none for what may be text.
pub(crate) fn new(bytes: &[u8]) -> Option<Diagnostic> {
    let (what, hint) = recognise(bytes)?;
    Some(Diagnostic::error(CODE, Class::Graph, format!("this is {what}, not a graph")).hint(hint))
}

fn recognise(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    if let Some((_, what, hint)) = STARTS.iter().find(|(start, ..)| bytes.starts_with(start)) {
        return Some((what, hint));
    }
    match (bytes, bytes.get(4..8).unwrap_or_default(), bytes.get(8..12).unwrap_or_default()) {
        ([b'R', b'I', b'F', b'F', ..], _, b"WEBP") => Some(("a WebP picture", PICTURE)),
        ([b'R', b'I', b'F', b'F', ..], ..) => Some(("a RIFF file (sound or video)", "")),
        (_, b"ftyp", b"avif" | b"avis") => Some(("an AVIF picture", PICTURE)),
        (_, b"ftyp", b"heic" | b"heix" | b"mif1" | b"msf1") => Some(("a HEIC picture", PICTURE)),
        (_, b"ftyp", _) => Some(("a video (MP4 or QuickTime)", "")),
        // The reserved fields of a bitmap are 0, which text never has.
        ([b'B', b'M', ..], ..) if bytes.get(6..10) == Some(&[0; 4]) => Some(("a BMP picture", PICTURE)),
        // The protocol of a pickle, and its first frame or object.
        ([0x80, 2..=5, ..], ..) => Some(("a Python pickle (a PyTorch file)", WEIGHTS)),
        _ => is_safetensors(bytes).then_some(("a safetensors file", WEIGHTS)),
    }
}

/// The length of the header, then the header, which is an object.
fn is_safetensors(bytes: &[u8]) -> bool {
    let length = bytes.first_chunk::<8>().map(|length| u64::from_le_bytes(*length));
    length.is_some_and(|length| (2..=100_000_000).contains(&length)) && bytes.get(8) == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use crate::Source;

    #[test]
    fn what_is_not_text_is_named() {
        for (bytes, what) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], "a JPEG picture"),
            (b"GIF89a", "a GIF picture"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "a WebP picture"),
            (b"BM\x10\0\0\0\0\0\0\0", "a BMP picture"),
            (b"PK\x03\x04\x14\0", "a ZIP archive (or a PyTorch file)"),
            (b"\x80\x02}q\0X\x01", "a Python pickle (a PyTorch file)"),
            (b"\x40\0\0\0\0\0\0\0{\"a\":{}}", "a safetensors file"),
            (b"\xe8\x03\0\0\0\0\0\0{\"a\xff\":{}}", "a safetensors file"),
            (b"\0\0\0\x18ftypavif", "an AVIF picture"),
            (b"\x1f\x8b\x08", "a gzip archive"),
        ] {
            let (source, problems) = Source::from_bytes("a", bytes);
            assert_eq!(problems[0].message, format!("this is {what}, not a graph"));
            assert_eq!(source.text, "");
        }
    }

    #[test]
    fn what_may_be_text_is_not_guessed_at() {
        for bytes in [&b"BMW"[..], b"{}", b"\xef\xbb\xbf{}", b"", b"\t\n        {", b"// PK", b"RI", b"MM"] {
            assert!(super::new(bytes).is_none(), "{bytes:?}");
        }
    }
}
