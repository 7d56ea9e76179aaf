use crate::memory;
use crate::take_log;
use crate::testing::{judge, library, load, run, working_folder};
use dreamwire_engine::FailureKind;

#[test]
fn a_plugin_that_leaves_the_working_folder_is_brought_back_and_named() {
    let _turn = working_folder();
    let folder = tempfile::tempdir().unwrap();
    let before = std::env::current_dir().unwrap();
    let loader = load(&library(folder.path(), "chdir"), None);
    assert_eq!(run(&loader, "").unwrap(), Vec::<String>::new());
    let log = run(&loader, "run chdir").unwrap();
    assert_eq!(
        log,
        ["plugin org.example.test changed the working folder to `/`, and the host changed it back"]
    );
    assert_eq!(std::env::current_dir().unwrap(), before);
    judge(&loader, "check chdir").unwrap();
    assert_eq!(std::env::current_dir().unwrap(), before);
    let said =
        |line: &String| line.contains("org.example.test") && line.contains("when a `Test` was checked");
    assert!(take_log().iter().any(|(_, line)| said(line)));
}

#[test]
fn an_absurd_shape_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let loader = load(&library(folder.path(), "shapes"), None);
    let refused = |how: &str, why: &str| {
        let failure = run(&loader, how).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Plugin, "{failure:?}");
        let start = "plugin org.example.test broke the contract: output `IMAGE`: a tensor of shape [1, ";
        assert!(failure.message.starts_with(start) && failure.message.contains(why), "{failure:?}");
    };
    refused("huge", "would have more than 1 TiB");
    // 384 GiB, in place or to be copied.
    if memory::most() < 300 << 30 {
        refused("large", "and this machine has");
        refused("repeated", "and this machine has");
    }
    run(&loader, "").unwrap();
}
