use crate::judge;
use crate::outcome::{Done, Verdict};
use crate::point::{Point, accepted, arrays, differentiable, functions, optional_arrays};
use crate::probe::{Array, Function, Host, Tape};
use crate::subject::{Started, Subject, Worked};
use dreamwire_abi as abi;
use dreamwire_abi::{Form, wire_type};
use dreamwire_graph::KindInfo;
use dreamwire_socket::{FnFacts, Spec};
use std::collections::BTreeSet;

const FLAGS: u32 = abi::FN_SCALAR | abi::FN_REENTRANT | abi::FN_DETERMINISTIC | abi::FN_TAPE_ONCE;
/// Tolerance between values computed in two ways, relative to the largest.
const CLOSE: f64 = 1e-3;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let started = subject.start()?;
    each_function(&started, |host, function| one(host, function).map(|()| Done::Looked(1)))
}

/// Checks every function that the kinds output.
pub(super) fn each_function(
    started: &Started<'_>,
    mut look: impl FnMut(&Host, &Function) -> Result<Done, String>,
) -> Verdict {
    let tally = started.each_working_kind(|kind, worked| functions_of(started, kind, worked, &mut look));
    tally.end("function")
}

fn functions_of(
    started: &Started<'_>,
    kind: &KindInfo,
    worked: Worked,
    look: &mut impl FnMut(&Host, &Function) -> Result<Done, String>,
) -> Result<Done, String> {
    let (mut looked, mut left_out) = (0, None);
    for function in functions(&worked.ran) {
        let name = &function.described.ty;
        started.at(&format!("{}, {name}", kind.id));
        match look(&started.host, function).map_err(|why| format!("its {name}: {why}"))? {
            Done::Looked(count) => looked += count,
            Done::LeftOut(why) => left_out = Some(format!("its {name}: {why}")),
        }
    }
    drop(worked.ran);
    worked.node.destroy();
    Ok(match left_out {
        Some(why) if looked == 0 => Done::LeftOut(why),
        _ => Done::Looked(looked),
    })
}

fn one(host: &Host, function: &Function) -> Result<(), String> {
    let described = &function.described;
    description(described)?;
    tiles(function)?;
    function.memory()?;
    function.peak()?;
    let point = accepted(host, function, 70)?;
    let y = outputs(host, function, &point)?;
    for (index, (y, spec)) in y.iter().zip(&described.outputs).enumerate() {
        fits(&y.shape, spec, described).map_err(|why| format!("output {index}: {why}"))?;
    }
    if described.flags & abi::FN_DETERMINISTIC != 0 && outputs(host, function, &point)? != y {
        return Err("two evaluations differ, though it is DETERMINISTIC".to_owned());
    }
    wrong_rank(host, function, &point)?;
    let wrt = differentiable(function, &point);
    nothing_is_kept(host, function, &point)?;
    if wrt != 0 {
        gradients(host, function, &point, wrt, &y)?;
    }
    Ok(())
}

fn description(described: &FnFacts) -> Result<(), String> {
    if let Some(fault) = described.faults.first() {
        return Err(fault.clone());
    }
    if described.outputs.is_empty() {
        return Err("it describes no outputs".to_owned());
    }
    if described.flags & !FLAGS != 0 {
        return Err(format!("it has the unknown flags {:#x}", described.flags & !FLAGS));
    }
    let inputs = described.inputs.len();
    if inputs < 64 && described.diff_in >> inputs != 0 {
        return Err(format!("diff_in is {:#x}, but there are {inputs} inputs", described.diff_in));
    }
    let scalar = described.flags & abi::FN_SCALAR != 0;
    if scalar && described.outputs.len() != 1 {
        return Err(format!("it is SCALAR and has {} outputs", described.outputs.len()));
    }
    if described.ty == "OBJECTIVE" && !scalar {
        return Err("it is an OBJECTIVE, but not SCALAR".to_owned());
    }
    let Some(Form::Function { outputs }) = wire_type(&described.ty).map(|ty| ty.form) else {
        return Err(format!("`{}` is not a type of functions", described.ty));
    };
    if let Some(count) = outputs.filter(|&count| count != described.outputs.len()) {
        return Err(format!(
            "it has {} outputs, every {} has {count}",
            described.outputs.len(),
            described.ty
        ));
    }
    for (what, specs) in [("input", &described.inputs), ("output", &described.outputs)] {
        let mut names = BTreeSet::new();
        for spec in specs {
            if spec.name.is_empty() || !names.insert(&spec.name) {
                return Err(format!(
                    "an {what} is named `{}`: names must not be empty, and must differ",
                    spec.name
                ));
            }
            if !spec.is_float {
                return Err(format!("{what} `{}` is not float32", spec.name));
            }
            if spec.dims.iter().any(|&size| size < -1 || size == 0) {
                return Err(format!("{what} `{}` has sizes {:?}", spec.name, spec.dims));
            }
        }
    }
    Ok(())
}

fn tiles(function: &Function) -> Result<(), String> {
    let Some(tiles) = function.tiles()? else { return Ok(()) };
    if tiles.stride == 0 {
        return Err("its `dw.tiles/1` has stride 0".to_owned());
    }
    if ![abi::TILES_MEAN, abi::TILES_SUM].contains(&tiles.reduction) {
        return Err(format!("its `dw.tiles/1` has the unknown reduction {}", tiles.reduction));
    }
    Ok(())
}

fn outputs(host: &Host, function: &Function, point: &Point) -> Result<Vec<Array>, String> {
    let evaluated = function.eval(host, point, 0, false);
    match evaluated.status {
        abi::OK => arrays(evaluated.y, "output"),
        status => Err(format!("eval ended with {}", judge::words(status, evaluated.said.as_ref()))),
    }
}

fn fits(shape: &[usize], spec: &Spec, described: &FnFacts) -> Result<(), String> {
    let fits = match described.flags & abi::FN_SCALAR {
        0 => {
            shape.len() == spec.dims.len()
                && shape.iter().zip(&spec.dims).all(|(&size, &dim)| dim < 0 || dim == size as i64)
        }
        // Whatever the order.
        _ => shape.iter().product::<usize>() == 1,
    };
    if fits {
        return Ok(());
    }
    Err(format!("`{}` has shape {shape:?}, but is described as {:?}", spec.name, spec.dims))
}

fn wrong_rank(host: &Host, function: &Function, point: &Point) -> Result<(), String> {
    let Some(Some(first)) = point.first() else { return Ok(()) };
    let mut wrong = point.clone();
    let shape: Vec<usize> = std::iter::once(1).chain(first.shape.iter().copied()).collect();
    let what = format!("an input of shape {shape:?}");
    wrong[0] = Some(Array { shape, data: first.data.clone() });
    let evaluated = function.eval(host, &wrong, 0, false);
    if evaluated.status == abi::OK {
        return Err(format!("it accepts {what} instead of refusing it"));
    }
    judge::refusal(evaluated.status, evaluated.said.as_ref(), evaluated.touched)
        .map_err(|why| format!("with {what}, {why}"))
}

fn nothing_is_kept(host: &Host, function: &Function, point: &Point) -> Result<(), String> {
    match function.eval(host, point, 0, true).tape {
        Some(_) => Err("it returned a tape that was not requested (wrt is 0)".to_owned()),
        None => Ok(()),
    }
}

fn gradients(
    host: &Host,
    function: &Function,
    point: &Point,
    wrt: u64,
    plain: &[Array],
) -> Result<(), String> {
    let evaluated = function.eval(host, point, wrt, true);
    if evaluated.status != abi::OK {
        let why = judge::words(evaluated.status, evaluated.said.as_ref());
        return Err(format!("with wrt {wrt:#x} eval ended with {why}"));
    }
    let y = arrays(evaluated.y, "output")?;
    for (index, (y, plain)) in y.iter().zip(plain).enumerate() {
        close(y, plain)
            .map_err(|why| format!("output {index} with a tape differs from the one without: {why}"))?;
    }
    let Some(tape) = evaluated.tape else {
        return Err("it returned no tape, though wrt is not 0".to_owned());
    };
    if !tape.is_complete() {
        return Err("its tape has no `release` or no `vjp`".to_owned());
    }
    let cotangents: Vec<Option<Array>> = y.into_iter().map(Some).collect();
    let first = pull(host, &tape, &cotangents, point)?;
    let once = function.described.flags & abi::FN_TAPE_ONCE != 0;
    if !once && pull(host, &tape, &cotangents, point)? != first {
        return Err("two vjps of one tape differ".to_owned());
    }
    zero_cotangents(host, function, point, wrt, cotangents.len())?;
    value_and_gradient(host, function, point, wrt)
}

/// The gradients of all inputs, each with its input's shape.
pub(super) fn pull(
    host: &Host,
    tape: &Tape,
    cotangents: &[Option<Array>],
    point: &Point,
) -> Result<Vec<Option<Array>>, String> {
    let pulled = tape.vjp(host, cotangents);
    if pulled.status != abi::OK {
        return Err(format!("vjp ended with {}", judge::words(pulled.status, pulled.said.as_ref())));
    }
    let gradient = optional_arrays(pulled.gradient, "gradient")?;
    shaped_like(&gradient, point)?;
    Ok(gradient)
}

fn shaped_like(gradient: &[Option<Array>], point: &Point) -> Result<(), String> {
    for (index, (gradient, x)) in gradient.iter().zip(point).enumerate() {
        match (gradient, x) {
            (Some(gradient), Some(x)) if gradient.shape != x.shape => {
                let (found, wanted) = (&gradient.shape, &x.shape);
                return Err(format!(
                    "gradient {index} must have the shape of its input, {wanted:?}, found {found:?}"
                ));
            }
            (Some(_), None) => {
                return Err(format!("it returned a gradient for input {index}, which does not exist"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Cotangents that are all NULL are zero, and so must be the gradient.
fn zero_cotangents(
    host: &Host,
    function: &Function,
    point: &Point,
    wrt: u64,
    count: usize,
) -> Result<(), String> {
    let evaluated = function.eval(host, point, wrt, true);
    let Some(tape) = evaluated.tape else { return Err("it returned no tape the second time".to_owned()) };
    let gradient = pull(host, &tape, &vec![None; count], point)
        .map_err(|why| format!("with cotangents that are all NULL, {why}"))?;
    match gradient.iter().flatten().any(|g| g.data.iter().any(|v| *v != 0.0)) {
        true => Err("cotangents that are all NULL give a gradient that is not zero".to_owned()),
        false => Ok(()),
    }
}

fn value_and_gradient(host: &Host, function: &Function, point: &Point, wrt: u64) -> Result<(), String> {
    let scalar = function.described.flags & abi::FN_SCALAR != 0;
    let Some(valued) = function.value_and_grad(host, point, wrt) else {
        return if scalar { Err("it is SCALAR and has no `value_and_grad`".to_owned()) } else { Ok(()) };
    };
    if !scalar {
        if valued.status == abi::OK {
            return Err("`value_and_grad` succeeded, though it is not SCALAR".to_owned());
        }
        return judge::refusal(valued.status, valued.said.as_ref(), false)
            .map_err(|why| format!("asked for value_and_grad, {why}"));
    }
    if valued.status != abi::OK {
        let why = judge::words(valued.status, valued.said.as_ref());
        return Err(format!("value_and_grad ended with {why}"));
    }
    let gradient = optional_arrays(valued.gradient, "gradient of value_and_grad")?;
    shaped_like(&gradient, point)?;
    let evaluated = function.eval(host, point, wrt, true);
    let y = arrays(evaluated.y, "output")?;
    let value = f64::from(y[0].data[0]);
    if (valued.value - value).abs() > CLOSE * value.abs().max(1e-30) {
        return Err(format!("value_and_grad returns {}, eval {value}", valued.value));
    }
    let Some(tape) = evaluated.tape else { return Err("it returned no tape the third time".to_owned()) };
    let one = Array { shape: y[0].shape.clone(), data: vec![1.0] };
    let pulled = pull(host, &tape, &[Some(one)], point)?;
    for (index, (a, b)) in gradient.iter().zip(&pulled).enumerate() {
        let zero = |other: &Array| Array { shape: other.shape.clone(), data: vec![0.0; other.data.len()] };
        let (a, b) = match (a, b) {
            (None, None) => continue,
            (Some(a), None) => (a.clone(), zero(a)),
            (None, Some(b)) => (zero(b), b.clone()),
            (Some(a), Some(b)) => (a.clone(), b.clone()),
        };
        close(&a, &b)
            .map_err(|why| format!("gradient {index} of value_and_grad differs from that of vjp: {why}"))?;
    }
    Ok(())
}

/// Equal up to rounding.
fn close(a: &Array, b: &Array) -> Result<(), String> {
    if a.shape != b.shape {
        return Err(format!("shapes {:?} and {:?}", a.shape, b.shape));
    }
    let largest = b.data.iter().fold(0.0f64, |m, v| m.max(f64::from(v.abs())));
    let pairs = a.data.iter().zip(&b.data);
    let apart = pairs.fold(0.0f64, |m, (a, b)| m.max(f64::from((a - b).abs())));
    if apart <= CLOSE * largest + 1e-30 {
        return Ok(());
    }
    Err(format!("they differ by {apart:e}, the largest number is {largest:e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(dims: &[i64], flags: u32) -> FnFacts {
        let spec = |name: &str, dims: &[i64]| Spec {
            name: name.to_owned(),
            dims: dims.to_vec(),
            semantics: String::new(),
            is_float: true,
        };
        FnFacts {
            ty: "OBJECTIVE".to_owned(),
            flags,
            diff_in: 1,
            inputs: vec![spec("image", &[-1, -1, -1, 3])],
            outputs: vec![spec("value", dims)],
            ..FnFacts::default()
        }
    }

    #[test]
    fn descriptions_that_lie_are_told() {
        let check = |spoil: &dyn Fn(&mut FnFacts), expected: &str| {
            let mut lie = described(&[], abi::FN_SCALAR);
            spoil(&mut lie);
            assert!(description(&lie).unwrap_err().contains(expected), "{expected}");
        };
        assert_eq!(description(&described(&[], abi::FN_SCALAR)), Ok(()));
        check(&|d| d.flags = 0, "not SCALAR");
        check(&|d| d.flags |= 64, "unknown flags 0x40");
        check(&|d| d.diff_in = 2, "there are 1 inputs");
        check(&|d| d.outputs.clear(), "no outputs");
        check(&|d| d.outputs.push(d.outputs[0].clone()), "SCALAR and has 2 outputs");
        check(&|d| d.inputs[0].dims[1] = -2, "has sizes");
        check(&|d| d.inputs[0].is_float = false, "not float32");
        check(&|d| d.inputs[0].name.clear(), "is named ``");
    }

    #[test]
    fn shapes_fit_what_is_described() {
        let features = described(&[-1, 8, -1, -1], 0);
        assert_eq!(fits(&[2, 8, 5, 5], &features.outputs[0], &features), Ok(()));
        assert!(fits(&[2, 7, 5, 5], &features.outputs[0], &features).is_err());
        assert!(fits(&[8, 5, 5], &features.outputs[0], &features).is_err());
        let scalar = described(&[], abi::FN_SCALAR);
        assert_eq!(fits(&[1], &scalar.outputs[0], &scalar), Ok(()));
        assert!(fits(&[2], &scalar.outputs[0], &scalar).is_err());
    }
}
