use crate::attempt::Attempt;
use crate::judge;
use crate::outcome::{Done, Verdict};
use crate::probe::{Array, Output, Ran, Samples, Supply};
use crate::subject::{Started, Subject};
use dreamwire_abi as abi;
use dreamwire_graph::KindInfo;

/// Rows of the batch.
const ROWS: usize = 3;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let started = subject.start()?;
    started.each_kind(|kind| one(&started, kind)).end("kind with rows")
}

/// Every way to connect it: a row alone gives what it gives within a batch.
fn one(started: &Started<'_>, kind: &KindInfo) -> Result<Done, String> {
    if !kind.inputs.iter().any(|port| port.rows) {
        return Ok(Done::Looked(0));
    }
    if let Some(port) = kind.outputs.iter().find(|port| !port.rows) {
        return Ok(Done::LeftOut(format!("output `{}` has no rows, so it is never split", port.name)));
    }
    let (mut compared, mut why) = (0, None);
    for attempt in started.attempts(kind)? {
        let Some(batch) = Batch::of(kind, &attempt) else { continue };
        let name = attempt.name;
        started.at(&format!("{} ({name}), {ROWS} rows", kind.id));
        let whole = run(started, kind, &batch.whole)?;
        if whole.status != abi::OK {
            why.get_or_insert_with(|| judge::words(whole.status, whole.said.as_ref()));
            continue;
        }
        for (index, row) in batch.rows.iter().enumerate() {
            started.at(&format!("{} ({name}), row {index} alone", kind.id));
            let alone = run(started, kind, row)?;
            if alone.status != abi::OK {
                let words = judge::words(alone.status, alone.said.as_ref());
                return Err(format!(
                    "with {name}, {ROWS} rows go well, but row {index} alone ends with {words}"
                ));
            }
            same(&whole, &alone, index, kind).map_err(|fault| format!("with {name}, {fault}"))?;
        }
        compared += 1;
    }
    Ok(match compared {
        0 => Done::LeftOut(why.unwrap_or_else(|| "no input has rows to be made up".to_owned())),
        _ => Done::Looked(1),
    })
}

/// A batch, and each of its rows alone.
struct Batch {
    whole: Attempt,
    rows: Vec<Attempt>,
}

impl Batch {
    /// `None` if no port with rows is connected.
    fn of(kind: &KindInfo, attempt: &Attempt) -> Option<Self> {
        let mut whole = attempt.clone();
        let mut rows = vec![attempt.clone(); ROWS];
        let mut is_connected = false;
        for (index, _) in kind.inputs.iter().enumerate().filter(|(_, port)| port.rows) {
            let Supply::Tensor(array) = &attempt.inputs[index] else { continue };
            let made = vary(array)?;
            whole.inputs[index] = Supply::Tensor(join(&made));
            for (row, array) in rows.iter_mut().zip(made) {
                row.inputs[index] = Supply::Tensor(array);
            }
            is_connected = true;
        }
        is_connected.then_some(Self { whole, rows })
    }
}

/// Rows that differ, of the numbers of the first.
fn vary(array: &Array) -> Option<Vec<Array>> {
    let count = *array.shape.first().filter(|count| **count > 0)?;
    let first = &array.data[..array.data.len() / count];
    let shape: Vec<usize> = std::iter::once(1).chain(array.shape[1..].iter().copied()).collect();
    let rows = (0..ROWS).map(|row| {
        let mut data = first.to_vec();
        match row {
            0 => {}
            1 => data.reverse(),
            _ => data.rotate_left(first.len() / ROWS),
        }
        Array { shape: shape.clone(), data }
    });
    Some(rows.collect())
}

/// The rows as one array.
fn join(rows: &[Array]) -> Array {
    let mut shape = rows[0].shape.clone();
    shape[0] = rows.len();
    Array { shape, data: rows.iter().flat_map(|row| row.data.iter().copied()).collect() }
}

/// Runs a new instance.
fn run(started: &Started<'_>, kind: &KindInfo, attempt: &Attempt) -> Result<Ran, String> {
    let mut node = started.create(kind)?;
    started.host.cancel_at(0);
    let ran = started.run(&mut node, kind, attempt);
    if ran.status == abi::E_PANIC {
        return Err(judge::words(ran.status, ran.said.as_ref()));
    }
    node.destroy();
    Ok(ran)
}

/// Row `index` of every output, and of what was published, is what that row alone gave.
fn same(whole: &Ran, alone: &Ran, index: usize, kind: &KindInfo) -> Result<(), String> {
    for (port, (whole, alone)) in kind.outputs.iter().zip(whole.outputs.iter().zip(&alone.outputs)) {
        let fault = match (whole, alone) {
            (Output::Tensor(whole), Output::Tensor(alone)) => same_row(whole, alone, index),
            // Optional outputs.
            (Output::None, Output::None) => Ok(()),
            _ => Err(format!("row {index} alone is not of the kind that it is within a batch")),
        };
        fault.map_err(|why| format!("output `{}`: {why}", port.name))?;
    }
    let (all, one) = (&whole.published, &alone.published);
    if all.len() != one.len() * ROWS {
        let (all, one) = (all.len(), one.len());
        return Err(format!("{ROWS} rows publish {all} files, row {index} alone {one}"));
    }
    // Names may have the number of the row.
    let mut of_row = all.iter().skip(index * one.len()).zip(one);
    match of_row.any(|(within, alone)| within.bytes != alone.bytes) {
        true => Err(format!("row {index} is published alone with other bytes than within {ROWS} rows")),
        false => Ok(()),
    }
}

fn same_row(whole: &Samples, alone: &Samples, index: usize) -> Result<(), String> {
    let rows = |samples: &Samples| samples.shape.first().copied().unwrap_or(0);
    if rows(whole) != ROWS as i64 || rows(alone) != 1 {
        let (all, one) = (rows(whole), rows(alone));
        return Err(format!("{ROWS} rows of inputs give {all} rows, row {index} alone gives {one}"));
    }
    if whole.dtype != alone.dtype || whole.shape[1..] != alone.shape[1..] {
        return Err(format!("row {index} alone has another shape than within {ROWS} rows"));
    }
    let within = whole.bytes.chunks(alone.bytes.len().max(1)).nth(index).unwrap_or_default();
    let differing = within.iter().zip(&alone.bytes).filter(|(a, b)| a != b).count();
    match differing {
        0 => Ok(()),
        bytes => Err(format!("row {index} alone differs from the same row within {ROWS} in {bytes} bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_socket::Dtype;

    fn samples(shape: &[i64], bytes: &[u8]) -> Samples {
        Samples { dtype: Dtype::U8, shape: shape.to_vec(), bytes: bytes.to_vec(), has_deleter: true }
    }

    #[test]
    fn rows_differ_and_are_joined_in_order() {
        let array = Array { shape: vec![2, 3], data: vec![1.0, 2.0, 3.0, 9.0, 9.0, 9.0] };
        let rows = vary(&array).unwrap();
        assert!(rows.iter().all(|row| row.shape == [1, 3]));
        let joined = join(&rows);
        assert_eq!(joined.shape, [3, 3]);
        assert_eq!(joined.data, [1.0, 2.0, 3.0, 3.0, 2.0, 1.0, 2.0, 3.0, 1.0]);
        assert!(vary(&Array { shape: vec![], data: vec![1.0] }).is_none());
    }

    #[test]
    fn a_row_is_compared_with_its_place_in_the_batch() {
        let whole = samples(&[3, 2], &[1, 2, 3, 4, 5, 6]);
        assert_eq!(same_row(&whole, &samples(&[1, 2], &[3, 4]), 1), Ok(()));
        let check = |alone: &Samples, says: &str| {
            let why = same_row(&whole, alone, 1).unwrap_err();
            assert!(why.contains(says), "{why}");
        };
        check(&samples(&[1, 2], &[3, 5]), "differs from the same row within 3 in 1 bytes");
        check(&samples(&[2, 2], &[3, 4, 3, 4]), "row 1 alone gives 2");
        check(&samples(&[1, 3], &[3, 4, 5]), "another shape");
    }
}
