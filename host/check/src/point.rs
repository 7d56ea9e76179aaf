//! Points at which functions are evaluated.

use crate::judge;
use crate::probe::{Array, Function, Host, Output, Ran, Samples};
use crate::supply::{SIDES, smooth};
use dreamwire_abi as abi;
use dreamwire_socket::Spec;

/// One array per input of a function; `None` is omitted.
pub(crate) type Point = Vec<Option<Array>>;

/// For networks that need more than [`SIDES`].
const LARGE_SIDES: [usize; 2] = [128, 112];

/// A function's reaction to inputs that fit its description.
pub(crate) enum Accepts {
    At(Point),
    /// It refuses all of them properly: its message about the first.
    Nothing(String),
}

/// Searches for a point that the function accepts. Another seed gives another point than that of the nodes'
/// inputs.
///
/// # Errors
/// If it refuses one in a way that the contract does not allow.
pub(crate) fn look(host: &Host, function: &Function, seed: u64) -> Result<Accepts, String> {
    let inputs = &function.described.inputs;
    let mut why = None;
    // Optional inputs come last and can be omitted.
    for (count, sides) in [(inputs.len(), SIDES), (1, SIDES), (inputs.len(), LARGE_SIDES), (1, LARGE_SIDES)] {
        let given =
            |index: usize, spec: &Spec| (index < count).then(|| array(spec, sides, seed + index as u64));
        let point: Point = inputs.iter().enumerate().map(|(index, spec)| given(index, spec)).collect();
        let evaluated = function.eval(host, &point, 0, false);
        if evaluated.status == abi::OK {
            return Ok(Accepts::At(point));
        }
        judge::refusal(evaluated.status, evaluated.said.as_ref(), evaluated.touched)?;
        why.get_or_insert_with(|| judge::words(evaluated.status, evaluated.said.as_ref()));
    }
    Ok(Accepts::Nothing(why.unwrap_or_default()))
}

/// A point that the function accepts.
///
/// # Errors
/// As [`look`], or if there is none.
pub(crate) fn accepted(host: &Host, function: &Function, seed: u64) -> Result<Point, String> {
    match look(host, function, seed)? {
        Accepts::At(point) => Ok(point),
        Accepts::Nothing(why) => Err(format!("it refuses inputs that match its description: {why}")),
    }
}

/// Smooth numbers of that shape, with small sizes for free dimensions.
fn array(spec: &Spec, [height, width]: [usize; 2], seed: u64) -> Array {
    let is_picture = spec.dims.len() == 4 && matches!(spec.dims[3], -1 | 1 | 3 | 4);
    let free: &[usize] = match spec.dims.len() {
        4 if is_picture => &[1, height, width, 3],
        3 => &[1, 6, 16],
        2 => &[1, 16],
        _ => &[],
    };
    let size = |(axis, &dim): (usize, &i64)| match usize::try_from(dim) {
        Ok(size) => size,
        Err(_) => free.get(axis).copied().unwrap_or(1),
    };
    let shape: Vec<usize> = spec.dims.iter().enumerate().map(size).collect();
    if is_picture { smooth(&shape, seed, 0.1, 0.9) } else { smooth(&shape, seed, -1.2, 1.2) }
}

/// The functions among the outputs of a run.
pub(crate) fn functions(ran: &Ran) -> impl Iterator<Item = &Function> {
    ran.outputs.iter().filter_map(|output| match output {
        Output::Function(function) => Some(function),
        _ => None,
    })
}

/// Bits of the given inputs that are differentiable.
pub(crate) fn differentiable(function: &Function, point: &Point) -> u64 {
    let given = point.iter().take(64).enumerate().filter(|(_, x)| x.is_some());
    given.fold(0, |bits, (index, _)| bits | 1 << index) & function.described.diff_in
}

/// Tensors as numbers: each output must be there, float32 and finite.
///
/// # Errors
/// If one is not.
pub(crate) fn arrays(found: Vec<Option<Result<Samples, String>>>, what: &str) -> Result<Vec<Array>, String> {
    let outputs = optional_arrays(found, what)?.into_iter().enumerate();
    outputs.map(|(index, array)| array.ok_or_else(|| format!("{what} {index} is null"))).collect()
}

/// As [`arrays`], but some may be null.
///
/// # Errors
/// As [`arrays`].
pub(crate) fn optional_arrays(
    found: Vec<Option<Result<Samples, String>>>,
    what: &str,
) -> Result<Vec<Option<Array>>, String> {
    let array = |index: usize, samples: Result<Samples, String>| {
        let samples = samples.map_err(|why| format!("{what} {index}: {why}"))?;
        judge::finite(&samples).map_err(|why| format!("{what} {index}: {why}"))?;
        let data =
            samples.floats().ok_or_else(|| format!("{what} {index} is {}, not f32", samples.dtype.name()))?;
        Ok(Array { shape: samples.shape.iter().map(|&size| size as usize).collect(), data })
    };
    found.into_iter().enumerate().map(|(index, one)| one.map(|one| array(index, one)).transpose()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_fit_descriptions() {
        let check = |dims: &[i64], expected: &[usize]| {
            let spec =
                Spec { name: String::new(), dims: dims.to_vec(), semantics: String::new(), is_float: true };
            assert_eq!(array(&spec, SIDES, 1).shape, expected, "{dims:?}");
        };
        check(&[-1, -1, -1, 3], &[1, 48, 40, 3]);
        check(&[-1, -1, -1, -1], &[1, 48, 40, 3]);
        check(&[-1, 1, 8, 8], &[1, 1, 8, 8]);
        check(&[-1, 14, 512], &[1, 14, 512]);
        check(&[-1, 512], &[1, 512]);
        check(&[-1], &[1]);
        check(&[], &[]);
    }
}
