//! The plugin index: our own plugins are the same with it and without it, and are not opened unless they are needed.

use dreamwire_engine::Nodes;
use dreamwire_loader::{Loader, PluginIndex, Search};
use dreamwire_tests::built;
use std::path::Path;

fn load(index: Option<&PluginIndex>) -> Loader {
    let search = Search::of(Some(built().plugins.clone()), vec![], &[]);
    let (loader, problems) = Loader::load(&search, 1, None, index);
    assert_eq!(problems, []);
    loader
}

fn kinds(loader: &Loader) -> Vec<String> {
    let plugins = loader.plugins();
    plugins.iter().map(|plugin| format!("{plugin:?}")).chain([format!("{:?}", loader.kinds())]).collect()
}

/// How often a file below the folder is mapped into this process.
#[cfg(target_os = "linux")]
fn mapped(folder: &Path) -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("it is always there");
    let folder = folder.canonicalize().expect("it is there");
    maps.lines().filter(|line| line.contains(&*folder.to_string_lossy())).count()
}

#[test]
fn indexed_plugins_are_the_same_and_stay_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = PluginIndex::at(folder.path()).expect("an index");
    let expected = kinds(&load(None));
    assert_eq!(kinds(&load(Some(&index))), expected);
    #[cfg(target_os = "linux")]
    {
        let before = mapped(folder.path());
        assert!(before > 0, "the first time they were opened there");
        assert_eq!(kinds(&load(Some(&index))), expected);
        assert_eq!(mapped(folder.path()), before);
    }
    // Another index has the same builds, and this process has opened them.
    let copy = tempfile::tempdir().expect("a folder");
    copy_all(folder.path(), copy.path());
    let index = PluginIndex::at(copy.path()).expect("an index");
    assert_eq!(kinds(&load(Some(&index))), expected);
    #[cfg(target_os = "linux")]
    assert_eq!(mapped(copy.path()), 0);
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("it is there").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("copied");
        }
    }
}
