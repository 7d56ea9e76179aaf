use crate::outcome::{Done, Verdict};
use crate::subject::{Started, Subject};
use dreamwire_abi as abi;
use dreamwire_graph::KindInfo;

/// An id that no kind has.
const NO_KINDS: [&str; 2] = ["DreamwireCheckNoSuchKind", ""];

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let started = subject.start()?;
    let mut tally = started.each_kind(|kind| create_and_destroy(&started, kind));
    for id in NO_KINDS {
        started.at("create of an unknown kind");
        match started.plugin.create(&started.host, id) {
            Ok(node) => {
                tally.fault(format!("create of the unknown kind `{id}` ended with DW_OK"));
                node.destroy();
            }
            Err(not) if not.status == abi::OK => {
                tally.fault(format!("create of the unknown kind `{id}` ended with DW_OK and made nothing"));
            }
            Err(not) if not.touched => {
                tally.fault(format!("create of the unknown kind `{id}` failed and set its out parameter"));
            }
            Err(_) => {}
        }
    }
    started.at("deinit");
    if let Some(alive @ 1..) = started.plugin.stop() {
        tally.fault(format!("deinit counts {alive} live objects, though all were destroyed"));
    }
    tally.end("kind")
}

/// Two at a time: instances are independent.
fn create_and_destroy(started: &Started<'_>, kind: &KindInfo) -> Result<Done, String> {
    let (first, second) = (started.create(kind)?, started.create(kind)?);
    if !first.has_destroy() {
        return Err("its nodes have no `destroy`".to_owned());
    }
    first.destroy();
    second.destroy();
    Ok(Done::Looked(1))
}
