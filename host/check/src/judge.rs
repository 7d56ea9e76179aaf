//! Whether results are what the contract allows.

use crate::probe::{Output, Ran, Samples};
use dreamwire_abi as abi;
use dreamwire_abi::{Form, wire_type};
use dreamwire_graph::Port;
use dreamwire_socket::{Dtype, Said};

/// The name of a status: "DW_E_SHAPE".
pub(crate) fn status_name(status: abi::Status) -> String {
    let name = match status {
        abi::OK => "DW_OK",
        abi::CANCELLED => "DW_CANCELLED",
        abi::E_FAILED => "DW_E_FAILED",
        abi::E_PANIC => "DW_E_PANIC",
        abi::E_UNSUPPORTED => "DW_E_UNSUPPORTED",
        abi::E_ARG => "DW_E_ARG",
        abi::E_SHAPE => "DW_E_SHAPE",
        abi::E_DTYPE => "DW_E_DTYPE",
        abi::E_DEVICE => "DW_E_DEVICE",
        abi::E_NOMEM => "DW_E_NOMEM",
        abi::E_GONE => "DW_E_GONE",
        abi::E_NOT_DIFF => "DW_E_NOT_DIFF",
        abi::E_IO => "DW_E_IO",
        abi::E_INPUT => "DW_E_INPUT",
        abi::E_LIMIT => "DW_E_LIMIT",
        abi::E_NONFINITE => "DW_E_NONFINITE",
        other => return format!("the unknown status {other}"),
    };
    name.to_owned()
}

/// An error status with its message: "DW_E_SHAPE, `a` should be ...".
pub(crate) fn words(status: abi::Status, said: Option<&Said>) -> String {
    match said {
        Some(said) => format!("{}, {}", status_name(status), said.message),
        None => status_name(status),
    }
}

/// Checks that a failed call failed properly: a known status, no panic, a message, nothing set.
pub(crate) fn refusal(status: abi::Status, said: Option<&Said>, touched: bool) -> Result<(), String> {
    let message = said.map(|said| said.message.trim()).unwrap_or_default();
    match status {
        abi::CANCELLED => Err("it ended with DW_CANCELLED, though it was not cancelled".to_owned()),
        abi::E_PANIC => Err(format!("it panicked: {message}")),
        abi::E_NONFINITE..=abi::E_FAILED if touched => {
            Err(format!("it ended with {} and set an output", status_name(status)))
        }
        abi::E_NONFINITE..=abi::E_FAILED if message.is_empty() => {
            Err(format!("it ended with {} and gave no reason (dw_call.fail)", status_name(status)))
        }
        abi::E_NONFINITE..=abi::E_FAILED => Ok(()),
        _ => Err(format!("it ended with {}", status_name(status))),
    }
}

/// As [`refusal`], for a run.
pub(crate) fn refused_run(ran: &Ran) -> Result<(), String> {
    refusal(ran.status, ran.said.as_ref(), !ran.touched.is_empty())
}

/// Checks that a successful run left what its ports declare, and behaved properly.
pub(crate) fn successful_run(ran: &Ran, ports: &[Port]) -> Result<(), String> {
    for (port, found) in ports.iter().zip(&ran.outputs) {
        output(port, found).map_err(|why| format!("output `{}`: {why}", port.name))?;
    }
    if let Some(complaint) = ran.complaints.first() {
        return Err(complaint.clone());
    }
    ran.published.iter().try_for_each(|file| template(&file.template))
}

fn output(port: &Port, found: &Output) -> Result<(), String> {
    if let Output::Broken(why) = found {
        return Err(why.clone());
    }
    if port.optional && matches!(found, Output::None) {
        return Ok(());
    }
    let promised = port.types.join(" or ");
    if !port.types.iter().any(|ty| is_a(ty, found)) {
        return Err(format!("expected {promised}, found {}", describe(found)));
    }
    match found {
        Output::Tensor(samples) => finite(samples),
        Output::Float(value) if !value.is_finite() => Err(format!("it is {value}")),
        _ => Ok(()),
    }
}

fn is_a(ty: &str, found: &Output) -> bool {
    match (wire_type(ty).map(|ty| ty.form), found) {
        (Some(Form::Tensor { rank, .. }), Output::Tensor(samples)) => {
            rank == samples.shape.len() && samples.dtype == Dtype::F32 && !samples.shape.contains(&0)
        }
        (Some(Form::Function { .. }), Output::Function(function)) => function.described.ty == ty,
        (Some(Form::Int | Form::Float), Output::Int(_)) | (Some(Form::Float), Output::Float(_)) => true,
        (Some(Form::Text), Output::Text(_)) | (Some(Form::Bool), Output::Bool(_)) => true,
        _ => false,
    }
}

fn describe(found: &Output) -> String {
    match found {
        Output::None => "nothing".to_owned(),
        Output::Bool(_) => "a boolean".to_owned(),
        Output::Int(_) => "an integer".to_owned(),
        Output::Float(_) => "a float".to_owned(),
        Output::Text(_) => "a text".to_owned(),
        Output::Tensor(samples) => format!("a tensor {} {:?}", samples.dtype.name(), samples.shape),
        Output::Function(function) => format!("a function `{}`", function.described.ty),
        Output::Broken(why) => why.clone(),
    }
}

/// Checks for NaN and infinity.
pub(crate) fn finite(samples: &Samples) -> Result<(), String> {
    let Some(floats) = samples.floats() else { return Ok(()) };
    let bad = floats.iter().filter(|v| !v.is_finite()).count();
    match floats.iter().position(|v| !v.is_finite()) {
        Some(first) => {
            Err(format!("{bad} of {} numbers are not finite, the first at index {first}", floats.len()))
        }
        None => Ok(()),
    }
}

/// Checks that the host would accept a published name.
fn template(name: &str) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("it published `{name}`, which {why}"));
    if name.is_empty() || name.ends_with('/') {
        return refuse("names no file");
    }
    if name.contains('\\') || name.chars().any(char::is_control) {
        return refuse("contains a backslash or a control character");
    }
    if name.starts_with('/') || name.as_bytes().get(1) == Some(&b':') {
        return refuse("is an absolute path");
    }
    if name.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return refuse("is not a plain relative path");
    }
    let counter =
        name.split_once("{counter:").map(|(_, rest)| rest.split_once('}').map(|(digits, _)| digits));
    match counter {
        Some(Some(digits)) if matches!(digits.parse::<u32>(), Ok(1..=9)) => Ok(()),
        None => Ok(()),
        Some(_) => refuse("has a counter that is not like {counter:05}"),
    }
}

/// Checks that two runs gave the same bytes. Functions are compared elsewhere.
pub(crate) fn same(a: &Ran, b: &Ran, ports: &[Port]) -> Result<(), String> {
    for (port, (a, b)) in ports.iter().zip(a.outputs.iter().zip(&b.outputs)) {
        let same = match (a, b) {
            (Output::Tensor(a), Output::Tensor(b)) => a == b,
            (Output::Text(a), Output::Text(b)) => a == b,
            (Output::Int(a), Output::Int(b)) => a == b,
            (Output::Bool(a), Output::Bool(b)) => a == b,
            (Output::Float(a), Output::Float(b)) => a.to_bits() == b.to_bits(),
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        };
        if !same {
            return Err(format!("output `{}` differs from run to run, though the kind is PURE", port.name));
        }
    }
    if a.published != b.published {
        return Err("what it publishes differs from run to run, though the kind is PURE".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_a_known_status_and_words() {
        let said = Said::new(abi::E_SHAPE, "too wide");
        let check = |status, said: Option<&Said>, touched, fault: Option<&str>| match fault {
            None => assert_eq!(refusal(status, said, touched), Ok(())),
            Some(fault) => assert!(refusal(status, said, touched).unwrap_err().contains(fault), "{status}"),
        };
        check(abi::E_SHAPE, Some(&said), false, None);
        check(abi::E_NONFINITE, Some(&said), false, None);
        check(abi::E_SHAPE, None, false, Some("gave no reason"));
        check(abi::E_SHAPE, Some(&said), true, Some("set an output"));
        check(abi::E_PANIC, Some(&said), false, Some("panicked: too wide"));
        check(abi::CANCELLED, Some(&said), false, Some("it was not cancelled"));
        check(-99, Some(&said), false, Some("the unknown status -99"));
        check(7, Some(&said), false, Some("the unknown status 7"));
    }

    #[test]
    fn names_of_files_are_plain() {
        for good in ["a.png", "dream/cat_{counter:05}_.png", "ü {x}.png"] {
            assert_eq!(template(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "a/",
            "/a.png",
            "C:/a.png",
            "a//b",
            "../a.png",
            "a\\b",
            "a\nb",
            "a{counter:x}.png",
            "a{counter:5",
        ] {
            assert!(template(bad).is_err(), "{bad}");
        }
    }
}
