//! Names for files that are not supported pictures, so that the error can say what the file is.

use std::path::Path;

/// What the formats we read are called, for messages.
pub(crate) const READABLE: &str = "PNG, JPEG, WebP, TIFF, GIF, BMP, QOI, OpenEXR";

/// Extensions of camera files that contain a TIFF: their first image is a thumbnail, not the picture.
const RAW_IN_TIFF: [&str; 9] = ["3fr", "arw", "cr2", "dng", "erf", "nef", "nrw", "pef", "srw"];

/// A TIFF with offsets of 64 bits.
pub(crate) fn is_big_tiff(bytes: &[u8]) -> bool {
    bytes.starts_with(b"II\x2B\0\x08\0\0\0") || bytes.starts_with(b"MM\0\x2B\0\x08\0\0")
}

/// A camera raw file that would decode as a small TIFF.
pub(crate) fn is_raw_in_tiff(name: &str, bytes: &[u8]) -> bool {
    let extension =
        Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    RAW_IN_TIFF.contains(&extension.as_str()) || bytes.get(8..10) == Some(b"CR".as_slice())
}

/// What `bytes` look like, with the article; none if nothing fits.
pub(crate) fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    const STARTS: [(&[u8], &str); 24] = [
        (b"8BPS", "a Photoshop document (PSD)"),
        (b"%PDF", "a PDF document"),
        (b"version https://git-lfs", "a Git LFS pointer, not the file itself; run `git lfs pull`"),
        (b"FUJIFILMCCD-RAW", "a camera raw file"),
        (b"IIU\0", "a camera raw file"),
        (b"IIRO", "a camera raw file"),
        (b"IIRS", "a camera raw file"),
        (b"MMOR", "a camera raw file"),
        (b"FOVb", "a camera raw file"),
        (b"\xFF\x0A", "a JPEG XL picture"),
        (b"\0\0\0\x0CJXL ", "a JPEG XL picture"),
        (b"\0\0\0\x0CjP  ", "a JPEG 2000 picture"),
        (b"\xFF\x4F\xFF\x51", "a JPEG 2000 picture"),
        (b"\0\0\x01\0", "an icon (ICO)"),
        (b"DDS ", "a DDS texture"),
        (b"#?RADIANCE", "a Radiance HDR picture"),
        (b"farbfeld", "a farbfeld picture"),
        (b"gimp xcf", "a GIMP picture (XCF)"),
        (b"SDPX", "a DPX picture"),
        (b"XPDS", "a DPX picture"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1F\x8B", "a gzip archive"),
        (b"\x1A\x45\xDF\xA3", "a video (Matroska or WebM)"),
        (b"\x89HDF", "an HDF5 file"),
    ];
    if let Some((_, what)) = STARTS.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Some(*what);
    }
    match (bytes.get(4..8), bytes.get(8..12)) {
        (Some(b"ftyp"), Some(b"avif" | b"avis")) => return Some("an AVIF picture"),
        (
            Some(b"ftyp"),
            Some(b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1"),
        ) => {
            return Some("a HEIC picture");
        }
        (Some(b"ftyp"), Some(b"crx ")) => return Some("a camera raw file"),
        (Some(b"ftyp"), _) => return Some("a video (MP4 or QuickTime)"),
        _ => {}
    }
    if let [b'P', b'1'..=b'7', space, ..] = bytes
        && space.is_ascii_whitespace()
    {
        return Some("a PNM picture (PBM, PGM, PPM or PAM)");
    }
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_ascii_lowercase();
    let text = head.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with("<!doctype html") || text.starts_with("<html") {
        Some("an HTML page, perhaps an error page saved as a picture")
    } else if text.starts_with('<') && text.contains("<svg") {
        Some("an SVG drawing")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        let found = looks_like(bytes).unwrap_or("nothing");
        assert!(found.contains(expected), "expected {expected}, found {found}");
    }

    #[test]
    fn names() {
        check(b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC");
        check(b"\0\0\0\x18ftypmif1\0\0\0\0", "HEIC");
        check(b"\0\0\0\x18ftypavif\0\0\0\0", "AVIF");
        check(b"\0\0\0\x18ftypcrx \0\0\0\0", "camera raw");
        check(b"8BPS\0\x01", "PSD");
        check(b"%PDF-1.7", "PDF");
        check(b"\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<svg xmlns=\"\">", "SVG");
        check(b"\n<!DOCTYPE html><html>", "HTML");
        check(b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "Git LFS");
        check(b"P6\n2 2\n255\n", "PNM");
    }

    #[test]
    fn no_guess_without_a_reason() {
        for bytes in [b"".as_slice(), b"hello", b"\0\0\0\0\0\0\0\0\0\0\0\0", b"P60 text", b"<note>x</note>"] {
            assert_eq!(looks_like(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn raw_in_tiff() {
        assert!(is_raw_in_tiff("a/DSC1.NEF", b"II*\0\x08\0\0\0\0\0"));
        assert!(is_raw_in_tiff("renamed.tif", b"II*\0\x10\0\0\0CR\x02\0"));
        assert!(!is_raw_in_tiff("scan.tif", b"II*\0\x08\0\0\0\0\0"));
    }
}
