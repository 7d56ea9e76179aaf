//! The segments of a JPEG.

use super::{Text, exif, hash_part};
use blake3::Hasher;

pub(super) const SIGNATURE: &[u8] = b"\xff\xd8\xff";

/// The first bytes of a segment with EXIF.
const EXIF: &[u8] = b"Exif\0\0";
/// The most bytes of a segment's data: its length has 16 bits and counts itself.
const MAX_SEGMENT: usize = 65_533;

/// Markers: EXIF and XMP are in APP1, comments in COM, and after SOS come pixels.
const APP1: u8 = 0xe1;
const COM: u8 = 0xfe;
const SOS: u8 = 0xda;

struct Segment<'a> {
    marker: u8,
    data: &'a [u8],
    /// Where its marker begins, and where it ends.
    at: usize,
    end: usize,
}

/// The segments before the pixels.
fn segments(picture: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    let mut at = 2;
    std::iter::from_fn(move || {
        let rest = picture.get(at..)?.strip_prefix(b"\xff")?;
        // Any number of these may stand before the marker.
        let fill = rest.iter().take_while(|&&byte| byte == 0xff).count();
        let (&marker, rest) = rest.get(fill..)?.split_first()?;
        if marker == SOS {
            return None;
        }
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let data = rest.get(2..length)?;
        let segment = Segment { marker, data, at, end: at + 2 + fill + length };
        at = segment.end;
        Some(segment)
    })
}

fn exif_segment(picture: &[u8]) -> Option<(Segment<'_>, &[u8])> {
    let mut of_exif = segments(picture).filter(|segment| segment.marker == APP1);
    of_exif.find_map(|segment| segment.data.strip_prefix(EXIF).map(|block| (segment, block)))
}

pub(super) fn exif(picture: &[u8]) -> Option<&[u8]> {
    Some(exif_segment(picture)?.1)
}

/// With the texts that fit into its one segment of EXIF, the first ones first.
pub(super) fn add<'a>(picture: &[u8], texts: &[Text<'a>], left_out: &mut Vec<&'a str>) -> Option<Vec<u8>> {
    let (segment, block) = exif_segment(picture)?;
    let mut fitting: Vec<Text<'a>> = Vec::new();
    let mut best = None;
    for &text in texts {
        let mut without_place = Vec::new();
        let tried = exif::add(block, &[&fitting[..], &[text]].concat(), &mut without_place)?;
        if without_place.is_empty() && EXIF.len() + tried.len() <= MAX_SEGMENT {
            fitting.push(text);
            best = Some(tried);
        } else {
            left_out.push(text.0);
        }
    }
    let block = best.unwrap_or_else(|| block.to_vec());
    let length = u16::try_from(2 + EXIF.len() + block.len()).ok()?;
    let head = [0xff, APP1, length.to_be_bytes()[0], length.to_be_bytes()[1]];
    Some([&picture[..segment.at], &head, EXIF, &block, &picture[segment.end..]].concat())
}

pub(super) fn content(picture: &[u8], hasher: &mut Hasher) -> Option<()> {
    let mut end = 2;
    for segment in segments(picture) {
        end = segment.end;
        if ![APP1, COM].contains(&segment.marker) {
            hasher.update(&[segment.marker]);
            hash_part(hasher, segment.data);
        }
    }
    hash_part(hasher, picture.get(end..)?);
    Some(())
}
