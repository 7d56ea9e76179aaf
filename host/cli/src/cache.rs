use std::io::ErrorKind;

use serde_json::json;

use crate::args::{CacheArgs, CacheCommand, Global};
use crate::console::Console;
use crate::exit::Exit;

/// `dreamwire cache`: shows or empties the cache of results.
pub(crate) fn cache(args: &CacheArgs, global: &Global, console: Console) -> Exit {
    let Some(folder) = global.cache() else {
        console
            .talk("error: the cache is off, by --no-cache or DREAMWIRE_CACHE, or because there is no home");
        console.talk("hint: name a folder with --cache DIR");
        return Exit::USAGE;
    };
    let path = folder.path().display().to_string();
    match args.command {
        CacheCommand::Info { json } => {
            let usage = folder.results().usage();
            let limit = folder.limit_bytes();
            console.data(&match json {
                true => {
                    let (results, bytes) = (usage.results, usage.bytes);
                    let info = json!({ "folder": path, "results": results, "bytes": bytes, "limit": limit });
                    format!("{info:#}\n")
                }
                false => format!(
                    "folder   {path}\nresults  {}\nsize     {}\nlimit    {}\n",
                    usage.results,
                    in_units(usage.bytes),
                    in_units(limit)
                ),
            });
            Exit::OK
        }
        CacheCommand::Clear => {
            let before = folder.results().usage();
            match folder.clear() {
                Ok(()) => {
                    let (results, size) = (before.results, in_units(before.bytes));
                    console.talk(&format!("removed {results} results, {size}, from `{path}`"));
                    Exit::OK
                }
                Err(error) => {
                    console.talk(&format!("error: cannot empty `{path}`: {error}"));
                    if error.kind() == ErrorKind::PermissionDenied {
                        console.talk("hint: it belongs to another user");
                    }
                    Exit::OUTPUT
                }
            }
        }
    }
}

/// A size in bytes for people: "1.5 GiB".
pub(crate) fn in_units(bytes: u64) -> String {
    let mut size = bytes as f64;
    let mut units = ["bytes", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = units.next().unwrap_or("");
    for larger in units {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    if unit == "bytes" { format!("{bytes} bytes") } else { format!("{size:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(in_units(0), "0 bytes");
        assert_eq!(in_units(1023), "1023 bytes");
        assert_eq!(in_units(1536), "1.5 KiB");
        assert_eq!(in_units(8 << 30), "8.0 GiB");
    }
}
