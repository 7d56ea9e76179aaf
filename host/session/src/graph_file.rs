mod picture;

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use dreamwire_graph::{Class, Code, Diagnostic, MAX_BYTES, Source};
use picture::Carried;
use serde::{Deserialize, Serialize};

/// Above the limit of a graph, so that the message can state the size, but low enough for memory.
const READ_BYTES: u64 = 16 * MAX_BYTES as u64;

/// The graph file, its overrides, and the folders of its inputs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GraphFile {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// Overrides, each `node.input=value`.
    pub sets: Vec<String>,
    /// Further input folders; the graph's own folder is one too, unless it is `foreign`.
    pub inputs: Vec<PathBuf>,
    /// Whether it comes from somebody who may see nothing but the input folders: it names files below them by
    /// relative paths, and cannot find out what else exists.
    pub foreign: bool,
}

impl GraphFile {
    /// Whether the graph comes from standard input.
    pub fn is_stdin(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    /// Its name in messages.
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// What distinguishes the files that it makes from those of other graphs. `provenance` is its text, for one that has
    /// no name.
    pub fn scope(&self, provenance: &str) -> String {
        if self.foreign {
            // Versions of a graph come one after another, and what has not changed is not written again: the file of a node
            // carries a graph with all that the node needs, whichever version it is from.
            return String::new();
        }
        if self.is_stdin() {
            return provenance.to_owned();
        }
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        path.to_string_lossy().into_owned()
    }

    /// The input folders, the graph's own first.
    pub fn roots(&self) -> Vec<PathBuf> {
        if self.foreign {
            return self.inputs.clone();
        }
        let own = match self.path.parent() {
            Some(parent) if !self.is_stdin() && !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        std::iter::once(own).chain(self.inputs.iter().cloned()).collect()
    }

    /// The first input folder that does not exist.
    pub fn missing_input(&self) -> Option<&Path> {
        self.inputs.iter().find(|folder| !folder.is_dir()).map(PathBuf::as_path)
    }

    /// Reads the graph, of a text or of a picture that carries one. If there are problems, the source only
    /// serves to display them.
    pub fn read(&self) -> (Source, Vec<Diagnostic>) {
        match self.bytes() {
            Ok(bytes) => self.source(&bytes),
            Err(error) => {
                let message = format!("cannot read the graph from {}: {error}", self.shown());
                self.refuse(Diagnostic::error(Code::new("graph::unreadable"), Class::Graph, message))
            }
        }
    }

    /// The graph in the bytes of the file.
    pub(crate) fn source(&self, bytes: &[u8]) -> (Source, Vec<Diagnostic>) {
        match picture::carried(bytes) {
            Some(carried) => self.of_picture(carried),
            None => Source::from_bytes(self.name(), bytes),
        }
    }

    /// The graph that a picture carries. Places in it are those of its text.
    fn of_picture(&self, carried: Carried) -> (Source, Vec<Diagnostic>) {
        let shown = self.shown();
        let (code, class, message) = match carried {
            Carried::Graph(text) => return Source::from_bytes(self.name(), &text),
            Carried::Nothing => {
                ("graph::no_graph", Class::Graph, format!("{shown} is a picture without a graph"))
            }
            Carried::Damaged(why) => (
                "graph::no_graph",
                Class::Graph,
                format!("the graph in the picture {shown} is damaged: {why}"),
            ),
            Carried::TooLarge => {
                let limit = MAX_BYTES >> 20;
                let message = format!("the graph in the picture {shown} has more than {limit} MiB");
                ("graph::too_large", Class::Limit, message)
            }
        };
        let problem = Diagnostic::error(Code::new(code), class, message);
        self.refuse(match code {
            "graph::no_graph" => problem.hint(
                "SaveImage writes its graph into pictures, but PreviewImage does not, and many programs remove it",
            ),
            _ => problem,
        })
    }

    fn refuse(&self, problem: Diagnostic) -> (Source, Vec<Diagnostic>) {
        (Source::new(self.name(), ""), vec![problem])
    }

    /// What it is called in a sentence.
    fn shown(&self) -> String {
        if self.is_stdin() { "standard input".to_owned() } else { format!("`{}`", self.name()) }
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if self.is_stdin() {
            std::io::stdin().lock().take(READ_BYTES).read_to_end(&mut bytes)?;
        } else {
            open(&self.path)?.take(READ_BYTES).read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    }

    /// Size and modification time. A difference means that the file may have changed; equality does not prove that it
    /// has not.
    pub(crate) fn stamp(&self) -> Option<(u64, SystemTime)> {
        let metadata = self.path.metadata().ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    }
}

/// Opens a regular file or a descriptor of the shell (`<(...)`, `/dev/stdin`). A named pipe without a writer would
/// block.
fn open(path: &Path) -> Result<File> {
    let metadata = path.metadata()?;
    let of_the_shell = ["/dev/fd", "/dev/stdin", "/proc/self/fd"].iter().any(|own| path.starts_with(own));
    if metadata.is_file() || of_the_shell {
        return File::open(path);
    }
    let what = if metadata.is_dir() { "it is a folder" } else { "it is not a regular file" };
    Err(Error::new(ErrorKind::InvalidInput, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(path: &str) -> GraphFile {
        GraphFile { path: path.into(), ..GraphFile::default() }
    }

    #[test]
    fn inputs_lie_beside_the_graph() {
        assert_eq!(graph("a/b/g.json").roots(), [Path::new("a/b")]);
        assert_eq!(graph("g.json").roots(), [Path::new(".")]);
        let inputs = vec![PathBuf::from("more")];
        let graph = GraphFile { inputs, ..graph("-") };
        assert_eq!(graph.roots(), [Path::new("."), Path::new("more")]);
        assert_eq!(GraphFile { foreign: true, ..graph }.roots(), [Path::new("more")]);
    }

    #[test]
    fn an_unreadable_graph_names_path_and_reason() {
        let (_, problems) = graph("no/such/graph.json").read();
        assert!(problems[0].message.starts_with("cannot read the graph from `no/such/graph.json`: "));
        assert_eq!(problems[0].class, Class::Graph);
        let (_, problems) = graph(".").read();
        assert_eq!(problems[0].message, "cannot read the graph from `.`: it is a folder");
    }

    #[test]
    fn a_picture_without_a_graph_is_told_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.png");
        std::fs::write(&path, b"\x89PNG\r\n\x1a\n").unwrap();
        let (source, problems) = graph(path.to_str().unwrap()).read();
        assert_eq!(problems[0].message, format!("`{}` is a picture without a graph", path.display()));
        assert_eq!((problems[0].class, source.text.as_str()), (Class::Graph, ""));
        for other in
            [&b"\xff\xd8\xff\xe0"[..], b"RIFF\x04\0\0\0WEBP", b"II*\0\x08\0\0\0", b"\x76\x2f\x31\x01"]
        {
            std::fs::write(&path, other).unwrap();
            let (_, problems) = graph(path.to_str().unwrap()).read();
            assert_eq!(problems[0].message, format!("`{}` is a picture without a graph", path.display()));
        }
        std::fs::write(&path, b"GIF89a").unwrap();
        let (_, problems) = graph(path.to_str().unwrap()).read();
        assert_eq!(problems[0].message, "this is a GIF picture, not a graph");
    }

    #[cfg(unix)]
    #[test]
    fn a_named_pipe_does_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe.json");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let (_, problems) = GraphFile { path: pipe, ..GraphFile::default() }.read();
        assert!(problems[0].message.ends_with("it is not a regular file"), "{problems:?}");
    }
}
