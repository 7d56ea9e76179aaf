use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use dreamwire_graph::{Class, Code, Diagnostic, MAX_BYTES, Source};

/// More than a graph may have, so that the message can say how large it is; less than would fill the memory.
const READ_BYTES: u64 = 16 * MAX_BYTES as u64;

/// Whether the graph comes from standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The folder that the graph's inputs are relative to.
pub(crate) fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !is_stdin(path) && !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Reads the graph. If there are problems, the source is only good for showing them.
pub(crate) fn read(path: &Path) -> (Source, Vec<Diagnostic>) {
    let name = path.display().to_string();
    match bytes(path) {
        Ok(bytes) => Source::from_bytes(name, &bytes),
        Err(error) => {
            let what = if is_stdin(path) { "standard input".to_owned() } else { format!("`{name}`") };
            let message = format!("cannot read the graph from {what}: {error}");
            let problem = Diagnostic::error(Code::new("graph::unreadable"), Class::Graph, message);
            (Source::new(name, ""), vec![problem])
        }
    }
}

/// The bytes of the graph file.
pub(crate) fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if is_stdin(path) {
        std::io::stdin().lock().take(READ_BYTES).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(READ_BYTES).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// What changes when the file does: good enough to decide to look again, not to decide that nothing changed.
pub(crate) fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = path.metadata().ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_lie_beside_the_graph() {
        assert_eq!(folder(Path::new("a/b/g.json")), Path::new("a/b"));
        assert_eq!(folder(Path::new("g.json")), Path::new("."));
        assert_eq!(folder(Path::new("-")), Path::new("."));
    }

    #[test]
    fn an_unreadable_graph_names_path_and_reason() {
        let (_, problems) = read(Path::new("no/such/graph.json"));
        assert!(problems[0].message.starts_with("cannot read the graph from `no/such/graph.json`: "));
        assert_eq!(problems[0].class.exit_code(), 3);
        let (_, problems) = read(Path::new("."));
        assert!(problems[0].is_error());
    }
}
