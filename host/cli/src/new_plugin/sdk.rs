use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Refused;

/// The folder of the SDK in the sources that this program was built from.
const BUILT_FROM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/sdk");
/// Where the sources are published; empty if `Cargo.toml` does not say.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// Where a crate finds the SDK, which is not on crates.io.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sdk {
    /// In that folder.
    Folder(String),
    /// In that git repository.
    Git(String),
    /// The user has to say.
    Unknown,
}

/// The folder that the user asked for; otherwise the sources of this program, or where they are published.
pub(super) fn find(asked: Option<&Path>) -> Result<Sdk, Refused> {
    choose(asked, Path::new(BUILT_FROM), REPOSITORY)
}

fn choose(asked: Option<&Path>, built_from: &Path, repository: &str) -> Result<Sdk, Refused> {
    if let Some(asked) = asked {
        return folder(asked).map(Sdk::Folder).ok_or_else(|| Refused {
            message: format!("--sdk: `{}` is not the folder of the SDK", asked.display()),
            hint: "it is the folder `plugins/sdk` of Dreamwire's sources".to_owned(),
        });
    }
    Ok(match folder(built_from) {
        Some(folder) => Sdk::Folder(folder),
        None if repository.is_empty() => Sdk::Unknown,
        None => Sdk::Git(repository.to_owned()),
    })
}

/// The full path of a folder, if the SDK is in it and a manifest can name it.
fn folder(path: &Path) -> Option<String> {
    let manifest = std::fs::read_to_string(path.join("Cargo.toml")).ok()?;
    let is_sdk = manifest.lines().any(|line| line.trim() == r#"name = "dreamwire-sdk""#);
    let path: PathBuf = path.canonicalize().ok().filter(|_| is_sdk)?;
    path.to_str().map(str::to_owned)
}

impl Sdk {
    /// The dependency in `Cargo.toml`, with a comment above.
    pub(super) fn dependency(&self) -> String {
        // A string of JSON is one of TOML.
        let quoted = |text: &str| Value::from(text).to_string();
        match self {
            Sdk::Folder(path) => format!(
                "# Not on crates.io: a folder of Dreamwire's sources.\ndreamwire-sdk = {{ path = {} }}",
                quoted(path)
            ),
            Sdk::Git(url) => format!("# Not on crates.io.\ndreamwire-sdk = {{ git = {} }}", quoted(url)),
            Sdk::Unknown => "# Edit this line: the path of the folder plugins/sdk in Dreamwire's sources.\n\
                             dreamwire-sdk = { path = \"plugins/sdk\" }"
                .to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_comes_before_the_repository() {
        let (here, gone) = (Path::new(BUILT_FROM), Path::new("/no/such/folder"));
        let Ok(Sdk::Folder(found)) = choose(None, here, "https://example.org/it") else {
            panic!("not found")
        };
        assert!(found.ends_with("sdk") && !found.contains(".."), "{found}");
        assert_eq!(choose(Some(here), gone, "").unwrap(), Sdk::Folder(found));
        let url = "https://example.org/it";
        assert_eq!(choose(None, gone, url).unwrap(), Sdk::Git(url.to_owned()));
        assert_eq!(choose(None, gone, "").unwrap(), Sdk::Unknown);
    }

    #[test]
    fn another_folder_is_not_the_sdk() {
        for other in [env!("CARGO_MANIFEST_DIR"), "/no/such/folder"] {
            let refused = choose(Some(Path::new(other)), Path::new(BUILT_FROM), "").unwrap_err();
            assert!(refused.message.contains(other) && refused.hint.contains("plugins/sdk"), "{refused:?}");
        }
    }

    #[test]
    fn a_path_is_quoted() {
        let line = Sdk::Folder(r#"C:\a "b""#.to_owned()).dependency();
        assert!(line.ends_with(r#"dreamwire-sdk = { path = "C:\\a \"b\"" }"#), "{line}");
    }
}
