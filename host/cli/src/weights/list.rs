use dreamwire_formats::Tensor;
use serde_json::{Value, json};

use super::args::ListArgs;
use super::file::File;
use super::statistics::Statistics;
use crate::console::{Console, clean_line};
use crate::output::Refused;

/// Longer names are not waited for by the columns behind them.
const WIDEST_NAME: usize = 60;

/// `weights list`: a line per tensor, with the names of the file.
pub(super) fn list(args: &ListArgs, console: Console) -> Result<(), Refused> {
    let file = File::read(&args.file)?;
    let archive = file.archive()?;
    if args.json {
        let tensors = archive.tensors.iter().map(|(name, tensor)| as_json(name, tensor, args.stats));
        let skipped = archive.skipped.iter().map(|(name, why)| json!({ "name": name, "skipped": why }));
        let list: Vec<Value> = tensors.chain(skipped).collect();
        console.data(&format!("{:#}\n", Value::Array(list)));
        return Ok(());
    }
    let width = archive.tensors.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let width = width.min(WIDEST_NAME);
    for (name, tensor) in &archive.tensors {
        let mut line =
            format!("{:width$}  {:4}  {:?}", clean_line(name), tensor.dtype().name(), tensor.shape());
        if args.stats {
            line = format!("{line:w$}  {}", statistics(tensor), w = width + 32);
        }
        console.data(&format!("{line}\n"));
        if Console::closed() {
            break;
        }
    }
    for (name, why) in &archive.skipped {
        console.data(&format!("{:width$}  not read: it {why}\n", clean_line(name)));
    }
    Ok(())
}

fn statistics(tensor: &Tensor<'_>) -> String {
    let statistics = Statistics::of(tensor);
    let mut text = match statistics.range {
        Some([low, high, mean]) => format!("min {low:.4e}  max {high:.4e}  mean {mean:.4e}"),
        None => "no finite numbers".to_owned(),
    };
    if let Some(broken) = statistics.broken() {
        text += &format!("  {broken}");
    }
    text
}

fn as_json(name: &str, tensor: &Tensor<'_>, stats: bool) -> Value {
    let mut entry = json!({ "name": name, "dtype": tensor.dtype().name(), "shape": tensor.shape() });
    if stats {
        let Statistics { range, nan, infinite } = Statistics::of(tensor);
        for (index, key) in ["min", "max", "mean"].into_iter().enumerate() {
            entry[key] = range.map(|range| range[index]).into();
        }
        entry["nan"] = nan.into();
        entry["infinite"] = infinite.into();
    }
    entry
}
