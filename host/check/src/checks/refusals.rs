use crate::attempt::Attempt;
use crate::outcome::{Done, Verdict};
use crate::probe::{Array, Host, HostFunction, Model, Supply};
use crate::subject::{Started, Subject};
use crate::{judge, point, supply};
use dreamwire_abi as abi;
use dreamwire_graph::{KindInfo, Port};
use serde_json::json;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let started = subject.start()?;
    started.each_kind(|kind| one(&started, kind)).end("kind")
}

/// Whether a run may succeed despite an unusual input.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Refusal,
    /// A refusal, or success.
    NoHarm,
}

fn one(started: &Started<'_>, kind: &KindInfo) -> Result<Done, String> {
    let good = started.first_attempt(kind)?;
    let json = good.json();
    if kind.params.list.iter().all(|param| param.default.is_some()) {
        run(started, kind, &good, "{}", "params that leave everything to their defaults", Expect::NoHarm)?;
    }
    if let Some(first) = kind.params.list.first() {
        run(started, kind, &good, "{\"", "params that are not JSON", Expect::Refusal)?;
        let wrong = json!({ first.name.as_str(): { "is": "no value" } }).to_string();
        run(started, kind, &good, &wrong, &format!("an object for `{}`", first.name), Expect::Refusal)?;
    }
    for (index, port) in kind.inputs.iter().enumerate() {
        for (supply, what) in wrong_supplies(&started.host, port) {
            let mut attempt = good.clone();
            attempt.inputs[index] = supply;
            // A function may be checked only when it is called; an optional input may be ignored.
            let must = !port.optional && what != STRANGE;
            let expect = if must { Expect::Refusal } else { Expect::NoHarm };
            run(started, kind, &attempt, &json, &format!("{what} at `{}`", port.name), expect)?;
        }
    }
    Ok(Done::Looked(1))
}

const STRANGE: &str = "a function that refuses its inputs";

/// Values that do not belong on a port.
fn wrong_supplies(host: &Host, port: &Port) -> Vec<(Supply, &'static str)> {
    let mut wrong = Vec::new();
    if !port.optional {
        wrong.push((Supply::None, "nothing"));
    }
    // No type has rank 6.
    let array = || Array { shape: vec![1, 1, 1, 2, 2, 3], data: vec![0.5; 12] };
    let takes = |test: fn(&str) -> bool| port.types.iter().any(|ty| test(ty));
    if takes(supply::is_tensor) {
        wrong.push((Supply::Tensor(array()), "a tensor of rank 6"));
        let shape = if port.types[0] == "IMAGE" { vec![1, 8, 8, 3] } else { vec![1, 8, 8] };
        wrong.push((Supply::Bytes(shape), "a tensor of bytes"));
        wrong.push((Supply::Function(HostFunction::new(host, Model::Discriminator)), "a function"));
    }
    if let Some(model) = port.types.first().and_then(|ty| supply::model(ty)) {
        wrong.push((Supply::Tensor(array()), "a tensor"));
        wrong.push((Supply::Function(HostFunction::strange(host, model)), STRANGE));
    }
    if port.many {
        wrong.retain(|(supply, _)| matches!(supply, Supply::None));
        wrong.push((Supply::Many(vec![Supply::Tensor(array())]), "a list with a tensor of rank 6"));
    }
    wrong
}

/// Runs a new instance with that value; outputs are checked, too.
fn run(
    started: &Started<'_>,
    kind: &KindInfo,
    attempt: &Attempt,
    params: &str,
    what: &str,
    expect: Expect,
) -> Result<(), String> {
    started.at(&format!("{} with {what}", kind.id));
    let mut node = started.create(kind)?;
    started.host.cancel_at(0);
    let ran = node.run(&started.host, params, &attempt.inputs, kind.outputs.len());
    if ran.status == abi::OK {
        if expect == Expect::Refusal {
            return Err(format!("it ran with {what} instead of refusing it"));
        }
        for function in point::functions(&ran) {
            // Only the way in which it may refuse matters here.
            point::look(&started.host, function, 90)
                .map_err(|why| format!("a function made with {what}: {why}"))?;
        }
    } else {
        judge::refused_run(&ran).map_err(|why| format!("with {what}, {why}"))?;
    }
    drop(ran);
    node.destroy();
    Ok(())
}
