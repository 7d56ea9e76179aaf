//! Damaged files of weights: whatever the bytes are, there is an answer, and every tensor of it can be read.
//!
//! `PROPTEST_CASES=100000 cargo test -p dreamwire-formats --test fuzz` looks longer.

mod assembler;
mod named;

use assembler::{Pickle, f32s, legacy, npy, torch_zip, zip};
use dreamwire_formats::{Archive, Layout, Limits, export, read};
use proptest::prelude::*;

/// One edit of a file, at a place that is scaled to its length.
#[derive(Clone, Debug)]
enum Edit {
    Put(u8),
    Flip(u8),
    Insert(&'static [u8]),
    Remove(usize),
    Repeat(usize),
    Cut,
}

/// What is worth inserting: opcodes with their arguments, huge numbers, and pieces of the formats.
const PIECES: [&[u8]; 28] = [
    b"(",
    b".",
    b"0",
    b"1",
    b"2",
    b"R",
    b"b",
    b"s",
    b"u",
    b"a",
    b"e",
    b"t",
    b"Q",
    b"}",
    b"]",
    b")",
    b"h\0",
    b"q\0",
    b"\x94",
    b"\x93",
    b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x8a\x01\xff",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"ccollections\nOrderedDict\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"PK\x01\x02",
    b"PK\x05\x06",
];

fn edits() -> impl Strategy<Value = Vec<(f64, Edit)>> {
    let edit = prop_oneof![
        4 => any::<u8>().prop_map(Edit::Put),
        4 => (0u8..8).prop_map(|bit| Edit::Flip(1 << bit)),
        4 => (0..PIECES.len()).prop_map(|index| Edit::Insert(PIECES[index])),
        2 => (1usize..40).prop_map(Edit::Remove),
        2 => (1usize..40).prop_map(Edit::Repeat),
        1 => Just(Edit::Cut),
    ];
    prop::collection::vec((0.0..1.0f64, edit), 0..10)
}

fn apply(seed: &[u8], edits: &[(f64, Edit)]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for (place, edit) in edits {
        let at = (place * bytes.len() as f64) as usize;
        let end = |count: usize| (at + count).min(bytes.len());
        match edit {
            Edit::Put(byte) if at < bytes.len() => bytes[at] = *byte,
            Edit::Put(byte) => bytes.push(*byte),
            Edit::Flip(bit) => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bit),
            Edit::Insert(piece) => drop(bytes.splice(at..at, piece.iter().copied())),
            Edit::Remove(count) => drop(bytes.drain(at..end(*count))),
            Edit::Repeat(count) => {
                let again = bytes[at..end(*count)].to_vec();
                drop(bytes.splice(at..at, again));
            }
            Edit::Cut => bytes.truncate(at),
        }
    }
    bytes
}

/// Small files of every layout.
fn seeds() -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ref/pickle");
    let files = std::fs::read_dir(&folder).expect("the folder is there").flatten().map(|file| file.path());
    let mut seeds: Vec<_> = files.filter_map(|path| std::fs::read(path).ok()).collect();
    seeds.sort();
    for network in ["tensorflow.pkl", "genforce.pth", "rosinality.pt", "e4e.pt", "network.safetensors"] {
        seeds.push(std::fs::read(folder.join("../networks").join(network)).expect("the file is there"));
    }
    let data = f32s(&[1., 2., 3., 4.]);
    let tensor = |pickle: Pickle| pickle.text("a").tensor(("FloatStorage", "0", 4), 0, &[2, 2], &[1, 2]);
    let dict = tensor(Pickle::new().raw(b"}")).raw(b"s").stop();
    seeds.push(torch_zip(dict, &[&data], true));
    let storage =
        Pickle::new().raw(b"(").text("storage").global("torch", "FloatStorage").text("7").text("cpu");
    let storage = legacy(storage.int(4).raw(b"NtQ").stop(), &[("7", &data)]);
    let persistent =
        Pickle::new().global("torch_utils.persistence", "_reconstruct_persistent_obj").raw(b"(}");
    let persistent = persistent.text("state").raw(b"}").text("_parameters").raw(b"}").text("w");
    let persistent = persistent.global("torch._utils", "_rebuild_tensor_v2").raw(b"(");
    let persistent =
        persistent.global("torch.storage", "_load_from_bytes").raw(b"(").bytes(&storage).raw(b"tR");
    seeds.push(persistent.int(0).ints(&[4]).ints(&[1]).raw(b"\x89}tRssstR").stop());
    seeds.push(Pickle::new().raw(b"}").text("a").array("f4", "<", &[2, 2], true, &data).raw(b"s").stop());
    let array = npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", &data);
    seeds.push(zip(&[("w.npy", &array)], true));
    seeds.push(array);
    seeds.push(b"(dp0\nVa\np1\n(lp2\nI1\naF2.5\naL7L\naS'x'\nas.".to_vec());
    assert!(seeds.len() > 15, "{} seeds", seeds.len());
    seeds
}

/// Names that tell networks, and names of tensors that are changed.
const NAMES: [&str; 32] = [
    "synthesis.b4.const",
    "synthesis.b4.conv1.weight",
    "synthesis.b16.torgb.weight",
    "mapping.embed.weight",
    "mapping.fc0.weight",
    "mapping.w_avg",
    "synthesis.input.freqs",
    "synthesis.input.weight",
    "synthesis.L3_36_4.weight",
    "synthesis.L0_36_4.down_filter",
    "b4.out.weight",
    "b4.conv.weight",
    "b8.fromrgb.weight",
    "conv1.conv.modulation.weight",
    "input.input",
    "conv1.noise.weight",
    "convs.0.conv.blur.kernel",
    "to_rgb1.bias",
    "noises.noise_0",
    "latent_avg",
    "final_linear.1.weight",
    "convs.0.0.weight",
    "Gs.synthesis/4x4/Conv/mod_weight",
    "Gs.synthesis/4x4/Conv/mod_bias",
    "Gs.synthesis/8x8/Conv0_up/weight",
    "Gs.dlatent_avg",
    "synthesis.early_layer.const",
    "synthesis.layer0.style.weight",
    "synthesis.layer1.filter.kernel",
    "features.0.weight",
    "features.2.weight",
    "pre_logits.fc1.weight",
];

fn shape() -> impl Strategy<Value = Vec<usize>> {
    let any = prop::collection::vec(0..5usize, 0..6);
    prop_oneof![3 => any, 1 => Just(vec![64, 3, 3, 3]), 1 => Just(vec![1, 1, 4, 4]), 1 => Just(vec![1])]
}

/// Small limits, so that a case that reaches one is soon done.
fn limits() -> Limits {
    Limits { steps: 20_000, slack: 1 << 20, ..Limits::default() }
}

fn look_at(bytes: &[u8]) {
    match read(bytes, &limits()) {
        Ok(archive) => {
            for (name, tensor) in &archive.tensors {
                assert_eq!(tensor.data().len(), tensor.byte_len(), "{name}");
                assert_eq!(tensor.to_f32().len(), tensor.count(), "{name}");
            }
            look_at_networks(&archive);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn look_at_networks(archive: &Archive<'_>) {
    for network in archive.networks() {
        for (name, tensor) in &network.tensors {
            assert_eq!(tensor.data().len(), tensor.byte_len(), "{name}");
        }
        for layout in [Layout::Nvidia, Layout::Rosinality] {
            for (name, tensor) in export(&network, layout).into_iter().flatten() {
                assert_eq!(tensor.data().len(), tensor.byte_len(), "{name}");
            }
        }
        assert!(network.metadata().starts_with('{'));
    }
    if let Err(error) = archive.network(&[]) {
        assert!(error.to_string().starts_with("this is "));
    }
}

#[test]
fn the_seeds_are_read() {
    let unread = |seed: &&Vec<u8>| read(seed, &limits()).is_err();
    // The references themselves, the text beside them, and a pickle without tensors are among the seeds.
    assert_eq!(seeds().iter().filter(unread).count(), 2);
}

proptest! {
    #[test]
    fn fuzz_mutants_of_weights_files(index in any::<prop::sample::Index>(), edits in edits()) {
        let seeds = SEEDS.with(|seeds| seeds.clone());
        let seed: &Vec<u8> = index.get(seeds.as_slice());
        look_at(&apply(seed, &edits));
    }

    #[test]
    fn fuzz_tensors_with_telling_names(chosen in prop::collection::vec((0..NAMES.len(), shape()), 1..30)) {
        let chosen: std::collections::BTreeMap<_, _> = chosen.into_iter().collect();
        let named: Vec<_> = chosen.iter().map(|(index, shape)| (NAMES[*index], shape.as_slice())).collect();
        look_at(&named::file(&named, None));
    }

    #[test]
    fn fuzz_any_pickle(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        look_at(&[b"\x80\x04".as_slice(), &bytes].concat());
    }

    #[test]
    fn fuzz_pieces_of_pickles(pieces in prop::collection::vec(0..PIECES.len(), 0..60)) {
        let pieces: Vec<u8> = pieces.into_iter().flat_map(|index| PIECES[index].iter().copied()).collect();
        look_at(&[b"\x80\x02", pieces.as_slice(), b"."].concat());
    }
}

thread_local! {
    static SEEDS: std::rc::Rc<Vec<Vec<u8>>> = std::rc::Rc::new(seeds());
}
