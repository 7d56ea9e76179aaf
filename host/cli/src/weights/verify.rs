use dreamwire_formats::{self as formats, Limits};

use super::args::VerifyArgs;
use super::file::File;
use super::statistics::Statistics;
use super::{Census, part};
use crate::console::{Console, clean_line};
use crate::exit::Exit;
use crate::output::Refused;

/// How many tensors a message names.
const NAMED: usize = 10;

/// `weights verify`: every number is looked at, every checksum compared, and every network must be whole.
pub(super) fn verify(args: &VerifyArgs, console: Console) -> Result<(), Refused> {
    let file = File::read(&args.file)?;
    let archive = file.archive()?;
    let sums = formats::checksums(&file.bytes, &Limits::default()).map_err(|error| file.refused(&error))?;
    let wrong = |name: &String| format!("the data of `{}` does not match its checksum", clean_line(name));
    let mut problems: Vec<String> = sums.wrong.iter().map(wrong).collect();
    for (name, tensor) in &archive.tensors {
        if let Some(broken) = Statistics::of(tensor).broken() {
            problems.push(format!("`{name}` has {broken} of {}", tensor.count()));
        }
    }
    let networks = archive.networks();
    for network in &networks {
        problems
            .extend(network.missing().iter().map(|name| format!("{} lacks `{name}`", part::title(network))));
    }
    if !problems.is_empty() {
        let more = problems.len().saturating_sub(NAMED);
        let mut message = format!("`{}` is not sound:", file.name());
        problems.iter().take(NAMED).for_each(|problem| message += &format!("\n  {problem}"));
        if more > 0 {
            message += &format!("\n  and {more} more");
        }
        return Err(Refused { message, hint: None, exit: Exit::INPUT });
    }
    let census = Census::of(archive.tensors.values());
    let mut report = format!("`{}` is sound: {}, {census}", file.name(), archive.format.name());
    if sums.sound > 0 {
        report += &format!("; {} checksums are right", sums.sound);
    }
    if sums.without > 0 {
        report += &format!("; {} entries have no checksum", sums.without);
    }
    match networks.as_slice() {
        [] => report += "; no network that is known",
        networks => networks.iter().for_each(|network| report += &format!("\n  {}", part::title(network))),
    }
    console.talk(&report);
    Ok(())
}
