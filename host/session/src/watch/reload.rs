use std::sync::Arc;

use super::{Notice, Watch};

impl Watch<'_> {
    /// Loads rebuilt plugins as new generations. False if the old ones stay, because nothing changed or because the new
    /// ones cannot be used, which was reported.
    pub(super) fn reload_plugins(&mut self) -> bool {
        let Some(reload) = self.session.look_for_builds(self.settings.options.threads) else { return false };
        // Report idleness again after this notice.
        self.told_idle = false;
        self.tell(Notice::Plugins { problems: &reload.problems, changes: &reload.changes });
        match reload.loader {
            Some(loader) => {
                self.session.loader = Arc::new(loader);
                self.watch_libraries();
                true
            }
            None => false,
        }
    }
}
