use crate::testing::{judge, library, load, run, settle, try_load};
use crate::{Loader, PluginIndex, Search};
use dreamwire_engine::{FailureKind, Nodes};
use std::path::{Path, PathBuf};

/// A folder with an index and a build of the test plugin.
struct Place {
    _folder: tempfile::TempDir,
    index: PluginIndex,
    library: PathBuf,
}

impl Place {
    fn new(build: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let index = PluginIndex::at(&folder.path().join("cache/plugins")).unwrap();
        let library = library(folder.path(), build);
        Self { index, library, _folder: folder }
    }

    fn load(&self) -> Loader {
        load(&self.library, Some(&self.index))
    }

    /// The files of the builds with that ending.
    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let root = self._folder.path().join("cache/plugins");
        let below = |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let builds = below(&root).filter(|path| path.is_dir() && !path.ends_with("libraries"));
        let mut found: Vec<PathBuf> = builds.flat_map(|build| below(&build).collect::<Vec<_>>()).collect();
        found.retain(|path| path.to_string_lossy().ends_with(ending));
        found
    }

    fn copy(&self) -> PathBuf {
        self.files(std::env::consts::DLL_SUFFIX).pop().expect("a copy")
    }
}

fn is_open(loader: &Loader) -> bool {
    loader.generations()[0].is_open()
}

/// Puts another file in the place of one that is mapped.
fn replace(file: &Path, bytes: &[u8]) {
    std::fs::remove_file(file).unwrap();
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn an_indexed_library_is_opened_when_it_is_needed() {
    let place = Place::new("needed");
    let first = place.load();
    assert!(is_open(&first));
    drop(first);
    let second = place.load();
    assert!(!is_open(&second));
    let kind = second.kinds().get("Test").unwrap();
    assert_eq!((&kind.doc[..], &kind.params.list[0].name[..], kind.output), ("A test.", "how", true));
    assert_eq!(
        (&kind.plugin[..], &kind.file[..]),
        ("org.example.test", &place.library.display().to_string()[..])
    );
    assert_eq!(
        (second.plugins()[0].id.as_str(), second.plugins()[0].build.as_str()),
        ("org.example.test", "needed")
    );
    assert!(run(&second, "").is_ok() && is_open(&second));
    assert!(load(&place.library, None).generations()[0].is_open());
}

#[test]
fn an_unchanged_library_is_not_read() {
    let place = Place::new("unread");
    settle(&place.library);
    drop(place.load());
    let stamps = place._folder.path().join("cache/plugins/libraries/stamps.json");
    let hash = blake3::hash(&std::fs::read(&place.library).unwrap()).to_hex().to_string();
    assert!(std::fs::read_to_string(&stamps).unwrap().contains(&hash));
    let written = stamps.metadata().unwrap().modified().unwrap();
    assert!(!is_open(&place.load()));
    assert_eq!(stamps.metadata().unwrap().modified().unwrap(), written);
    // Another build at the same place.
    library(place._folder.path(), "unread2");
    assert_eq!(place.load().plugins()[0].build, "unread2");
}

#[test]
fn what_was_accepted_is_not_asked_again_and_refusals_are() {
    let place = Place::new("judged");
    let first = place.load();
    assert!(judge(&first, "fine").is_ok());
    assert_eq!(judge(&first, "refused").unwrap_err().message, "it is refused");
    let second = place.load();
    assert!(judge(&second, "fine").is_ok() && !is_open(&second));
    assert_eq!(judge(&second, "refused").unwrap_err().message, "it is refused");
    assert!(is_open(&second));
}

/// Faults: B15.
#[test]
fn every_generation_has_a_library_of_its_own() {
    let place = Place::new("own");
    let loaders = [place.load(), place.load(), place.load(), load(&place.library, None)];
    for loader in &loaders {
        // The same library would be started twice, and say so.
        run(loader, "").unwrap();
    }
    let search = Search::of(None, vec![], std::slice::from_ref(&place.library));
    let (next, _) = Loader::load(&search, 1, Some(&loaders[0]), None);
    // The very same generation, which is not started again.
    run(&next, "").unwrap();
}

#[test]
fn a_damaged_or_lost_copy_is_replaced() {
    let place = Place::new("damaged");
    drop(place.load());
    let (copy, whole) = (place.copy(), std::fs::read(&place.library).unwrap());
    let mut bytes = whole.clone();
    bytes[5000] ^= 1;
    replace(&copy, &bytes);
    let loader = place.load();
    assert!(!is_open(&loader));
    run(&loader, "").unwrap();
    assert_eq!(std::fs::read(&copy).unwrap(), whole);
    // Of another size, or gone: not in the index.
    replace(&copy, b"short");
    assert!(is_open(&place.load()));
    assert_eq!(std::fs::read(&copy).unwrap(), whole);
    std::fs::remove_file(&copy).unwrap();
    assert!(is_open(&place.load()) && copy.exists());
}

#[test]
fn damaged_descriptors_are_not_in_the_index() {
    let place = Place::new("descriptors");
    drop(place.load());
    let file = place.files("descriptors.json").pop().unwrap();
    let whole = std::fs::read_to_string(&file).unwrap();
    let version = format!("\"host\":\"{}\"", env!("CARGO_PKG_VERSION"));
    for damaged in [
        whole[..whole.len() / 2].to_owned(),
        String::new(),
        "[]".to_owned(),
        whole.replace("A test.", "A toast"),
        whole.replace("\"format\":2", "\"format\":3"),
        whole.replace(&version, "\"host\":\"0.0.0\""),
    ] {
        assert_ne!(damaged, whole);
        std::fs::write(&file, damaged).unwrap();
        let loader = place.load();
        assert!(is_open(&loader));
        assert_eq!(loader.kinds().get("Test").unwrap().doc, "A test.");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), whole);
    }
}

#[test]
fn descriptors_that_the_library_denies_are_not_used() {
    let place = Place::new("denied");
    drop(place.load());
    let build = place.index.build(&place.library, &blake3::hash(&std::fs::read(&place.library).unwrap()));
    let mut other = build.read().unwrap();
    other.facts.kinds[0].outputs.clear();
    build.write(&other, std::fs::metadata(&place.library).unwrap().len() as usize);
    let loader = place.load();
    assert!(!is_open(&loader));
    let failure = run(&loader, "").unwrap_err();
    assert!(
        failure.kind == FailureKind::Plugin && failure.message.contains("not what they were"),
        "{failure:?}"
    );
    run(&place.load(), "").unwrap();
}

/// Faults: B14.
#[test]
fn a_library_that_changed_before_it_was_opened_fails_its_node() {
    let place = Place::new("before");
    drop(place.load());
    let loader = place.load();
    library(place._folder.path(), "after");
    std::fs::remove_file(place.copy()).unwrap();
    for failure in [run(&loader, "").unwrap_err(), judge(&loader, "").unwrap_err()] {
        assert_eq!(failure.kind, FailureKind::Plugin);
        let start = format!("plugin `{}` cannot be used: it has changed", place.library.display());
        assert!(failure.message.starts_with(&start), "{failure:?}");
    }
}

#[test]
fn an_index_that_cannot_be_written_only_costs_time() {
    let place = Place::new("unwritable");
    let hash = blake3::hash(&std::fs::read(&place.library).unwrap());
    let copy = place.index.build(&place.library, &hash).copy();
    // A file where the folder of the build should be, for root may write everywhere else.
    std::fs::write(copy.parent().unwrap(), "").unwrap();
    for _ in 0..2 {
        let loader = place.load();
        assert!(is_open(&loader));
        run(&loader, "").unwrap();
    }
}

#[test]
fn a_library_that_is_no_plugin_is_not_indexed() {
    let place = Place::new("none");
    std::fs::write(&place.library, "only text").unwrap();
    for _ in 0..2 {
        let (_, problems) = try_load(&place.library, Some(&place.index));
        assert!(problems[0].fatal && problems[0].message.contains("cannot be used"), "{problems:?}");
        assert_eq!(place.files(""), Vec::<PathBuf>::new());
    }
}
