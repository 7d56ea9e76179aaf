//! The two keys of a step.

use super::inputs::Settled;
use super::{Run, StepFailure, Stopped};
use crate::key::Key;
use crate::{Failure, FailureKind, FileParam, Input, Step, Value};
use blake3::Hash;

/// The deep key of every planned node, by node index.
pub(crate) fn deep(run: &Run<'_>) -> Result<Vec<Hash>, Stopped> {
    let plan = run.plan;
    let mut keys = vec![Hash::from_bytes([0; 32]); plan.graph.nodes.len()];
    for step in &plan.steps {
        let node = plan.node(step);
        let failed = |failure| Stopped::Failed(vec![StepFailure { node: step.node, failure }]);
        let mut key = base(run, step, &step.params, &step.files).map_err(failed)?;
        for port in &node.ports {
            key.port(port.len());
            port.iter().for_each(|link| key.producer(keys[link.node], link.output));
        }
        for (_, link) in &node.linked_params {
            key.producer(keys[link.node], link.output);
        }
        // The content of that file is not in the key.
        if node.names_a_file_later() {
            key.unique();
        }
        keys[step.node] = key.finish();
    }
    Ok(keys)
}

/// What a step does, the same in every process: its deep key, or node and params if that never comes again.
pub(super) fn identity(run: &Run<'_>, step: &Step, deep: Hash) -> Hash {
    if step.repeats {
        return deep;
    }
    let node = run.plan.node(step);
    let build = run.nodes.build(&node.kind.id).map_or(String::new(), |build| build.to_hex().to_string());
    blake3::hash(serde_json::json!([node.id, node.kind.id, build, step.params]).to_string().as_bytes())
}

/// The content key of a step: it has the bytes of inputs in place of their producers, except for functions. A piece of a
/// batch, from `first_row` on, has the key of the step with these rows alone, since that has the same result.
pub(super) fn content(
    run: &Run<'_>,
    step: &Step,
    settled: &Settled<'_>,
    inputs: &[Input],
    deep: &[Hash],
    first_row: usize,
) -> Result<Hash, Failure> {
    let mut key = base(run, step, &settled.params, &settled.files)?;
    if first_row > 0 && run.plan.node(step).kind.output {
        key.first_row(first_row);
    }
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
fn base(run: &Run<'_>, step: &Step, params: &str, files: &[FileParam]) -> Result<Key, Failure> {
    let node = run.plan.node(step);
    let mut key = Key::new(&node.kind, build(run, step)?, &run.options_of(&node.kind.id), params);
    for file in files {
        key.file(&file.param, content_of(run, file)?);
    }
    if node.kind.output {
        key.scope(run.options.metadata.then_some(&run.plan.scope));
    }
    if !node.kind.pure_ {
        key.unique();
    }
    Ok(key)
}

/// The build of the plugin that runs a step.
fn build(run: &Run<'_>, step: &Step) -> Result<Hash, Failure> {
    let kind = &run.plan.node(step).kind.id;
    let build = run.nodes.build(kind);
    build.ok_or_else(|| Failure::new(FailureKind::Plugin, format!("no plugin offers `{kind}` any more")))
}

/// The hash of a file that a param names.
fn content_of(run: &Run<'_>, file: &FileParam) -> Result<Hash, Failure> {
    run.files.look(&file.path, run.world).map(|read| read.hash).map_err(|error| {
        let failure = Failure::new(FailureKind::Read, error.message).at(file.param.clone());
        Failure { hint: error.hint, ..failure }
    })
}

/// The build of a step's plugin and the hashes of the files that its literal params name.
pub(crate) fn made_of(run: &Run<'_>, step: &Step) -> Result<(Hash, Vec<(String, Hash)>), Stopped> {
    let failed = |failure| Stopped::Failed(vec![StepFailure { node: step.node, failure }]);
    let files = step.files.iter().map(|file| Ok((file.param.clone(), content_of(run, file)?)));
    let made_of = build(run, step).and_then(|build| Ok((build, files.collect::<Result<_, _>>()?)));
    made_of.map_err(failed)
}
