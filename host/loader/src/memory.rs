//! How much memory a tensor can have.

use dreamwire_abi as abi;
use dreamwire_socket::{Fault, TensorView};
use std::sync::OnceLock;

/// The limit where the size of the machine is unknown: 1 TiB, which is the socket's own.
const UNKNOWN: u64 = dreamwire_socket::MAX_TENSOR_BYTES;

/// Refuses a tensor that cannot be in the memory of this machine. DLPack has no length of the buffer, so a plugin's
/// wrong shape is noticed only here, before anything reads the elements: memory and swap together are the most that
/// any tensor can have.
pub(crate) fn check(view: &TensorView<'_>) -> Result<(), Fault> {
    check_against(view, most())
}

/// Memory and swap of this machine in bytes, read once.
pub(crate) fn most() -> u64 {
    static MOST: OnceLock<u64> = OnceLock::new();
    *MOST.get_or_init(of_the_machine)
}

fn check_against(view: &TensorView<'_>, most: u64) -> Result<(), Fault> {
    let bytes = view.count() as u64 * view.dtype().size() as u64;
    if bytes <= most {
        return Ok(());
    }
    let message = format!(
        "a tensor of shape {:?} would have {}, and this machine has {} of memory",
        view.shape(),
        shown(bytes),
        shown(most)
    );
    Err(Fault { status: abi::E_SHAPE, message })
}

fn shown(bytes: u64) -> String {
    match bytes.div_ceil(1 << 30) {
        gibibytes @ 0..1024 => format!("{gibibytes} GiB"),
        gibibytes => format!("{} TiB", gibibytes.div_ceil(1024)),
    }
}

fn of_the_machine() -> u64 {
    if !cfg!(target_os = "linux") {
        return UNKNOWN;
    }
    std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| read(&text)).unwrap_or(UNKNOWN)
}

/// The sum of memory and swap in the text of `/proc/meminfo`.
fn read(text: &str) -> Option<u64> {
    let field = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
    };
    field("MemTotal").filter(|bytes| *bytes > 0)?.checked_add(field("SwapTotal").unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_socket::{Dtype, lend};

    #[test]
    fn the_size_of_the_machine_is_read() {
        let text = "MemTotal:       2048 kB\nMemFree:        1 kB\nSwapTotal:      1024 kB\n";
        assert_eq!(read(text), Some(3 << 20));
        assert_eq!(read("MemTotal:       2048 kB\n"), Some(2 << 20));
        assert_eq!((read(""), read("MemTotal: much\n"), read("MemTotal: 0 kB\n")), (None, None, None));
        assert!(of_the_machine() > 1 << 20);
    }

    /// Faults: F5.
    #[test]
    fn what_no_machine_holds_is_refused_before_it_is_read() {
        let owned = lend(Dtype::F32, vec![2, 3], vec![0f32; 6]).unwrap();
        let view = owned.view().unwrap();
        assert_eq!(check(&view), Ok(()));
        assert_eq!(check_against(&view, 24), Ok(()));
        let fault = check_against(&view, 23).unwrap_err();
        assert_eq!(fault.status, abi::E_SHAPE);
        assert_eq!(
            fault.message,
            "a tensor of shape [2, 3] would have 1 GiB, and this machine has 1 GiB of memory"
        );
    }

    #[test]
    fn sizes_are_shown_in_the_unit_of_machines() {
        assert_eq!(
            (shown(1), shown(64 << 30), shown(12 << 40)),
            ("1 GiB".into(), "64 GiB".into(), "12 TiB".into())
        );
    }
}
