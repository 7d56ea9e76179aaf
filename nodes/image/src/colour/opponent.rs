//! The decorrelated colour space of Reinhard et al. 2001, "Color Transfer between Images".

use crate::colour::matrix::{self, Matrix};
use crate::transfer;

/// Linear RGB to the responses of the cones, from the paper.
const CONES: Matrix = [[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]];
/// Added before the logarithm, which black has not: the light of 1/255.
const FLOOR: f64 = 3.0e-4;
/// The largest logarithm that is turned back, far above white.
const CEILING: f64 = 2.0;

/// The conversion in both directions: l (light), alpha (yellow and blue), beta (red and green).
pub(crate) struct Opponent {
    /// From the cones' logarithms; orthogonal.
    axes: Matrix,
    lights: Matrix,
}

impl Opponent {
    pub(crate) fn new() -> Self {
        let (third, sixth, half) = ((1.0 / 3f64).sqrt(), (1.0 / 6f64).sqrt(), 0.5f64.sqrt());
        Self {
            axes: [[third; 3], [sixth, sixth, -2.0 * sixth], [half, -half, 0.0]],
            lights: matrix::inverse(&CONES),
        }
    }

    /// Of a display-referred colour.
    pub(crate) fn of(&self, colour: [f32; 3]) -> [f64; 3] {
        let cones = matrix::apply(&CONES, colour.map(|v| f64::from(transfer::to_linear(v))));
        matrix::apply(&self.axes, cones.map(|v| (v.max(0.0) + FLOOR).log10()))
    }

    /// Back to display-referred values, which may be outside of 0..1.
    pub(crate) fn colour(&self, opponent: [f64; 3]) -> [f32; 3] {
        let logarithms = matrix::apply(&matrix::transposed(&self.axes), opponent);
        let cones = logarithms.map(|v| 10f64.powf(v.min(CEILING)) - FLOOR);
        matrix::apply(&self.lights, cones).map(|v| transfer::from_linear(v as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let space = Opponent::new();
        for colour in [[0.0; 3], [1.0; 3], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.2, 0.5, 0.7]] {
            let back = space.colour(space.of(colour));
            assert!(back.iter().zip(colour).all(|(a, b)| (a - b).abs() < 1e-4), "{colour:?}: {back:?}");
        }
    }

    #[test]
    fn the_axes_are_light_and_two_pairs_of_colours() {
        let space = Opponent::new();
        // White: all cones almost 1, so that their logarithms are almost 0.
        assert!(space.of([1.0; 3]).iter().all(|v| v.abs() < 2e-3), "{:?}", space.of([1.0; 3]));
        let grey = space.of([0.5; 3]);
        // log10 of the light of 0.5, 0.21404, times the square root of 3.
        assert!((grey[0] + 1.1597).abs() < 5e-3 && grey[1].abs() < 2e-3 && grey[2].abs() < 2e-3, "{grey:?}");
        let [blue, red, green] = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]].map(|c| space.of(c));
        assert!(blue[1] < 0.0 && red[1] > 0.0, "yellow and blue");
        assert!(red[2] > 0.0 && green[2] < 0.0, "red and green");
    }

    #[test]
    fn far_out_is_finite() {
        let colour = Opponent::new().colour([1e9, -1e9, 1e9]);
        assert!(colour.iter().all(|v| v.is_finite()), "{colour:?}");
    }
}
