use std::sync::{Mutex, MutexGuard, PoisonError};

use dreamwire_nets::optim::{octave_sizes, zoom};
use dreamwire_sdk::prelude::*;

/// A picture that others are compared with position by position, whatever their size.
pub(crate) struct Target {
    picture: Tensor,
    port: &'static str,
    last: Mutex<Option<Seen>>,
}

/// What was computed from the target at one height and width.
struct Seen {
    size: (usize, usize),
    layers: Vec<Tensor>,
}

impl Target {
    /// The picture `[1 or B,H,W,C]` at `port`.
    pub(crate) fn new(picture: Tensor, port: &'static str) -> Self {
        Self { picture, port, last: Mutex::new(None) }
    }

    /// How many pictures there are: one for all, or one for each.
    pub(crate) fn count(&self) -> usize {
        self.picture.dims().first().copied().unwrap_or(1)
    }

    /// The result of `look` for the target at the size of `image`; that of the last size is kept.
    ///
    /// # Errors
    ///
    /// If the target has neither one image nor as many as `image`, or `look` fails.
    pub(crate) fn at_size_of(
        &self,
        image: &Tensor,
        look: impl FnOnce(&Tensor) -> Result<Vec<Tensor>>,
    ) -> Result<Vec<Tensor>> {
        let (_, height, width, _) = image.dims4()?;
        check_count(self.picture.dim(0)?, image, self.port)?;
        if let Some(seen) = &*self.last()
            && seen.size == (height, width)
        {
            return Ok(seen.layers.clone());
        }
        // Not under the lock: `look` calls another plugin, and this thread may meanwhile run a task that
        // takes it too.
        let layers = look(&resized(&self.picture, height, width)?)?;
        *self.last() = Some(Seen { size: (height, width), layers: layers.clone() });
        Ok(layers)
    }

    fn last(&self) -> MutexGuard<'_, Option<Seen>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks that `found` images can be compared with those of `image`.
///
/// # Errors
///
/// If there is neither one for all nor one for each; names `port`.
pub(crate) fn check_count(found: usize, image: &Tensor, port: &str) -> Result<()> {
    let images = image.dim(0)?;
    if found == 1 || found == images {
        return Ok(());
    }
    let message = format!("`{port}` must have 1 or {images} images, as many as the picture, found {found}");
    Err(Error::shape(port, message))
}

/// `picture` at another size, bilinearly.
///
/// It is downsampled through the sizes of octaves, so that no step skips pixels. So the target in a dream's
/// octave is computed like the dream's picture.
fn resized(picture: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    const SCALE: f64 = 1.4;
    // 1.4^40 exceeds any side in pixels.
    const MOST: usize = 40;
    let (_, whole_height, whole_width, _) = picture.dims4()?;
    let mut resized = picture.detach();
    for (h, w) in octave_sizes(whole_height, whole_width, MOST, SCALE).into_iter().rev().skip(1) {
        if h <= height && w <= width {
            break;
        }
        resized = zoom(&resized, h.max(height), w.max(width))?;
    }
    Ok(zoom(&resized, height, width)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::assert_close;
    use crate::objective_fixtures::picture;
    use crate::schedule::octaves;

    #[test]
    fn targets_follow_the_octaves() {
        let target = picture(1, 100, 81, 0);
        for octave in octaves(&target, 4, 1.4).unwrap() {
            let (_, height, width, _) = octave.dims4().unwrap();
            assert_close(&resized(&target, height, width).unwrap(), &octave);
        }
    }

    #[test]
    fn targets_take_any_size() {
        let target = picture(2, 40, 9, 0);
        for (height, width) in [(80, 9), (7, 30), (1, 1), (40, 9), (39, 8)] {
            assert_eq!(resized(&target, height, width).unwrap().dims(), [2, height, width, 3]);
        }
    }

    /// One pixel in four is white: if the others were skipped, small pixels would be white or black. The
    /// corners stay.
    #[test]
    fn shrinking_skips_no_pixels() {
        let stripes =
            Tensor::from_vec([1f32, 0.0, 0.0, 0.0].repeat(16), (1, 1, 64, 1), &Device::Cpu).unwrap();
        let small = resized(&stripes, 1, 16).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(small[1..15].iter().all(|value| (0.1..0.5).contains(value)), "{small:?}");
    }

    #[test]
    fn the_last_size_is_kept() {
        let target = Target::new(picture(1, 8, 8, 0), "target");
        let mut looked = Vec::new();
        for size in [8, 8, 4, 4, 8] {
            let seen = target.at_size_of(&picture(1, size, size, 1), |picture| {
                looked.push(size);
                Ok(vec![picture.clone()])
            });
            assert_eq!(seen.unwrap()[0].dims(), [1, size, size, 3]);
        }
        assert_eq!(looked, [8, 4, 8]);
    }

    #[test]
    fn as_many_targets_as_pictures() {
        let check = |targets| {
            let target = Target::new(picture(targets, 4, 4, 0), "target");
            target.at_size_of(&picture(2, 4, 4, 0), |picture| Ok(vec![picture.clone()])).err()
        };
        assert!(check(1).is_none() && check(2).is_none());
        let error = check(3).expect("refused");
        assert_eq!(error.input(), "target");
        assert_eq!(error.to_string(), "`target` must have 1 or 2 images, as many as the picture, found 3");
    }
}
