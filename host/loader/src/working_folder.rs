use crate::host;
use dreamwire_engine::Level;
use std::path::{Path, PathBuf};

/// Runs code of a plugin, and goes back to the working folder if the plugin has left it: relative paths of the user
/// are read and written there. `left` hears where the plugin went.
pub(crate) fn kept<T>(body: impl FnOnce() -> T, left: impl FnOnce(PathBuf)) -> T {
    let before = std::env::current_dir();
    let result = body();
    if let (Ok(before), Ok(after)) = (before, std::env::current_dir())
        && before != after
        && std::env::set_current_dir(&before).is_ok()
    {
        left(after);
    }
    result
}

/// Logs that a plugin has left the working folder outside of a node.
pub(crate) fn warn(who: &str, when: &str, to: &Path) {
    host::note(Level::Warn, format!("{}, {when}", message(who, to)));
}

/// What the log says of a plugin that has left the working folder.
pub(crate) fn message(who: &str, to: &Path) -> String {
    format!("{who} changed the working folder to `{}`, and the host changed it back", to.display())
}
