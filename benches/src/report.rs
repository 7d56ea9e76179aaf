use candle_core::Device;
use serde::Serialize;

use crate::args::Common;
use crate::device::Place;
use crate::failure::Failure;
use crate::measure::{median, peak_rss_mb};

/// What was measured of one network.
#[derive(Serialize)]
pub(crate) struct Report {
    name: &'static str,
    /// Height and width of the pictures in pixels.
    size: usize,
    threads: usize,
    device: String,
    engine: &'static str,
    /// Whether the gradient was computed too.
    backward: bool,
    /// The SIMD level of the kernels.
    simd: &'static str,
    /// Wall time of every repetition.
    times_ms: Vec<f64>,
    median_ms: f64,
    min_ms: f64,
    max_ms: f64,
    /// Wall time of the step GradientAscent alone, for dreams.
    #[serde(skip_serializing_if = "Option::is_none")]
    step_ms: Option<Vec<f64>>,
    /// Peak memory of the whole process, in units of 2^20 bytes.
    peak_rss_mb: Option<f64>,
    /// GFLOP of the network's convolutions, each computed directly.
    gflop: f64,
    /// The median relative to the bound of Winograd's F(4x4, 3x3), if the machine's peak is known.
    f4_percent: Option<f64>,
}

impl Report {
    /// `times_ms` are the wall times of all repetitions, each of which computed `gflop`.
    pub(crate) fn new(name: &'static str, common: &Common, times_ms: Vec<f64>, gflop: f64) -> Self {
        let median_ms = median(&times_ms);
        Self {
            name,
            size: common.size(),
            threads: common.threads(),
            device: common.device.to_string(),
            engine: operators(common.device),
            backward: false,
            simd: dreamwire_kernels::simd_level(),
            median_ms,
            min_ms: times_ms.iter().copied().fold(f64::INFINITY, f64::min),
            max_ms: times_ms.iter().copied().fold(0.0, f64::max),
            times_ms,
            step_ms: None,
            peak_rss_mb: peak_rss_mb("self"),
            gflop,
            f4_percent: common.peak.map(|peak| f4_percent(gflop, peak, median_ms)),
        }
    }

    /// For the operators of candle.
    pub(crate) fn of_candle(self) -> Self {
        Self { engine: "candle", ..self }
    }

    pub(crate) fn backward(self, backward: bool) -> Self {
        Self { backward, ..self }
    }

    /// For work done by another process.
    pub(crate) fn of_process(self, peak_rss_mb: Option<f64>, step_ms: Vec<f64>) -> Self {
        Self { peak_rss_mb, step_ms: Some(step_ms), ..self }
    }

    /// The text for standard output: JSON, or a table in Markdown.
    pub(crate) fn text(&self, json: bool) -> Result<String, Failure> {
        if json {
            return as_json(self);
        }
        let pass = if self.backward { "forward and backward" } else { "forward" };
        let Self { name, size, threads, device, engine, simd, .. } = self;
        let mut text = format!("{name} {size}, {pass}, {device}, {engine}, {threads} threads, {simd}\n\n");
        let number =
            |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |number| format!("{number:.0}"));
        let runs = self.times_ms.len();
        text += "| median ms | min ms | max ms | runs | GFLOP | GFLOP/s | % of F4 bound | peak MB |\n";
        text += "|---:|---:|---:|---:|---:|---:|---:|---:|\n";
        text += &format!(
            "| {:.1} | {:.1} | {:.1} | {runs} | {:.2} | {:.0} | {} | {} |\n",
            self.median_ms,
            self.min_ms,
            self.max_ms,
            self.gflop,
            self.gflop / self.median_ms * 1e3,
            number(self.f4_percent),
            number(self.peak_rss_mb),
        );
        if let Some(steps) = &self.step_ms {
            text += &format!("\nGradientAscent alone: {:.0} ms (median)\n", median(steps));
        }
        Ok(text)
    }
}

/// Whose operators compute there.
fn operators(place: Place) -> &'static str {
    if place != Place::Cpu || dreamwire_kernels::is_portable(&Device::Cpu) { "portable" } else { "kernels" }
}

/// One line of JSON.
pub(crate) fn as_json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(text + "\n")
}

/// The time of `gflop` if every multiplication of Winograd's F(4x4, 3x3) (36 of 144) ran at `peak` GFLOP/s
/// and everything else were free, in percent of `ms`.
pub(crate) fn f4_percent(gflop: f64, peak: f64, ms: f64) -> f64 {
    gflop / 4.0 / peak * 1e3 / ms * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_a_quarter_of_the_direct_time() {
        // 400 GFLOP at 100 GFLOP/s take 4 s, and 1 s by F4.
        assert_eq!(f4_percent(400.0, 100.0, 2000.0), 50.0);
    }
}
