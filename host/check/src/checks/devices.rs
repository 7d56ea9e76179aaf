use crate::judge;
use crate::outcome::{Stop, Verdict};
use crate::probe::Refused;
use crate::subject::Subject;
use dreamwire_abi as abi;
use dreamwire_socket::DeviceFacts;
use std::collections::BTreeSet;

/// Types of devices that DLPack does not have.
const NO_TYPES: [i32; 3] = [-1, 0, 9999];

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    // Not started: the host may ask before `init`.
    let plugin = subject.open()?;
    let Some(devices) = plugin.devices().map_err(Stop::Failed)? else {
        return Err(Stop::Skipped("it says nothing of devices, so it computes on the CPU".to_owned()));
    };
    let at = |device_type: i32| {
        (subject.at)(&format!("asking for {}", name(device_type)));
        plugin.probe(devices, abi::DLDevice { device_type, device_id: 0 })
    };
    look(&devices.types(), at).map_err(Stop::Failed)
}

/// Asks for the CPU, for what the plugin was built for, and for what it was not built for.
fn look(types: &[i32], ask: impl Fn(i32) -> Result<DeviceFacts, Refused>) -> Result<String, String> {
    let different: BTreeSet<i32> = types.iter().copied().collect();
    if different.len() < types.len() || different.contains(&abi::DL_CPU) {
        return Err(format!("its types {types:?} must be different ones, without that of the CPU"));
    }
    let facts = ask(abi::DL_CPU).map_err(|refused| {
        let why = judge::words(refused.status, refused.said.as_ref());
        format!("the CPU must always work, but probe ended with {why}")
    })?;
    sound(abi::DL_CPU, &facts)?;
    let mut seen = vec![name(abi::DL_CPU)];
    for &ty in types {
        match ask(ty) {
            Ok(facts) => {
                sound(ty, &facts)?;
                seen.push(format!("{} ({})", name(ty), facts.name));
            }
            Err(refused) => {
                let expected = [abi::E_DEVICE, abi::E_NOMEM];
                proper(ty, &refused, &expected)?;
                seen.push(format!(
                    "not {}: {}",
                    name(ty),
                    judge::words(refused.status, refused.said.as_ref())
                ));
            }
        }
    }
    let others = [abi::DL_CUDA, abi::DL_METAL].into_iter().filter(|ty| !different.contains(ty));
    for ty in others.chain(NO_TYPES) {
        match ask(ty) {
            Ok(_) => return Err(format!("{} is not among its types, and probe ended with DW_OK", name(ty))),
            Err(refused) => proper(ty, &refused, &[abi::E_UNSUPPORTED])?,
        }
    }
    Ok(seen.join(", "))
}

fn name(device_type: i32) -> String {
    match device_type {
        abi::DL_CPU => "the CPU".to_owned(),
        abi::DL_CUDA => "CUDA".to_owned(),
        abi::DL_METAL => "Metal".to_owned(),
        other => format!("device type {other}"),
    }
}

/// A refusal with words, and with a status that says what it means.
fn proper(device_type: i32, refused: &Refused, expected: &[abi::Status]) -> Result<(), String> {
    let of = |why: String| format!("{}: {why}", name(device_type));
    judge::refusal(refused.status, refused.said.as_ref(), refused.touched).map_err(of)?;
    if expected.contains(&refused.status) {
        return Ok(());
    }
    let names: Vec<String> = expected.iter().map(|status| judge::status_name(*status)).collect();
    let found = judge::status_name(refused.status);
    Err(of(format!("probe must refuse it with {}, found {found}", names.join(" or "))))
}

/// What is told of a device makes sense.
fn sound(device_type: i32, facts: &DeviceFacts) -> Result<(), String> {
    let DeviceFacts { total, free, .. } = facts;
    if *total > 0 && free > total {
        return Err(format!("{}: {free} bytes are free of {total}", name(device_type)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_socket::Said;

    fn refused(status: abi::Status, words: &str) -> Result<DeviceFacts, Refused> {
        Err(Refused { status, said: Some(Said::new(status, words)), touched: false })
    }

    fn answer(ty: i32) -> Result<DeviceFacts, Refused> {
        match ty {
            abi::DL_CPU => Ok(DeviceFacts::default()),
            abi::DL_CUDA => refused(abi::E_DEVICE, "there is no driver"),
            _ => refused(abi::E_UNSUPPORTED, "it was not built for that"),
        }
    }

    fn fault(types: &[i32], ask: impl Fn(i32) -> Result<DeviceFacts, Refused>, says: &str) {
        let why = look(types, ask).unwrap_err();
        assert!(why.contains(says), "{why}");
    }

    #[test]
    fn each_answer_has_its_status() {
        let seen = look(&[abi::DL_CUDA], answer).unwrap();
        assert_eq!(seen, "the CPU, not CUDA: DW_E_DEVICE, there is no driver");
        fault(&[abi::DL_CUDA, abi::DL_CUDA], answer, "must be different ones");
        fault(&[abi::DL_CPU], answer, "without that of the CPU");
        fault(&[], answer, "CUDA: probe must refuse it with DW_E_UNSUPPORTED, found DW_E_DEVICE");
        fault(&[abi::DL_METAL], answer, "Metal: probe must refuse it with DW_E_DEVICE or DW_E_NOMEM");
        let all = |_| Ok(DeviceFacts::default());
        fault(&[abi::DL_CUDA, abi::DL_METAL], all, "device type -1 is not among its types");
        let full = |_| Ok(DeviceFacts { total: 4, free: 5, ..DeviceFacts::default() });
        fault(&[], full, "5 bytes are free of 4");
    }
}
