use crate::judge;
use crate::outcome::{Done, Verdict};
use crate::point::{accepted, arrays, differentiable, functions};
use crate::probe::{Balance, Output, Ran};
use crate::subject::{Started, Subject, Worked};
use dreamwire_abi as abi;
use dreamwire_graph::KindInfo;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let started = subject.start()?;
    let mut tally = started.each_kind(|kind| {
        // Before anything of this kind.
        let before = started.host.balance();
        match started.work(kind)? {
            Ok(worked) => one(&started, kind, worked, before),
            Err(why) => Ok(Done::LeftOut(why)),
        }
    });
    started.at("deinit");
    if let Some(alive @ 1..) = started.plugin.stop() {
        tally.fault(format!("deinit counts {alive} live objects, though everything was released"));
    }
    tally.end("kind")
}

fn one(started: &Started<'_>, kind: &KindInfo, worked: Worked, before: Balance) -> Result<Done, String> {
    let Worked { mut node, attempt, mut ran, functions, .. } = worked;
    outputs(kind, &ran)?;
    let first = ran.written.first();
    if let Some(port) = first.and_then(|&index| kind.inputs.get(index)) {
        return Err(format!("it wrote into the memory of input `{}`, which is borrowed", port.name));
    }
    // The call is over: whoever still reads its inputs reads NaN.
    ran.poison_inputs();
    started.at(&format!("{}, functions after the run", kind.id));
    after(started, &ran).map_err(|why| format!("after the run, when its inputs are gone, {why}"))?;
    started.at(&format!("{}, second run", kind.id));
    let again = started.run(&mut node, kind, &attempt);
    if again.status != abi::OK {
        let why = judge::words(again.status, again.said.as_ref());
        return Err(format!("a second run of the same instance ended with {why}"));
    }
    judge::successful_run(&again, &kind.outputs).map_err(|why| format!("in a second run, {why}"))?;
    drop(again);
    drop(ran);
    started.at(&format!("{}, destroy", kind.id));
    node.destroy();
    settled(started.host.balance(), before)?;
    for function in functions {
        match function.references() {
            1 => {}
            more @ 2.. => {
                return Err(format!("it keeps {} references to a borrowed function", more - 1));
            }
            less => return Err(format!("it released a function {} times too often", 1 - less)),
        }
    }
    Ok(Done::Looked(1))
}

/// Tensors come with a deleter.
fn outputs(kind: &KindInfo, ran: &Ran) -> Result<(), String> {
    for (port, output) in kind.outputs.iter().zip(&ran.outputs) {
        if let Output::Tensor(samples) = output
            && !samples.has_deleter
        {
            return Err(format!("the tensor at output `{}` has no deleter", port.name));
        }
    }
    Ok(())
}

/// Functions are independent of the run, and a tape may be released unused.
fn after(started: &Started<'_>, ran: &Ran) -> Result<(), String> {
    let host = &started.host;
    for function in functions(ran) {
        function.retain_and_release();
        let point = accepted(host, function, 70)?;
        let wrt = differentiable(function, &point);
        let evaluated = function.eval(host, &point, wrt, true);
        if evaluated.status != abi::OK {
            let why = judge::words(evaluated.status, evaluated.said.as_ref());
            return Err(format!("its {} ended with {why}", function.described.ty));
        }
        arrays(evaluated.y, "output").map_err(|why| format!("its {}: {why}", function.described.ty))?;
        drop(evaluated.tape);
    }
    Ok(())
}

/// Everything given to the plugin was returned.
pub(super) fn settled(now: Balance, before: Balance) -> Result<(), String> {
    let counts = [
        (now.inputs_ended - before.inputs_ended, "deleters of borrowed inputs were called"),
        (now.twice - before.twice, "tensors or tapes were freed more than once"),
        (now.tensors - before.tensors, "tensors that it owns are not freed"),
        (now.tapes - before.tapes, "tapes of borrowed functions are not released"),
    ];
    match counts.iter().find(|(count, _)| *count != 0) {
        Some((count, what)) => Err(format!("{count} {what}")),
        None => Ok(()),
    }
}
