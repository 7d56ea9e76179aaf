//! Finite differences: along a direction d, `(f(x + h d) - f(x - h d)) / 2h` should be `<vjp, d>`, where f is the sum of
//! all outputs with fixed weights.

use super::function::{each_function, pull};
use crate::judge;
use crate::outcome::{Done, Verdict};
use crate::point::{Point, accepted, arrays, differentiable};
use crate::probe::{Array, Function, Host};
use crate::subject::Subject;
use crate::supply::smooth;
use dreamwire_abi as abi;

/// Relative tolerance between both numbers.
const TOLERANCE: f64 = 1e-2;
/// Rounding error of a float32 sum, relative to the sum of absolute terms.
const ROUNDING: f64 = 2e-7;
const DIRECTIONS: u64 = 6;
/// How many directions must agree: at a kink of a rectifier or a pool both numbers are right and differ.
const ENOUGH: usize = 4;
/// Steps, relative to the largest component of a direction, which is 1: agreement at one of them is enough.
const STEPS: [f64; 6] = [3e-3, 1e-3, 1e-2, 3e-4, 1e-4, 3e-5];
/// Below this step rounding may be as large as the difference; then it must be small beside the slope to
/// count.
const SMALL_STEP: f64 = 2e-4;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let started = subject.start()?;
    let mut worst = 0f64;
    let words = each_function(&started, |host, function| {
        Ok(match one(host, function)? {
            Some(off) => {
                worst = worst.max(off);
                Done::Looked(1)
            }
            None => Done::LeftOut("it has no gradients".to_owned()),
        })
    });
    words.map(|words| format!("{words}; at worst off by {worst:.1e}"))
}

/// The largest accepted disagreement. `None` without gradients.
fn one(host: &Host, function: &Function) -> Result<Option<f64>, String> {
    let point = accepted(host, function, 70)?;
    let wrt = differentiable(function, &point);
    if wrt == 0 {
        return Ok(None);
    }
    let evaluated = function.eval(host, &point, wrt, true);
    if evaluated.status != abi::OK {
        let why = judge::words(evaluated.status, evaluated.said.as_ref());
        return Err(format!("eval with a tape ended with {why}"));
    }
    let y = arrays(evaluated.y, "output")?;
    let Some(tape) = evaluated.tape else { return Err("it returned no tape".to_owned()) };
    let weights: Vec<Array> = y.iter().zip(1..).map(|(y, seed)| weights(y, 300 + seed)).collect();
    let cotangents: Vec<Option<Array>> = weights.iter().cloned().map(Some).collect();
    let gradient = pull(host, &tape, &cotangents, &point)?;
    drop(tape);
    let weighted = Weighted { host, function, weights };
    let (mut agreed, mut worst, mut reason) = (0, 0f64, None);
    for number in 0..DIRECTIONS {
        let direction = direction(&gradient, &point, wrt, number);
        match agrees(&weighted, &point, &gradient, &direction)? {
            Ok(off) => {
                agreed += 1;
                worst = worst.max(off);
            }
            Err(why) => {
                reason.get_or_insert(why);
            }
        }
        if agreed == ENOUGH {
            return Ok(Some(worst));
        }
    }
    Err(format!("{agreed} of {DIRECTIONS} directions agree, {ENOUGH} should; {}", reason.unwrap_or_default()))
}

/// The weights of the sum over all outputs.
struct Weighted<'a> {
    host: &'a Host,
    function: &'a Function,
    weights: Vec<Array>,
}

impl Weighted<'_> {
    /// The sum, and the sum of absolute terms.
    fn at(&self, point: &Point) -> Result<(f64, f64), String> {
        let evaluated = self.function.eval(self.host, point, 0, false);
        if evaluated.status != abi::OK {
            let why = judge::words(evaluated.status, evaluated.said.as_ref());
            return Err(format!("eval near the point ended with {why}"));
        }
        let y = arrays(evaluated.y, "output")?;
        let terms = y.iter().zip(&self.weights).flat_map(|(y, w)| y.data.iter().zip(&w.data));
        Ok(terms.fold((0.0, 0.0), |(sum, size), (y, w)| {
            let term = f64::from(*y) * f64::from(*w);
            (sum + term, size + term.abs())
        }))
    }
}

/// Mostly the output itself, so that large values count, plus a little of everything.
fn weights(y: &Array, seed: u64) -> Array {
    let count = y.data.len().max(1) as f64;
    if y.data.len() <= 1 {
        return Array { shape: y.shape.clone(), data: vec![1.0; y.data.len()] };
    }
    let size = (y.data.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / count).sqrt().max(1e-30);
    let noise = smooth(&y.shape, seed, -0.5, 0.5);
    let weight = |(y, noise): (&f32, &f32)| ((f64::from(*y) / size + f64::from(*noise)) / count) as f32;
    Array { shape: y.shape.clone(), data: y.data.iter().zip(&noise.data).map(weight).collect() }
}

/// Uphill, so that the difference exceeds rounding, plus a smooth random part; its largest component is 1.
fn direction(gradient: &[Option<Array>], point: &Point, wrt: u64, number: u64) -> Vec<Option<Vec<f64>>> {
    let all = || gradient.iter().flatten().flat_map(|g| &g.data).map(|v| f64::from(*v));
    let size = (all().map(|v| v * v).sum::<f64>() / all().count().max(1) as f64).sqrt();
    let random = if number.is_multiple_of(2) { 0.25 } else { 1.0 };
    let part = |(index, x): (usize, &Option<Array>)| {
        let x = x.as_ref().filter(|_| index < 64 && wrt >> index & 1 == 1)?;
        let noise = smooth(&x.shape, 1000 + 100 * number + index as u64, -random, random);
        let uphill = gradient.get(index).and_then(Option::as_ref);
        let along = |at: usize| uphill.filter(|_| size > 0.0).map_or(0.0, |g| f64::from(g.data[at]) / size);
        Some(noise.data.iter().enumerate().map(|(at, noise)| along(at) + f64::from(*noise)).collect())
    };
    let mut direction: Vec<Option<Vec<f64>>> = point.iter().enumerate().map(part).collect();
    let largest = direction.iter().flatten().flatten().fold(1e-30f64, |m, v| m.max(v.abs()));
    direction.iter_mut().flatten().flatten().for_each(|v| *v /= largest);
    direction
}

/// The relative difference of both numbers; the inner error states them.
fn agrees(
    weighted: &Weighted<'_>,
    point: &Point,
    gradient: &[Option<Array>],
    direction: &[Option<Vec<f64>>],
) -> Result<Result<f64, String>, String> {
    let pairs = gradient.iter().zip(direction).filter_map(|(g, d)| g.as_ref().zip(d.as_ref()));
    let analytic: f64 = pairs.flat_map(|(g, d)| g.data.iter().zip(d)).map(|(g, d)| f64::from(*g) * d).sum();
    let mut best: Option<(f64, String)> = None;
    for step in STEPS {
        let (plus, size) = weighted.at(&moved(point, direction, step))?;
        let (minus, _) = weighted.at(&moved(point, direction, -step))?;
        let numeric = (plus - minus) / (2.0 * step);
        let apart = (analytic - numeric).abs();
        let largest = analytic.abs().max(numeric.abs());
        let rounding = ROUNDING * size / step;
        if step < SMALL_STEP && rounding > TOLERANCE * largest {
            continue;
        }
        if apart <= TOLERANCE * largest + rounding {
            return Ok(Ok(if largest > 0.0 { (apart / largest).min(TOLERANCE) } else { 0.0 }));
        }
        let off = apart / largest;
        if best.as_ref().is_none_or(|(least, _)| off < *least) {
            let words = format!(
                "by vjp the slope is {analytic:.6e}, by differences {numeric:.6e} (step {step:e}): off by {:.1} %",
                100.0 * off
            );
            best = Some((off, words));
        }
    }
    Ok(Err(best.map(|(_, words)| words).unwrap_or_default()))
}

fn moved(point: &Point, direction: &[Option<Vec<f64>>], by: f64) -> Point {
    let step = |(x, d): (&Option<Array>, &Option<Vec<f64>>)| match (x, d) {
        (Some(x), Some(d)) => {
            let data = x.data.iter().zip(d).map(|(x, d)| (f64::from(*x) + by * d) as f32).collect();
            Some(Array { shape: x.shape.clone(), data })
        }
        (x, _) => x.clone(),
    };
    point.iter().zip(direction).map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_go_uphill_and_differ() {
        let x = smooth(&[1, 6, 5, 3], 1, 0.0, 1.0);
        let gradient = vec![Some(smooth(&x.shape, 2, -3.0, 5.0)), None];
        let point = vec![Some(x), None];
        let first = direction(&gradient, &point, 1, 0);
        assert!(first[1].is_none());
        let (d, g) = (first[0].as_ref().unwrap(), &gradient[0].as_ref().unwrap().data);
        assert!(d.iter().all(|v| v.abs() <= 1.0));
        assert!(d.iter().zip(g).map(|(d, g)| d * f64::from(*g)).sum::<f64>() > 0.0);
        assert_ne!(first, direction(&gradient, &point, 1, 1));
        assert!(direction(&gradient, &point, 0, 0)[0].is_none(), "only what is asked for is moved");
        // A gradient of zero is checked too: all that is left is the random part.
        let flat = direction(&[None, None], &point, 1, 0);
        assert!(flat[0].as_ref().unwrap().iter().any(|v| *v == 1.0 || *v == -1.0));
    }

    #[test]
    fn a_point_moves_along_a_direction() {
        let x = Array { shape: vec![2], data: vec![1.0, 2.0] };
        let there = moved(&vec![Some(x), None], &[Some(vec![1.0, -1.0]), None], 0.5);
        assert_eq!(there, [Some(Array { shape: vec![2], data: vec![1.5, 1.5] }), None]);
    }
}
