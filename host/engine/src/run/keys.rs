//! The two keys of a step.

use super::inputs::Settled;
use super::{Run, Stopped};
use crate::key::Key;
use crate::{Failure, FailureKind, FileParam, Input, Step, Value};
use blake3::Hash;

/// The deep key of every planned node, by node index.
pub(super) fn deep(run: &Run<'_>) -> Result<Vec<Hash>, Stopped> {
    let plan = run.plan;
    let mut keys = vec![Hash::from_bytes([0; 32]); plan.graph.nodes.len()];
    for step in &plan.steps {
        let node = plan.node(step);
        let mut key = base(run, step, &step.params, &step.files)?;
        for port in &node.ports {
            key.port(port.len());
            port.iter().for_each(|link| key.producer(keys[link.node], link.output));
        }
        for (_, link) in &node.linked_params {
            key.producer(keys[link.node], link.output);
        }
        keys[step.node] = key.finish();
    }
    Ok(keys)
}

/// The content key of a step: it has the bytes of inputs in place of their producers, except for functions.
pub(super) fn content(
    run: &Run<'_>,
    step: &Step,
    settled: &Settled<'_>,
    inputs: &[Input],
    deep: &[Hash],
) -> Result<Hash, Stopped> {
    let mut key = base(run, step, &settled.params, &settled.files)?;
    for (input, links) in inputs.iter().zip(&run.plan.node(step).ports) {
        let values = match input {
            Input::None => &[Value::None][..links.len().min(1)],
            Input::One(value) => std::slice::from_ref(value),
            Input::Many(values) => values,
        };
        key.port(values.len());
        for (value, link) in values.iter().zip(links) {
            match value.content() {
                Some(content) => key.content(content),
                None => key.producer(deep[link.node], link.output),
            }
        }
    }
    Ok(key.finish())
}

/// The part that both keys share.
fn base(run: &Run<'_>, step: &Step, params: &str, files: &[FileParam]) -> Result<Key, Stopped> {
    let node = run.plan.node(step);
    let failed = |failure| Stopped::Failed { node: step.node, failure };
    let build = run.nodes.build(&node.kind.id).ok_or_else(|| {
        failed(Failure::new(FailureKind::Plugin, format!("no plugin offers `{}` any more", node.kind.id)))
    })?;
    let mut key = Key::new(&node.kind, build, &run.options, params);
    for file in files {
        let content = run.files.read(&file.path, run.world).map_err(|error| {
            let failure = Failure::new(FailureKind::Read, error.message).at(file.param.clone());
            failed(Failure { hint: error.hint, ..failure })
        })?;
        key.file(&file.param, content.hash);
    }
    if !node.kind.pure_ {
        key.unique();
    }
    Ok(key)
}
