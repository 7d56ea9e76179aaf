use crate::judge;
use crate::outcome::{Done, Verdict};
use crate::subject::{Started, Subject, Worked};
use dreamwire_abi as abi;
use dreamwire_graph::KindInfo;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let started = subject.start()?;
    started.each_kind(|kind| one(&started, kind)).end("kind")
}

/// Every way to connect it: it works, or refuses properly.
fn one(started: &Started<'_>, kind: &KindInfo) -> Result<Done, String> {
    let (mut runs, mut refused) = (0, None);
    for attempt in started.attempts(kind)? {
        started.at(&format!("{} ({})", kind.id, attempt.name));
        let name = attempt.name;
        let Worked { node, ran, attempt, .. } = started.try_to_run(kind, attempt)?;
        let judged = match ran.status {
            abi::OK => judge::successful_run(&ran, &kind.outputs),
            _ => judge::refused_run(&ran),
        };
        judged.map_err(|why| format!("with {name}, {why}"))?;
        if ran.status != abi::OK {
            refused.get_or_insert_with(|| judge::words(ran.status, ran.said.as_ref()));
            node.destroy();
            continue;
        }
        if kind.pure_ {
            let mut other = started.create(kind)?;
            let again = started.run(&mut other, kind, &attempt);
            if again.status != abi::OK {
                let why = judge::words(again.status, again.said.as_ref());
                return Err(format!("the same run succeeded, then ended with {why}"));
            }
            judge::same(&ran, &again, &kind.outputs).map_err(|why| format!("with {name}, {why}"))?;
            drop(again);
            other.destroy();
        }
        drop(ran);
        node.destroy();
        runs += 1;
    }
    Ok(if runs == 0 { Done::LeftOut(refused.unwrap_or_default()) } else { Done::Looked(1) })
}
