//! One image of a batch to the bytes of a file, and a batch to published files.
//!
//! Everything is encoded into memory: the host writes it atomically. No time stamps are written, so the same
//! picture and graph give the same bytes.

pub(crate) mod animation;
pub(super) mod exif;
mod exr;
mod jpeg;
mod options;
mod png;
mod profile;
pub(super) mod samples;
#[cfg(test)]
mod tests;
mod tiff;
mod webp;

/// The attribute of an OpenEXR that names its colour space, and its value for what is not linear light.
pub(crate) use self::exr::{COLOUR_SPACE, DISPLAYED};
pub(crate) use self::options::{Bits, Compression, Format, Options, Subsampling};

use crate::batch::one_of;
use dreamwire_sdk::prefix;
use dreamwire_sdk::prelude::*;
use std::fmt::Display;

/// How to write.
#[derive(Default)]
pub(crate) struct Encoding {
    pub(crate) options: Options,
    /// The graph, for readers of metadata.
    pub(crate) prompt: Option<String>,
}

/// One image `[height,width,channels]`.
struct Pixels<'a> {
    samples: &'a [f32],
    width: u32,
    height: u32,
    /// 1, 3, or 4 with alpha.
    channels: usize,
}

impl Pixels<'_> {
    /// Samples of a row.
    fn row(&self) -> usize {
        self.width as usize * self.channels
    }

    fn has_alpha(&self) -> bool {
        self.channels == 4
    }

    fn is_grey(&self) -> bool {
        self.channels == 1
    }

    /// Refuses sides that the format called `name` cannot hold.
    fn check_sides(&self, name: &str, most: u32) -> Result<()> {
        let (width, height) = (self.width, self.height);
        if width.max(height) <= most {
            return Ok(());
        }
        Err(Error::limit(format!(
            "the picture is {width}x{height}, a {name} has at most {most} pixels per side"
        ))
        .hint("choose another format, or make it smaller")
        .at("images"))
    }
}

/// Is told how many rows of an image are written; its error ends the writing.
type Progress<'a> = dyn Fn(u32) -> Result<()> + 'a;

impl Encoding {
    /// Publishes every image of a batch, samples and shape `[B,H,W,C]`, as `<prefix>_<counter>_.<extension>`, with its
    /// size in the prefix where that asks for it.
    ///
    /// # Errors
    /// If the format cannot hold these bits or this many channels, or the host could not write.
    pub(crate) fn publish(
        &self,
        call: &Call,
        samples: &[f32],
        [batch, height, width, channels]: [usize; 4],
        prefix: &str,
    ) -> Result<()> {
        self.options.check()?;
        let (extension, media_type) = self.options.format.names();
        if let Some(prompt) = &self.prompt
            && self.options.format == Format::Jpeg
            && !jpeg::holds(prompt)
        {
            call.warn(
                "the graph has more than the 64 KiB that a JPEG can hold, and is left out of the metadata",
            );
        }
        let rows = (batch * height) as u64;
        for index in 0..batch {
            let before = (index * height) as u64;
            let progress = |done: u32| call.progress(before + u64::from(done), rows, "saving");
            progress(0)?;
            let bytes = self.encode(
                one_of(samples, index, height * width * channels),
                [height, width, channels],
                &progress,
            )?;
            // The host may save a batch in pieces.
            let prefix = prefix::fill(prefix, width, height, call.first_row() + index);
            call.publish(&format!("{prefix}_{{counter:05}}_.{extension}"), &bytes, media_type)?;
        }
        Ok(())
    }

    /// The file of one image, samples and shape `[H,W,C]`.
    fn encode(
        &self,
        samples: &[f32],
        [height, width, channels]: [usize; 3],
        progress: &Progress,
    ) -> Result<Vec<u8>> {
        if !matches!(channels, 1 | 3 | 4) {
            return Err(Error::shape("images", format!("a picture of {channels} channels cannot be saved"))
                .hint("1, 3 and 4 channels can"));
        }
        if width == 0 || height == 0 {
            return Err(Error::shape(
                "images",
                format!("a picture of {width}x{height} pixels cannot be saved"),
            ));
        }
        let side = |side: usize| u32::try_from(side).map_err(failed);
        let (width, height) = (side(width)?, side(height)?);
        let pixels = Pixels { samples, width, height, channels };
        let prompt = self.prompt.as_deref();
        match self.options.format {
            Format::Png => png::write(&pixels, self.options.bits(), prompt),
            Format::Jpeg => jpeg::write(&pixels, &self.options, prompt),
            Format::Webp => webp::write(&pixels, &self.options, prompt),
            Format::Tiff => tiff::write(&pixels, &self.options, prompt, progress),
            Format::Exr => exr::write(&pixels, &self.options, prompt, progress),
        }
    }
}

pub(super) fn failed(error: impl Display) -> Error {
    Error::failed(format!("cannot encode the picture: {error}"))
}
