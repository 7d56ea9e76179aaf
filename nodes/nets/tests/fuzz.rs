//! Damaged weights files: whatever the bytes are, they are read or refused. `PROPTEST_CASES=100000 cargo test -p
//! dreamwire-nets --test fuzz` looks longer.

use dreamwire_nets::weights;
use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView, serialize};

/// A file with tensors of several types, one of them int8 with its scales.
fn seed() -> Vec<u8> {
    let floats: Vec<u8> = (0..24).flat_map(|n| (n as f32).to_le_bytes()).collect();
    let view =
        |dtype, shape: &[usize], bytes| TensorView::new(dtype, shape.to_vec(), bytes).expect("they fit");
    let tensors = [
        ("a.weight", view(Dtype::F32, &[2, 3, 2, 2], &floats)),
        ("a.bias", view(Dtype::F32, &[2], &floats[..8])),
        ("b.weight", view(Dtype::F16, &[3, 4], &floats[..24])),
        ("c.weight", view(Dtype::I8, &[4, 6], &floats[..24])),
        ("c.weight.scale", view(Dtype::F32, &[4], &floats[..16])),
    ];
    let metadata = [("dreamwire".to_owned(), "{}".to_owned())].into();
    serialize(tensors, Some(metadata)).expect("it is written")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Faults: C2.
    #[test]
    fn a_damaged_file_is_read_or_refused(
        edits in prop::collection::vec((0.0..1.0f64, any::<u8>()), 0..8),
        cut in prop_oneof![3 => Just(1.0), 1 => 0.0..1.0f64],
    ) {
        let mut bytes = seed();
        for (place, byte) in edits {
            let at = (place * bytes.len() as f64) as usize;
            bytes[at] = byte;
        }
        bytes.truncate((cut * bytes.len() as f64) as usize);
        if let Ok(tensors) = weights::read_all(&bytes) {
            let held: usize = tensors.values().map(|tensor| tensor.elem_count()).sum();
            prop_assert!(held <= bytes.len(), "{held} values out of {} bytes", bytes.len());
        }
    }

    /// Faults: C2.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = weights::read_all(&bytes);
        let _ = weights::read(&bytes, &[]);
    }
}
