use crate::Folder;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What cargo has built for the tests.
#[derive(Debug)]
pub struct Built {
    /// The program.
    pub binary: PathBuf,
    /// The folder of the program, where its plugins are.
    pub plugins: PathBuf,
    /// The plugin of `nodes/template`.
    pub template: PathBuf,
    /// The plugin of `plugins/sdk/examples/panics.rs`.
    pub panics: PathBuf,
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository")
}

/// A cargo command in the repository.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into()));
    cargo.current_dir(repository());
    cargo
}

/// cargo's output folder for the profile of this test: `target/debug`.
fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    // target/debug/deps/test-0123456789abcdef
    test.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps").to_owned()
}

/// Of the accelerators that the tests were asked to try.
const FEATURES: &[&str] = match (cfg!(feature = "cuda"), cfg!(feature = "metal")) {
    (true, _) => &["cuda"],
    (false, true) => &["metal"],
    (false, false) => &[],
};

fn build() -> Built {
    let folder = profile_folder();
    let target = folder.parent().expect("the profile's folder lies in the target folder");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    // The whole workspace with its examples has the features that `cargo test --workspace` has already built
    // everything with: a subset would compile candle again.
    let mut build = cargo();
    build.args([
        "build",
        "--workspace",
        "--lib",
        "--bins",
        "--examples",
        "--profile",
        profile,
        "--target-dir",
    ]);
    build.arg(target);
    for feature in FEATURES {
        build.args(["--features", feature]);
    }
    let done = build.output().expect("cargo starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let built = Built {
        binary: folder.join(format!("dreamwire{}", std::env::consts::EXE_SUFFIX)),
        template: folder.join(library_file("node_template")),
        panics: folder.join("examples").join(library_file("panics")),
        plugins: folder,
    };
    for file in [&built.binary, &built.template, &built.panics] {
        assert!(file.is_file(), "cargo did not build {}", file.display());
    }
    built
}

/// Everything that the tests run, built at the first call of a test process.
pub fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(build)
}

/// `dreamwire_vgg` -> `libdreamwire_vgg.so`.
pub(crate) fn library_file(stem: &str) -> String {
    format!("{}{stem}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// A folder with the program and only some of its plugins: `["dreamwire_image"]`.
///
/// # Panics
/// If a file cannot be created.
pub fn stage(plugins: &[&str]) -> (Folder, PathBuf) {
    let built = built();
    // On the disk of the target folder, so that hard links work.
    let folder = Folder::inside(&built.plugins);
    let name = built.binary.file_name().expect("the program has a name").to_owned();
    let libraries = plugins.iter().map(|stem| OsString::from(library_file(stem)));
    for name in std::iter::once(name.clone()).chain(libraries) {
        let (from, to) = (built.plugins.join(&name), folder.path().join(&name));
        if std::fs::hard_link(&from, &to).is_err() {
            std::fs::copy(&from, &to).unwrap_or_else(|e| panic!("{}: {e}", from.display()));
        }
    }
    let binary = folder.path().join(name);
    (folder, binary)
}
