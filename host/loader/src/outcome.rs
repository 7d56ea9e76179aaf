//! Turns statuses into failures.

use dreamwire_abi as abi;
use dreamwire_engine::{Failure, FailureKind, Services};

/// The kind of failure that a status of `run` means.
pub(crate) fn kind(status: abi::Status) -> FailureKind {
    match status {
        abi::CANCELLED => FailureKind::Cancelled,
        abi::E_PANIC => FailureKind::Panic,
        abi::E_UNSUPPORTED | abi::E_GONE => FailureKind::Plugin,
        abi::E_ARG => FailureKind::Argument,
        abi::E_SHAPE => FailureKind::Shape,
        abi::E_DTYPE => FailureKind::Dtype,
        abi::E_DEVICE => FailureKind::Device,
        abi::E_NOMEM | abi::E_LIMIT => FailureKind::Limit,
        abi::E_NOT_DIFF => FailureKind::NotDifferentiable,
        abi::E_IO => FailureKind::Read,
        abi::E_INPUT => FailureKind::Input,
        abi::E_NONFINITE => FailureKind::Nonfinite,
        _ => FailureKind::Failed,
    }
}

/// The failure of a step that ended with `status`: the recorded one, or the bare status.
pub(crate) fn failure(plugin: &str, status: abi::Status, services: &Services<'_>) -> Failure {
    let recorded = services.take_failure();
    if status == abi::CANCELLED {
        return Failure::new(FailureKind::Cancelled, "stopped");
    }
    recorded.unwrap_or_else(|| wordless(plugin, status))
}

/// The failure of a plugin that reported no reason.
pub(crate) fn wordless(plugin: &str, status: abi::Status) -> Failure {
    Failure::new(kind(status), format!("plugin {plugin} failed with status {status} and gave no reason"))
}

/// The failure of `init`.
pub(crate) fn not_started(plugin: &str, status: abi::Status, services: &Services<'_>) -> Failure {
    refused(format!("plugin {plugin} failed to start"), status, services)
}

/// The failure of `create`.
pub(crate) fn not_created(plugin: &str, kind: &str, status: abi::Status, services: &Services<'_>) -> Failure {
    refused(format!("plugin {plugin} failed to create a `{kind}`"), status, services)
}

/// A plugin that cannot be used is to blame, whatever its status.
fn refused(what: String, status: abi::Status, services: &Services<'_>) -> Failure {
    match services.take_failure() {
        Some(said) => Failure {
            hint: said.hint,
            ..Failure::new(FailureKind::Plugin, format!("{what}: {}", said.message))
        },
        None => Failure::new(FailureKind::Plugin, format!("{what} (status {status})")),
    }
}

/// The plugin returned something that the contract forbids.
pub(crate) fn broken(plugin: &str, what: impl std::fmt::Display) -> Failure {
    let mut failure =
        Failure::new(FailureKind::Plugin, format!("plugin {plugin} broke the contract: {what}"));
    failure.hint = Some("report this to the plugin's author".into());
    failure
}
