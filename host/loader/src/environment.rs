//! Thread counts that libraries inside plugins read from the environment.

use std::sync::Once;

/// Limits the threads of rayon's global pool, and candle's pool to one. Each plugin has its own copy of them,
/// so otherwise every plugin would start one thread per core. candle's pool is used for element-wise
/// operations only, and its threads cannot be joined: they would outlive the plugin that started them.
///
/// Effective once per process, before the first library is loaded: afterwards other threads may read the environment.
pub(crate) fn set_threads(threads: usize) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let threads = threads.to_string();
        for (name, value) in [("RAYON_NUM_THREADS", threads.as_str()), ("CANDLE_NUM_THREADS", "1")] {
            if std::env::var_os(name).is_none() {
                // SAFETY: called before any library is loaded and before the run starts its threads, so nobody else
                // reads or writes the environment at this time.
                unsafe { std::env::set_var(name, value) };
            }
        }
    });
}
