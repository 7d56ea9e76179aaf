//! The files of a new plugin. Its code is that of plugins which are built and tested here, with other names; the files
//! around it come from `templates/`, where `@name@` is filled in.

use super::name::Name;
use super::sdk::Sdk;

/// A file of the new folder.
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

const RUST: &str = include_str!("../../../../nodes/template/src/lib.rs");
const C: &str = include_str!("../../../../tests/plugins/invert.c");
const HEADER: &str = include_str!("../../../../plugins/abi/include/dreamwire.h");
/// Where edition and versions are stated.
const WORKSPACE: &str = include_str!("../../../../Cargo.toml");

/// Names that the code does not show: of the standard library, and in what `plugin!` expands to.
const HIDDEN: [&str; 5] = ["None", "Option", "Some", "String", "ThisPlugin"];

/// A crate.
pub(super) fn rust(name: &Name, sdk: &Sdk) -> Vec<File> {
    let fill = |text: &str| {
        let text = ["edition", "rust-version", "schemars", "serde"]
            .iter()
            .fold(fill(text, name), |text, key| text.replace(&format!("@{key}@"), workspace(key)));
        text.replace("@sdk@", &sdk.dependency())
    };
    vec![
        file("Cargo.toml", fill(include_str!("../../templates/rust/Cargo.toml.in"))),
        file("README.md", fill(include_str!("../../templates/rust/README.md"))),
        file("graph.json", fill(include_str!("../../templates/rust/graph.json"))),
        file(".gitignore", include_str!("../../templates/rust/gitignore").to_owned()),
        file("src/lib.rs", rust_code(name)),
    ]
}

/// A folder with a Makefile.
pub(super) fn c(name: &Name) -> Vec<File> {
    vec![
        file("Makefile", fill(include_str!("../../templates/c/Makefile"), name)),
        file("README.md", fill(include_str!("../../templates/c/README.md"), name)),
        file("graph.json", fill(include_str!("../../templates/c/graph.json"), name)),
        file(".gitignore", include_str!("../../templates/c/gitignore").to_owned()),
        file("dreamwire.h", HEADER.to_owned()),
        file(&format!("{}.c", name.snake()), c_code(name)),
    ]
}

/// What to do in the folder of a crate: build it, try it, check it.
pub(super) fn rust_commands(name: &Name) -> [String; 3] {
    [
        "cargo build".to_owned(),
        "dreamwire watch graph.json --plugins target/debug".to_owned(),
        format!("dreamwire plugin check target/debug/{}", name.library()),
    ]
}

/// The same for C.
pub(super) fn c_commands() -> [String; 3] {
    ["make", "dreamwire watch graph.json --plugins build", "make check"].map(str::to_owned)
}

/// Whether a crate could not give that name to its node, because its code means something else by it.
pub(super) fn uses(kind: &str) -> bool {
    // The name of the template's own node is the one that is replaced.
    let mut code = RUST.lines().map(|line| line.split("//").next().unwrap_or_default());
    kind != "Mix" && (HIDDEN.contains(&kind) || code.any(|line| with_word(line, kind, "") != line))
}

fn rust_code(name: &Name) -> String {
    let code = RUST
        .replace("cargo build -p node-template", "cargo build")
        .replace("node_template", &format!("dreamwire_{}", name.snake()))
        .replace("org.example.template", &format!("org.example.{}", name.as_str()));
    with_word(&code, "Mix", &name.kind())
}

fn c_code(name: &Name) -> String {
    let snake = name.snake();
    let code = C
        .replace("-I plugins/abi/include tests/plugins/invert.c", &format!("{snake}.c"))
        .replace("libdreamwire_invert", &format!("libdreamwire_{snake}"))
        .replace("org.example.invert", &format!("org.example.{}", name.as_str()));
    with_word(&code, "Negative", &name.kind())
}

fn file(path: &str, text: String) -> File {
    File { path: path.to_owned(), text }
}

fn fill(text: &str, name: &Name) -> String {
    text.replace("@name@", name.as_str())
        .replace("@snake@", &name.snake())
        .replace("@kind@", &name.kind())
        .replace("@library@", &name.library())
}

/// The line of the workspace's manifest that starts with a key, so that versions are stated once.
fn workspace(key: &str) -> &'static str {
    let is_it = |line: &&str| line.split_once('=').is_some_and(|(found, _)| found.trim() == key);
    WORKSPACE.lines().find(is_it).unwrap_or_default()
}

/// A text with a word replaced, where it is not a part of another.
fn with_word(text: &str, word: &str, by: &str) -> String {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(word) {
        // `out` ends where this part starts.
        let apart = !before.chars().next_back().or(out.chars().next_back()).is_some_and(in_word)
            && !after.starts_with(in_word);
        out.push_str(before);
        out.push_str(if apart { by } else { word });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_replaced() {
        assert_eq!(with_word("Mix, Mixes, ReMix, Mix_ (Mix)", "Mix", "A"), "A, Mixes, ReMix, Mix_ (A)");
        assert_eq!(with_word("MixMix Mix", "Mix", "A"), "MixMix A");
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        let name = Name::parse("my-blur").unwrap();
        let files: Vec<File> = rust(&name, &Sdk::Unknown).into_iter().chain(c(&name)).collect();
        for File { path, text } in files.iter().filter(|file| file.path != "dreamwire.h") {
            let unfilled = text.split('@').skip(1).any(|it| it.starts_with(|c: char| c.is_ascii_lowercase()));
            assert!(!unfilled, "{path}:\n{text}");
            for left in ["template", "Mix`", "Negative", "invert.c", "plugins/abi"] {
                assert!(!text.contains(left), "{left} in {path}:\n{text}");
            }
        }
        let manifest = &files[0].text;
        for part in
            ["name = \"dreamwire-my-blur\"", "edition = ", "rust-version = ", "schemars = ", "serde = "]
        {
            assert_eq!(manifest.matches(part).count(), 1, "{part} in:\n{manifest}");
        }
    }

    #[test]
    fn names_in_comments_can_be_taken() {
        assert!(uses("Params") && uses("Tensor") && uses("Some"));
        assert!(!uses("Copy") && !uses("Rules") && !uses("MyBlur") && !uses("Mix"));
    }
}
