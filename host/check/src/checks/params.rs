use crate::outcome::{Done, Stop, Verdict};
use crate::probe::{Host, Plugin, Refused};
use crate::subject::Subject;
use crate::{judge, params};
use dreamwire_abi as abi;
use dreamwire_graph::KindInfo;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A graph may have hundreds of nodes, and all are judged before anything runs.
const QUICK: Duration = Duration::from_millis(200);
const THREADS: usize = 4;
/// The number of calls per thread.
const TIMES: usize = 8;

/// A kind's opinion of its params: accepted, or the status and the param of a refusal.
type Opinion = Result<(), (abi::Status, String)>;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    // Not started: `check_params` may be called before `init`.
    let plugin = subject.open()?;
    let host = Host::new();
    let (mut opinions, mut tally) = (BTreeMap::new(), crate::outcome::Tally::default());
    for (index, kind) in plugin.kinds().map_err(Stop::Failed)?.iter().enumerate() {
        (subject.at)(&kind.id);
        let done = params::complete(kind, subject.settings, &host).and_then(|complete| {
            let complete = serde_json::Value::Object(complete).to_string();
            match one(&plugin, index, kind, &complete)? {
                Some(opinion) => {
                    opinions.insert(kind.id.clone(), opinion);
                    Ok(Done::Looked(1))
                }
                None => Ok(Done::LeftOut("it has no `check_params`".to_owned())),
            }
        });
        tally.add(&kind.id, done);
    }
    let started = subject.start_opened(plugin)?;
    for kind in &started.kinds {
        if let Some(Err((_, param))) = opinions.get(&kind.id) {
            started.at(&format!("{} with what it refuses", kind.id));
            let ran = started.first_attempt(kind).and_then(|attempt| {
                let mut node = started.create(kind)?;
                let ran = started.run(&mut node, kind, &attempt);
                node.destroy();
                Ok(ran)
            });
            let disagrees = || format!("check_params refuses `{param}`, and a run with it ends with DW_OK");
            let agrees = ran.and_then(|ran| if ran.status == abi::OK { Err(disagrees()) } else { Ok(()) });
            tally.add(&kind.id, agrees.map(|()| Done::Looked(0)));
        }
    }
    tally.end("kind")
}

/// Asks once, then again from several threads. `None` if the kind has no `check_params`.
fn one(plugin: &Plugin, index: usize, kind: &KindInfo, complete: &str) -> Result<Option<Opinion>, String> {
    let began = Instant::now();
    let Some(first) = plugin.check_params(index, complete) else { return Ok(None) };
    let took = began.elapsed();
    if took > QUICK {
        return Err(format!(
            "check_params took {} ms, the limit is {} ms",
            took.as_millis(),
            QUICK.as_millis()
        ));
    }
    let first = opinion(kind, first)?;
    let ask =
        || (0..TIMES).map(|_| plugin.check_params(index, complete).is_some_and(|it| is_same(&first, &it)));
    let same = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| ask().all(|same| same))).collect();
        asked.into_iter().all(|thread| thread.join().unwrap_or(false))
    });
    if !same {
        return Err("check_params gives different answers for the same params".to_owned());
    }
    let mut wrong = vec!["{\"".to_owned()];
    wrong.extend(
        kind.params.list.first().map(|param| json!({ &param.name: { "is": "no value" } }).to_string()),
    );
    for wrong in wrong {
        if let Some(Err(refused)) = plugin.check_params(index, &wrong) {
            judge::refusal(refused.status, refused.said.as_ref(), false)
                .map_err(|why| format!("asked about {wrong}, {why}"))?;
        }
    }
    Ok(Some(first))
}

fn opinion(kind: &KindInfo, asked: Result<(), Refused>) -> Result<Opinion, String> {
    let Err(refused) = asked else { return Ok(Ok(())) };
    judge::refusal(refused.status, refused.said.as_ref(), false)
        .map_err(|why| format!("asked about its params, {why}"))?;
    let input = refused.said.map(|said| said.input).unwrap_or_default();
    if refused.status == abi::E_ARG && kind.params.get(&input).is_none() {
        return Err(format!("check_params ended with DW_E_ARG and names `{input}`, which is not a param"));
    }
    Ok(Err((refused.status, input)))
}

fn is_same(first: &Opinion, again: &Result<(), Refused>) -> bool {
    match (first, again) {
        (Ok(()), Ok(())) => true,
        (Err((status, input)), Err(refused)) => {
            *status == refused.status && refused.said.as_ref().is_some_and(|said| said.input == *input)
        }
        _ => false,
    }
}
