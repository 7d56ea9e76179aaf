use std::time::{Duration, Instant};

use dreamwire_sdk::prelude::*;

/// Reports the progress of an ascent to the host, with at most five previews per second.
pub(crate) struct Report<'a> {
    call: &'a Call,
    done: u64,
    total: u64,
    shown: Option<Instant>,
}

impl<'a> Report<'a> {
    const PAUSE: Duration = Duration::from_millis(200);

    /// Of `total` steps.
    pub(crate) fn new(call: &'a Call, total: usize) -> Self {
        Self { call, done: 0, total: total as u64, shown: None }
    }

    /// Reports a finished step: its position, the objective, and the picture so far.
    ///
    /// # Errors
    ///
    /// If the host cancels.
    pub(crate) fn step(&mut self, stage: &str, value: f64, picture: &Tensor) -> Result<()> {
        self.done += 1;
        self.call.progress(self.done, self.total, &format!("{stage} objective {}", short(value)))?;
        if self.shown.is_none_or(|shown| shown.elapsed() >= Self::PAUSE) {
            self.call.preview(picture);
            self.shown = Some(Instant::now());
        }
        Ok(())
    }
}

/// About five digits, whatever the magnitude.
fn short(value: f64) -> String {
    let before_point = value.abs().max(1e-9).log10().floor() as i32;
    format!("{value:.*}", (4 - before_point).clamp(0, 9) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_five_digits() {
        let found = [12.3, 124_576.39, 0.000_012_345_6, -7.0, 0.0].map(short);
        assert_eq!(found, ["12.300", "124576", "0.000012346", "-7.0000", "0.000000000"]);
    }
}
