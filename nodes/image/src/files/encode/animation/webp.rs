//! Animated WebP: every frame by the encoders of pictures, and around them the chunks of the container.

use super::{Animation, failed};
use crate::files::encode::webp::{
    HAS_ALPHA, HAS_EXIF, HAS_PROFILE, MAX_SIDE, PICTURE, chunk, chunks, encoded,
};
use crate::files::encode::{exif, profile};
use crate::progress::Parts;
use dreamwire_sdk::prelude::*;
use rayon::prelude::*;

/// Bit of the chunk VP8X.
const IS_ANIMATED: u8 = 0x02;
/// Bit of a frame: it replaces what is there, its transparent pixels too.
const REPLACES: u8 = 0x02;

/// `quality` is 1 to 100; `None` loses nothing.
pub(super) fn write(animation: &Animation, quality: Option<u8>, parts: &Parts) -> Result<Vec<u8>> {
    animation.check_sides("WebP", MAX_SIDE)?;
    let size = (animation.width, animation.height);
    let frame = |place: usize| -> Result<Vec<u8>> {
        let picture = encoded(animation.frame(place), size, animation.channels, quality)?;
        let mut data = vec![0; 6];
        data.extend(sides(size));
        data.extend(&animation.duration(place, 1000).to_le_bytes()[..3]);
        data.push(REPLACES);
        for (kind, content) in chunks(&picture).filter(|(kind, _)| PICTURE.contains(kind)) {
            chunk(&mut data, kind, content)?;
        }
        parts.one_more()?;
        Ok(data)
    };
    let frames: Vec<Vec<u8>> =
        (0..animation.order.len()).into_par_iter().map(frame).collect::<Result<_>>()?;
    let exif = animation.prompt.map(exif::block).transpose()?;
    let alpha = if animation.channels == 4 { HAS_ALPHA } else { 0 };
    let metadata = if exif.is_some() { HAS_EXIF } else { 0 };
    let mut body = b"WEBP".to_vec();
    let mut header = vec![IS_ANIMATED | HAS_PROFILE | alpha | metadata, 0, 0, 0];
    header.extend(sides(size));
    chunk(&mut body, b"VP8X", &header)?;
    chunk(&mut body, b"ICCP", &profile::srgb(false)?)?;
    // The background, which nothing shows, and how often.
    chunk(&mut body, b"ANIM", &[&[0; 4], &animation.loops.to_le_bytes()[..]].concat())?;
    for frame in frames {
        chunk(&mut body, b"ANMF", &frame)?;
    }
    if let Some(exif) = exif {
        chunk(&mut body, b"EXIF", &exif)?;
    }
    let mut out = Vec::with_capacity(body.len() + 8);
    chunk(&mut out, b"RIFF", &body).map_err(|_| failed("a WebP has at most 4 GiB"))?;
    Ok(out)
}

/// Width and height less one, of 24 bits each.
fn sides((width, height): (u32, u32)) -> Vec<u8> {
    [width, height].iter().flat_map(|side| (side - 1).to_le_bytes()[..3].to_vec()).collect()
}
