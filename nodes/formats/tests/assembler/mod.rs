//! Pickles and zip files, put together by hand.
#![allow(dead_code, reason = "each test file uses a part")]

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A pickle of protocol 2 in the making.
#[derive(Clone, Default)]
pub(crate) struct Pickle(Vec<u8>);

impl Pickle {
    pub(crate) fn new() -> Self {
        Self(vec![0x80, 2])
    }

    pub(crate) fn raw(mut self, opcodes: &[u8]) -> Self {
        self.0.extend(opcodes);
        self
    }

    pub(crate) fn text(self, text: &str) -> Self {
        let length = u32::try_from(text.len()).expect("a short text");
        self.raw(b"X").raw(&length.to_le_bytes()).raw(text.as_bytes())
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).expect("few bytes");
        self.raw(b"B").raw(&length.to_le_bytes()).raw(bytes)
    }

    pub(crate) fn int(self, value: i64) -> Self {
        self.raw(b"\x8a\x08").raw(&value.to_le_bytes())
    }

    pub(crate) fn ints(self, values: &[i64]) -> Self {
        values.iter().fold(self.raw(b"("), |pickle, value| pickle.int(*value)).raw(b"t")
    }

    pub(crate) fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    /// The persistent id of a storage in a zip file.
    pub(crate) fn storage(self, class: &str, key: &str, count: i64) -> Self {
        self.raw(b"(").text("storage").global("torch", class).text(key).text("cpu").int(count).raw(b"tQ")
    }

    /// A tensor of a storage in a zip file.
    pub(crate) fn tensor(
        self,
        storage: (&str, &str, i64),
        offset: i64,
        shape: &[i64],
        strides: &[i64],
    ) -> Self {
        let (class, key, count) = storage;
        let pickle = self.global("torch._utils", "_rebuild_tensor_v2").raw(b"(").storage(class, key, count);
        pickle.int(offset).ints(shape).ints(strides).raw(b"\x89").raw(b"}").raw(b"tR")
    }

    /// An array of NumPy.
    pub(crate) fn array(
        self,
        dtype: &str,
        order: &str,
        shape: &[i64],
        column_major: bool,
        data: &[u8],
    ) -> Self {
        self.global("numpy.core.multiarray", "_reconstruct")
            .raw(b"(")
            .global("numpy", "ndarray")
            .ints(&[0])
            .bytes(b"b")
            .raw(b"tR(")
            .int(1)
            .ints(shape)
            .dtype(dtype, order)
            .raw(if column_major { b"\x88" } else { b"\x89" })
            .bytes(data)
            .raw(b"tb")
    }

    pub(crate) fn dtype(self, name: &str, order: &str) -> Self {
        let pickle = self.global("numpy", "dtype").raw(b"(").text(name).int(0).int(1).raw(b"tR(").int(3);
        pickle.text(order).raw(b"NNN").int(-1).int(-1).int(0).raw(b"tb")
    }

    pub(crate) fn stop(self) -> Vec<u8> {
        self.raw(b".").0
    }
}

/// A zip file with these entries, as they are or compressed.
pub(crate) fn zip(entries: &[(&str, &[u8])], compress: bool) -> Vec<u8> {
    let method = if compress { CompressionMethod::Deflated } else { CompressionMethod::Stored };
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in entries {
        writer
            .start_file(*name, SimpleFileOptions::default().compression_method(method))
            .expect("an entry starts");
        writer.write_all(data).expect("memory takes it");
    }
    writer.finish().expect("memory takes it").into_inner()
}

/// A checkpoint of PyTorch with these storages, named 0, 1, ...
pub(crate) fn torch_zip(pickle: Vec<u8>, storages: &[&[u8]], compress: bool) -> Vec<u8> {
    let names: Vec<String> = (0..storages.len()).map(|index| format!("model/data/{index}")).collect();
    let mut entries = vec![("model/data.pkl", pickle.as_slice()), ("model/version", b"3\n")];
    entries.extend(names.iter().map(String::as_str).zip(storages.iter().copied()));
    zip(&entries, compress)
}

/// The bytes of numbers.
pub(crate) fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// An `.npy` file.
pub(crate) fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(header.len()).expect("a short header");
    [b"\x93NUMPY\x01\x00", length.to_le_bytes().as_slice(), header.as_bytes(), data].concat()
}

/// A legacy checkpoint with one storage of f32.
pub(crate) fn legacy(object: Vec<u8>, keys: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.".to_vec();
    file.extend(Pickle::new().raw(b"}").text("little_endian").raw(b"\x88s").stop());
    file.extend(object);
    file.extend(
        keys.iter().fold(Pickle::new().raw(b"]("), |pickle, (key, _)| pickle.text(key)).raw(b"e").stop(),
    );
    for (_, data) in keys {
        file.extend((data.len() as i64 / 4).to_le_bytes());
        file.extend(*data);
    }
    file
}
