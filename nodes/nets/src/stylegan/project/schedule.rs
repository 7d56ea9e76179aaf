use std::f64::consts::PI;

/// How the length of a search's steps and its random moves change with time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Steps in all.
    pub steps: usize,
    /// The longest step of Adam.
    pub rate: f64,
    /// The part of the time in which the rate rises to its height, from 0.
    pub rampup: f64,
    /// The part of the time in which it falls to 0, along half a cosine.
    pub rampdown: f64,
    /// Random moves of the latent at first, relative to the spread of the styles.
    pub noise: f64,
    /// The part of the time after which there are none.
    pub noise_ramp: f64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { steps: 1000, rate: 0.1, rampup: 0.05, rampdown: 0.25, noise: 0.05, noise_ramp: 0.75 }
    }
}

impl Schedule {
    /// The rate of a step, which counts from 0, at the time `t = step / steps`:
    /// `rate * min(1, t / rampup) * (1 - cos(pi min(1, (1 - t) / rampdown))) / 2`.
    pub fn rate(&self, step: usize) -> f64 {
        let time = self.time(step);
        let falls = (0.5 - 0.5 * (PI * part(1.0 - time, self.rampdown)).cos()).clamp(0.0, 1.0);
        self.rate * falls * part(time, self.rampup)
    }

    /// The deviation of the random moves in a step, relative to the spread of the styles:
    /// `noise * max(0, 1 - t / noise_ramp)^2`.
    pub fn noise(&self, step: usize) -> f64 {
        self.noise * (1.0 - part(self.time(step), self.noise_ramp)).powi(2)
    }

    fn time(&self, step: usize) -> f64 {
        step as f64 / self.steps.max(1) as f64
    }
}

/// `min(1, time / ramp)`; 1 if there is no ramp.
fn part(time: f64, ramp: f64) -> f64 {
    if ramp > 0.0 { (time / ramp).min(1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
    }

    /// By hand, for 1000 steps.
    #[test]
    fn rates_rise_and_fall() {
        let schedule = Schedule::default();
        let rates = [(0, 0.0), (10, 0.02), (49, 0.098), (50, 0.1), (750, 0.1), (875, 0.05)];
        rates.iter().for_each(|(step, rate)| check(schedule.rate(*step), *rate));
        // (1 - cos(pi / 250)) / 2.
        check(schedule.rate(999), 3.947_789_809_194_413e-6);
        // 5/6 of the ramp, of 20 steps: (1 - cos(5 pi / 5)) / 2 = 1 at step 15, (1 - cos(pi / 5)) / 2 at step 19.
        let short = Schedule { steps: 20, ..schedule };
        check(short.rate(1), 0.1);
        check(short.rate(15), 0.1);
        check(short.rate(19), 0.1 * 0.095_491_502_812_526_27);
    }

    #[test]
    fn random_moves_end() {
        let schedule = Schedule::default();
        let lengths = [(0, 0.05), (375, 0.0125), (600, 0.002), (750, 0.0), (999, 0.0)];
        lengths.iter().for_each(|(step, length)| check(schedule.noise(*step), *length));
    }

    #[test]
    fn there_may_be_no_ramps() {
        let schedule =
            Schedule { steps: 10, rate: 0.3, rampup: 0.0, rampdown: 0.0, noise: 0.5, noise_ramp: 0.0 };
        (0..10).for_each(|step| {
            check(schedule.rate(step), 0.3);
            check(schedule.noise(step), 0.0);
        });
    }
}
