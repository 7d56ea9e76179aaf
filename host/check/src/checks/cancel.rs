use super::ownership::settled;
use crate::judge;
use crate::outcome::{Done, Verdict};
use crate::subject::{Started, Subject, Worked};
use dreamwire_abi as abi;
use dreamwire_graph::KindInfo;

/// How often a run may still ask after it was told to stop: its threads may each have been about to.
const SOON: u64 = 16;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let started = subject.start()?;
    started.each_working_kind(|kind, worked| one(&started, kind, worked)).end("kind")
}

fn one(started: &Started<'_>, kind: &KindInfo, worked: Worked) -> Result<Done, String> {
    let polls = worked.polls;
    drop(worked.ran);
    worked.node.destroy();
    if polls == 0 {
        return Ok(Done::LeftOut("it never polls for cancellation".to_owned()));
    }
    let mut stops = vec![1, polls.div_ceil(2), polls];
    stops.dedup();
    for at in stops {
        started.at(&format!("{}, cancelled at progress call {at} of {polls}", kind.id));
        let before = started.host.balance();
        let mut node = started.create(kind)?;
        started.host.cancel_at(at);
        let ran = started.run(&mut node, kind, &worked.attempt);
        let after = started.host.polls().saturating_sub(at);
        started.host.cancel_at(0);
        let stopped = match ran.status {
            // The outputs are not used, but must be valid.
            abi::CANCELLED | abi::OK if after <= SOON => Ok(()),
            abi::CANCELLED | abi::OK => Err(format!("it continued and polled {after} more times")),
            status => Err(format!("it ended with {}", judge::words(status, ran.said.as_ref()))),
        };
        stopped.map_err(|why| format!("cancelled at progress call {at} of {polls}, {why}"))?;
        drop(ran);
        node.destroy();
        settled(started.host.balance(), before)?;
        if let Some(function) = worked.functions.iter().find(|function| function.references() != 1) {
            let kept = function.references() - 1;
            return Err(format!("cancelled at progress call {at}, it keeps {kept} references to a function"));
        }
    }
    Ok(Done::Looked(1))
}
