use std::time::Instant;

use candle_core::{Result, Tensor, Var, bail};

use crate::args::Common;
use crate::failure::Failure;

/// Repeats `work` as `common` says: the wall time of every timed repetition in milliseconds, and the last
/// result.
pub(crate) fn repeat<R, E: Into<Failure>>(
    common: &Common,
    mut work: impl FnMut() -> std::result::Result<R, E>,
) -> std::result::Result<(Vec<f64>, R), Failure> {
    for _ in 0..common.warmup {
        work().map_err(Into::into)?;
    }
    let (mut times, mut last) = (Vec::new(), None);
    for _ in 0..common.repeat.get() {
        // The result of the repetition before must not count as memory of this one.
        drop(last.take());
        let start = Instant::now();
        let result = work().map_err(Into::into)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        last = Some(result);
    }
    Ok((times, last.expect("there is at least one repetition")))
}

/// The result, once its device has computed it: accelerators are given work and return at once.
///
/// # Errors
///
/// Those of the device.
pub(crate) fn computed(result: Tensor) -> Result<Tensor> {
    result.device().synchronize()?;
    Ok(result)
}

/// The gradient of `mean(network(x)^2)` with respect to `x`.
///
/// # Errors
///
/// Those of the network, and if its output does not depend on `x`.
pub(crate) fn gradient(x: &Var, network: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let x = x.as_tensor();
    let mut gradients = network(x)?.sqr()?.mean_all()?.backward()?;
    match gradients.remove(x) {
        Some(gradient) => Ok(gradient),
        None => bail!("the network has no gradient by its input"),
    }
}

/// The median; 0 for an empty list.
pub(crate) fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => 0.0,
        (count, middle) if count % 2 == 1 => sorted[middle],
        (_, middle) => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

/// The wall time of some work.
pub(crate) fn milliseconds<R>(work: impl FnOnce() -> Result<R>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

/// The peak memory of a process (`self`, or a number), in units of 2^20 bytes; known on Linux only.
pub(crate) fn peak_rss_mb(process: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 10.0]), 3.0);
        assert_eq!(median(&[]), 0.0);
    }
}
