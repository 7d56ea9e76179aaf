//! `dreamwire weights`: looks at files of network weights, checks and converts them. Needs no plugin, and executes
//! nothing of a file.

mod args;
mod export;
mod file;
mod import;
mod info;
mod list;
mod part;
mod place;
mod statistics;
mod verify;

use std::collections::BTreeMap;

use dreamwire_formats::Tensor;

pub(crate) use args::WeightsArgs;
use args::WeightsCommand;

use crate::console::{Console, with_hint};
use crate::exit::Exit;
use crate::output::Refused;

/// `dreamwire weights`.
pub(crate) fn weights(args: &WeightsArgs, console: Console) -> Exit {
    let done = match &args.command {
        WeightsCommand::Info(args) => info::info(args, console),
        WeightsCommand::List(args) => list::list(args, console),
        WeightsCommand::Verify(args) => verify::verify(args, console),
        WeightsCommand::Import(args) => import::import(args, console),
        WeightsCommand::Export(args) => export::export(args, console),
    };
    match done {
        Ok(()) => Exit::OK,
        Err(Refused { message, hint, exit }) => {
            console.talk(&with_hint(&format!("error: {message}"), hint.as_deref()));
            exit
        }
    }
}

/// How many tensors there are, and how many numbers in them, by type.
#[derive(Default)]
struct Census {
    tensors: usize,
    numbers: u64,
    by_type: BTreeMap<&'static str, u64>,
}

impl Census {
    /// Of these tensors.
    fn of<'t, 'a: 't>(tensors: impl IntoIterator<Item = &'t Tensor<'a>>) -> Self {
        let mut census = Self::default();
        for tensor in tensors {
            let numbers = tensor.count() as u64;
            census.tensors += 1;
            census.numbers += numbers;
            *census.by_type.entry(tensor.dtype().name()).or_default() += numbers;
        }
        census
    }
}

/// `30 tensors, 1,254,122 numbers (F32)`.
impl std::fmt::Display for Census {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let types: Vec<&str> = self.by_type.keys().copied().collect();
        let (tensors, numbers) = (grouped(self.tensors as u64), grouped(self.numbers));
        let s = if self.tensors == 1 { "" } else { "s" };
        write!(formatter, "{tensors} tensor{s}, {numbers} numbers ({})", types.join(", "))
    }
}

/// A number with its digits in groups of three: `1,254,122`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_in_groups() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1000, "1,000"), (65_536, "65,536"), (1_254_122, "1,254,122")]
        {
            assert_eq!(grouped(number), expected);
        }
    }
}
