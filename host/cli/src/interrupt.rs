use crate::exit::Exit;

/// Calls `first` at the first Ctrl-C, SIGTERM or SIGHUP, and ends the program at once at the second.
pub(crate) fn on_signal(mut first: impl FnMut() + Send + 'static) {
    let mut seen = false;
    let handler = move || {
        if seen {
            std::process::exit(i32::from(Exit::INTERRUPTED.code()));
        }
        seen = true;
        first();
    };
    // Without a handler the system ends the program, which loses nothing that was published.
    let _ = ctrlc::set_handler(handler);
}
