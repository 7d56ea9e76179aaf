//! Batches as one moving picture.

mod apng;
mod gif;
mod palette;
#[cfg(test)]
mod tests;
mod webp;

pub(crate) use palette::Dither;

use super::{failed, samples};
use crate::progress::{Parts, Report};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// The formats of moving pictures.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Moving {
    #[default]
    Gif,
    Apng,
    Webp,
}

impl Moving {
    /// Extension and media type.
    pub(crate) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Gif => ("gif", "image/gif"),
            Self::Apng => ("png", "image/apng"),
            Self::Webp => ("webp", "image/webp"),
        }
    }
}

/// How to write a batch as an animation.
#[derive(Clone, Copy)]
pub(crate) struct Moved<'a> {
    pub(crate) format: Moving,
    /// Frames in a second.
    pub(crate) fps: f64,
    /// How often it is shown; 0 is for ever.
    pub(crate) loops: u16,
    /// Whether the frames come back in the opposite order.
    pub(crate) boomerang: bool,
    /// Of GIF.
    pub(crate) dither: Dither,
    /// Of WebP, 1..=100; `None` loses nothing.
    pub(crate) quality: Option<u8>,
    /// The graph, for readers of metadata.
    pub(crate) prompt: Option<&'a str>,
}

impl Moved<'_> {
    /// The file of a batch, samples and shape `[B,H,W,C]`.
    ///
    /// # Errors
    /// The format cannot hold this size or this many channels.
    pub(crate) fn encode(
        &self,
        samples: &[f32],
        [count, height, width, channels]: [usize; 4],
        report: Report<'_>,
    ) -> Result<Vec<u8>> {
        if !matches!(channels, 1 | 3 | 4) {
            let message = format!("pictures of {channels} channels cannot be saved");
            return Err(Error::shape("images", message).hint("1, 3 and 4 channels can"));
        }
        let bytes = samples::convert(samples, samples::byte);
        let order = order(count, self.boomerang);
        let side = |side: usize| u32::try_from(side).map_err(failed);
        let animation = Animation {
            bytes: &bytes,
            width: side(width)?,
            height: side(height)?,
            channels,
            order: &order,
            fps: self.fps,
            loops: self.loops,
            prompt: self.prompt,
        };
        let parts = Parts::new(report, "saving", order.len());
        match self.format {
            Moving::Gif => gif::write(&animation, self.dither, &parts),
            Moving::Apng => apng::write(&animation, &parts),
            Moving::Webp => webp::write(&animation, self.quality, &parts),
        }
    }
}

/// The pictures as they are shown, by index: all of them, and back without showing the first and the last twice.
fn order(count: usize, boomerang: bool) -> Vec<usize> {
    let back = if boomerang { 1..count.saturating_sub(1).max(1) } else { 0..0 };
    (0..count).chain(back.rev()).collect()
}

/// The frames of an animation, and when they are shown.
struct Animation<'a> {
    /// Bytes of all pictures, `[count,height,width,channels]`.
    bytes: &'a [u8],
    width: u32,
    height: u32,
    /// 1, 3, or 4 with alpha.
    channels: usize,
    /// The pictures in the order in which they are shown, by index.
    order: &'a [usize],
    /// Frames in a second.
    fps: f64,
    /// How often it is shown; 0 is for ever.
    loops: u16,
    /// The graph, for readers of metadata.
    prompt: Option<&'a str>,
}

impl Animation<'_> {
    /// Refuses sides that the format called `name` cannot hold.
    fn check_sides(&self, name: &str, most: u32) -> Result<()> {
        let (width, height) = (self.width, self.height);
        if width.max(height) <= most {
            return Ok(());
        }
        Err(Error::limit(format!(
            "the pictures are {width}x{height}, a {name} has at most {most} pixels per side"
        ))
        .hint("choose another format, or make them smaller")
        .at("images"))
    }

    /// The bytes of the frame that is shown as number `place`.
    fn frame(&self, place: usize) -> &[u8] {
        let length = self.width as usize * self.height as usize * self.channels;
        let start = self.order[place] * length;
        &self.bytes[start..start + length]
    }

    /// How long the frame is shown, in `ticks` of a second. Durations are rounded so that the sum stays right: no frame is
    /// more than one tick too early.
    fn duration(&self, place: usize, ticks: u32) -> u32 {
        let until = |frames: usize| (frames as f64 * f64::from(ticks) / self.fps).round();
        (until(place + 1) - until(place)).max(1.0) as u32
    }
}
