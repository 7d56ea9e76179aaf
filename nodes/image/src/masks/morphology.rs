//! Dilation and erosion of masks.

use rayon::prelude::*;

/// What a pixel of a mask reaches within a radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// `max(|x|, |y|) <= radius`: 3x3 pixels, again and again.
    Square,
    /// `|x| + |y| <= radius`: a pixel and its four neighbours, again and again.
    Diamond,
}

/// The largest value that each pixel of a mask of `width` reaches; outside of the mask there is nothing.
pub(crate) fn dilated(mask: Vec<f32>, width: usize, shape: Shape, radius: usize) -> Vec<f32> {
    match shape {
        Shape::Square => {
            let wide = spread(mask, width, radius, (true, false));
            spread(wide, width, radius, (false, true))
        }
        Shape::Diamond => spread(mask, width, radius, (true, true)),
    }
}

/// The smallest value that each pixel of a mask of `width` reaches; outside of the mask there is nothing.
pub(crate) fn eroded(mut mask: Vec<f32>, width: usize, shape: Shape, radius: usize) -> Vec<f32> {
    let negate = |mask: &mut Vec<f32>| mask.iter_mut().for_each(|value| *value = -*value);
    negate(&mut mask);
    let mut eroded = dilated(mask, width, shape, radius);
    negate(&mut eroded);
    eroded
}

/// Dilation along the rows, the columns, or both, in about log2(radius) passes.
///
/// What is reached within `a + b` is what the pixels at a distance of `b`, in each direction, reach within `a`, if b is
/// at most a (or 1 after 0), together with what the pixel itself does. Pixels beyond the edge may be replaced by those
/// at the edge: they are as near to everything inside as is needed, and not further than `b` away.
fn spread(mut mask: Vec<f32>, width: usize, radius: usize, (across, down): (bool, bool)) -> Vec<f32> {
    let height = mask.len() / width.max(1);
    // Further than that there is nothing.
    let radius = radius.min(width + height);
    let mut next = if radius > 0 { vec![0.0; mask.len()] } else { Vec::new() };
    let mut reached = 0;
    while reached < radius {
        let step = (radius - reached).min(reached.max(1));
        next.par_chunks_mut(width).enumerate().for_each(|(y, out)| {
            let row = |y: usize| &mask[y * width..][..width];
            let own = row(y);
            out.copy_from_slice(own);
            if across {
                for (x, out) in out.iter_mut().enumerate() {
                    *out = out.max(own[x.saturating_sub(step)]).max(own[(x + step).min(width - 1)]);
                }
            }
            if down {
                let (above, below) = (row(y.saturating_sub(step)), row((y + step).min(height - 1)));
                for ((out, above), below) in out.iter_mut().zip(above).zip(below) {
                    *out = out.max(*above).max(*below);
                }
            }
        });
        std::mem::swap(&mut mask, &mut next);
        reached += step;
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By looking at every pixel from every pixel.
    fn plainly(mask: &[f32], width: usize, shape: Shape, radius: usize) -> Vec<f32> {
        let place = |index: usize| (index % width, index / width);
        let value = |index: usize| {
            let (x, y) = place(index);
            let reached = mask.iter().enumerate().filter(|(other, _)| {
                let (dx, dy) = (place(*other).0.abs_diff(x), place(*other).1.abs_diff(y));
                match shape {
                    Shape::Square => dx.max(dy) <= radius,
                    Shape::Diamond => dx + dy <= radius,
                }
            });
            reached.fold(f32::NEG_INFINITY, |most, (_, value)| most.max(*value))
        };
        (0..mask.len()).map(value).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_pixel_has_the_largest_value_in_reach(
            (width, mask) in (1usize..14).prop_flat_map(|width| {
                let rows = (1usize..14).prop_flat_map(move |height| {
                    prop::collection::vec(0.0..1.0f32, width * height)
                });
                (Just(width), rows)
            }),
            radius in 0usize..40,
        ) {
            for shape in [Shape::Square, Shape::Diamond] {
                let expected = plainly(&mask, width, shape, radius);
                prop_assert_eq!(dilated(mask.clone(), width, shape, radius), expected, "{:?}", shape);
                let negative: Vec<f32> = mask.iter().map(|value| -value).collect();
                let expected: Vec<f32> =
                    plainly(&negative, width, shape, radius).into_iter().map(|value| -value).collect();
                prop_assert_eq!(eroded(mask.clone(), width, shape, radius), expected, "{:?}", shape);
            }
        }
    }
}
