use dreamwire_nets::random::CounterRng;

/// The standard deviation of [`Perlin::at`] over the plane: `sqrt(4 A B)` with `f = 1 - fade`, `A` the integral of `f^2`
/// and `B` that of `f^2 t^2` over 0..1.
pub(crate) const STD: f64 = 0.215_710_802_759_747;

/// Gradient noise (Perlin 2002): a unit gradient at every point of the integer lattice, blended by a quintic.
pub(crate) struct Perlin(pub(crate) CounterRng);

impl Perlin {
    /// The noise at `(x, y)`, in lattice cells: mean 0, standard deviation [`STD`], within -0.71..0.71.
    pub(crate) fn at(&self, x: f64, y: f64) -> f64 {
        let (cell_x, cell_y) = (x.floor(), y.floor());
        let (dx, dy) = (x - cell_x, y - cell_y);
        let corner = |i: f64, j: f64| {
            let (gx, gy) = self.gradient((cell_x + i) as i64, (cell_y + j) as i64);
            gx * (dx - i) + gy * (dy - j)
        };
        let top = mix(corner(0.0, 0.0), corner(1.0, 0.0), fade(dx));
        let bottom = mix(corner(0.0, 1.0), corner(1.0, 1.0), fade(dx));
        mix(top, bottom, fade(dy))
    }

    fn gradient(&self, i: i64, j: i64) -> (f64, f64) {
        // Lattice coordinates stay far below 2^32, so no two points share an index.
        let index = ((i as u64) << 32) ^ (j as u64 & 0xFFFF_FFFF);
        let (sin, cos) = (std::f64::consts::TAU * self.0.uniform(index)).sin_cos();
        (cos, sin)
    }
}

/// `6t^5 - 15t^4 + 10t^3`: continuous up to the second derivative.
fn fade(t: f64) -> f64 {
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}

fn mix(a: f64, b: f64, t: f64) -> f64 {
    a + (b - a) * t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_zero_on_the_lattice_and_continuous() {
        let noise = Perlin(CounterRng::mixed(3));
        assert_eq!(noise.at(5.0, 9.0), 0.0);
        let (left, right) = (noise.at(4.0 - 1e-9, 0.4), noise.at(4.0 + 1e-9, 0.4));
        assert!((left - right).abs() < 1e-7, "{left} {right}");
    }

    #[test]
    fn its_standard_deviation_is_the_stated_one() {
        let noise = Perlin(CounterRng::mixed(11));
        // 120 x 120 cells, 4 x 4 points in each.
        let n = 480;
        let points = (0..n * n).map(|i| (f64::from(i % n) + 0.5, f64::from(i / n) + 0.5));
        let sum: f64 = points.map(|(x, y)| noise.at(x / 4.0, y / 4.0).powi(2)).sum();
        let std = (sum / f64::from(n * n)).sqrt();
        assert!((std - STD).abs() < 0.02 * STD, "{std}");
    }
}
