use crate::exit::Exit;

/// Calls `first` on the first Ctrl-C, SIGTERM or SIGHUP; a second one ends the program at once.
pub(crate) fn on_signal(mut first: impl FnMut() + Send + 'static) {
    let mut seen = false;
    let handler = move || {
        if seen {
            std::process::exit(i32::from(Exit::INTERRUPTED.code()));
        }
        seen = true;
        first();
    };
    // Without a handler the system ends the program; published files are not lost.
    let _ = ctrlc::set_handler(handler);
}
