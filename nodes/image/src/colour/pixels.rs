//! Pixels as colours, whatever the number of channels.

use dreamwire_sdk::prelude::*;
use rayon::prelude::*;

/// Pixels of one task, and of all tasks between two reports of progress.
const TASK: usize = 4096;
const STRIP: usize = 256 * TASK;

/// The colour of a pixel; grey three times.
pub(crate) fn colour(pixel: &[f32]) -> [f32; 3] {
    match *pixel {
        [red, green, blue, ..] => [red, green, blue],
        [grey, ..] => [grey; 3],
        [] => [0.0; 3],
    }
}

/// How much the colour of a pixel counts: its alpha, or 1.
pub(crate) fn weight(pixel: &[f32]) -> f32 {
    pixel.get(3).copied().unwrap_or(1.0)
}

/// Every pixel's colour through `change`, clamped to 0..1; alpha stays. `wanted` is the number of channels of the
/// result: that of `samples`, or 3 for grey.
///
/// `before` is called with the number of pixels done and in all.
///
/// # Errors
/// Those of `before`.
pub(crate) fn recoloured(
    samples: &[f32],
    (channels, wanted): (usize, usize),
    before: impl Fn(u64, u64) -> Result<()>,
    change: impl Fn([f32; 3]) -> [f32; 3] + Sync,
) -> Result<Vec<f32>> {
    let pixels = samples.len() / channels;
    let mut changed = vec![0.0; pixels * wanted];
    let strips = changed.chunks_mut(STRIP * wanted).zip(samples.chunks(STRIP * channels));
    for (strip, (changed, given)) in strips.enumerate() {
        before((strip * STRIP) as u64, pixels as u64)?;
        changed.par_chunks_mut(TASK * wanted).zip(given.par_chunks(TASK * channels)).for_each(
            |(changed, given)| {
                for (changed, given) in changed.chunks_exact_mut(wanted).zip(given.chunks_exact(channels)) {
                    let colour = change(colour(given)).map(|v| v.clamp(0.0, 1.0));
                    match changed {
                        [grey] => *grey = colour.iter().sum::<f32>() / 3.0,
                        changed => {
                            for (changed, sample) in changed.iter_mut().zip(colour.iter().chain(given.get(3)))
                            {
                                *changed = *sample;
                            }
                        }
                    }
                }
            },
        );
    }
    Ok(changed)
}

/// What `fold` makes of each task's pixels, in their order, whatever the number of threads.
pub(crate) fn folded<T: Send>(samples: &[f32], channels: usize, fold: impl Fn(&[f32]) -> T + Sync) -> Vec<T> {
    samples.par_chunks(TASK * channels).map(&fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colour_changes_and_alpha_stays() {
        let swap = |[r, g, b]: [f32; 3]| [b, 2.0 * g, r - 1.0];
        let run = |samples: &[f32], channels, wanted| {
            recoloured(samples, (channels, wanted), |_, _| Ok(()), swap).expect("not cancelled")
        };
        assert_eq!(run(&[0.5, 0.25, 0.75, 1.0, 1.0, 0.0], 3, 3), [0.75, 0.5, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(run(&[0.5, 0.25, 0.75, 0.2], 4, 4), [0.75, 0.5, 0.0, 0.2]);
        assert_eq!(run(&[0.5], 1, 3), [0.5, 1.0, 0.0]);
        assert_eq!(run(&[0.5], 1, 1), [0.5]);
    }

    #[test]
    fn every_strip_is_changed_and_reported() {
        let samples = vec![0.25; STRIP + 5];
        let seen = std::cell::RefCell::new(Vec::new());
        let before = |done, total| {
            seen.borrow_mut().push((done, total));
            Ok(())
        };
        let changed = recoloured(&samples, (1, 1), before, |c| c.map(|v| v + 0.5)).expect("not cancelled");
        assert!(changed.len() == samples.len() && changed.iter().all(|v| *v == 0.75));
        let (strip, total) = (STRIP as u64, STRIP as u64 + 5);
        assert_eq!(seen.into_inner(), [(0, total), (strip, total)]);
    }
}
