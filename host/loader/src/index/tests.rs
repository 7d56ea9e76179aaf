use super::*;

#[test]
fn an_index_is_made_and_has_one_path() {
    let folder = tempfile::tempdir().unwrap();
    let index = PluginIndex::at(&folder.path().join("a/b")).unwrap();
    assert!(index.folder.is_dir());
    let again = PluginIndex::at(&folder.path().join("a/../a/b")).unwrap();
    assert_eq!(again.folder, index.folder);
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(PluginIndex::at(&file).is_none() && PluginIndex::at(&file.join("below")).is_none());
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_can_write_to_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("index");
    let index = PluginIndex::at(&place).unwrap();
    assert_eq!(index.folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    for (mode, is_used) in [(0o755, true), (0o770, false), (0o707, false), (0o720, false)] {
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(PluginIndex::at(&place).is_some(), is_used, "{mode:o}");
    }
    let said = host::take_log().into_iter().map(|(_, line)| line).collect::<String>();
    assert!(said.contains("index` is not used: others can write to it"), "{said}");
}

#[test]
fn a_document_is_whole_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let document = |about: &str| Document { path: folder.path().join("sub/a.json"), about: about.to_owned() };
    let content = serde_json::json!({ "b": [1, "two"], "a": null });
    assert_eq!(document("x").read(), None);
    assert!(document("x").write(&content));
    assert_eq!((document("x").read(), document("y").read()), (Some(content), None));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left aside");
}

#[test]
fn a_use_is_noted_once_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let index = PluginIndex::at(folder.path()).unwrap();
    let build = index.build(Path::new("/x/libdreamwire_a.so"), &blake3::hash(b"bytes"));
    assert!(build.write_copy(b"bytes"));
    build.write(&Descriptors { facts: Default::default(), schemas: Vec::new(), devices: Vec::new() }, 5);
    let file = build.descriptors().path;
    let set = |age| {
        std::fs::File::options().append(true).open(&file).unwrap().set_modified(SystemTime::now() - age)
    };
    let age = || file.metadata().unwrap().modified().unwrap().elapsed().unwrap();
    set(DAY / 2).unwrap();
    assert!(build.read().is_some() && age() >= DAY / 2);
    set(2 * DAY).unwrap();
    assert!(build.read().is_some() && age() < DAY / 2);
}
