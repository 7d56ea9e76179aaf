//! A writer of TIFFs that does whatever it is told.

use ::exr::prelude::f16;

#[derive(Clone, Copy, Debug)]
pub(in crate::files::decode) struct Order {
    pub(in crate::files::decode) is_little: bool,
    pub(in crate::files::decode) is_big: bool,
}

impl Order {
    fn number(self, value: u64, length: usize) -> Vec<u8> {
        let bytes = value.to_le_bytes()[..length].to_vec();
        if self.is_little { bytes } else { bytes.into_iter().rev().collect() }
    }

    /// `value` of 0..1 as a sample of whole bytes.
    pub(in crate::files::decode) fn sample(self, format: u16, bits: u16, value: f64) -> Vec<u8> {
        let length = usize::from(bits) / 8;
        let number = match (format, bits) {
            (3, 16) => f16::from_f64(value).to_bits().into(),
            (3, 32) => (value as f32).to_bits().into(),
            (3, _) => value.to_bits(),
            (2, _) => (value * ((1u64 << (bits - 1)) - 1) as f64).round() as u64,
            (_, 64) => (value * u64::MAX as f64).round() as u64,
            _ => (value * ((1u64 << bits) - 1) as f64).round() as u64,
        };
        self.number(number, length)
    }
}

/// Samples of any depth, the highest bit first, to whole bytes.
pub(in crate::files::decode) fn packed(samples: &[u32], bits: u16) -> Vec<u8> {
    let mut out = vec![0; (samples.len() * usize::from(bits)).div_ceil(8)];
    for (i, sample) in samples.iter().enumerate() {
        for bit in 0..usize::from(bits) {
            let at = i * usize::from(bits) + bit;
            let value = sample >> (usize::from(bits) - 1 - bit) & 1;
            out[at / 8] |= (value as u8) << (7 - at % 8);
        }
    }
    out
}

#[derive(Clone)]
pub(in crate::files::decode) struct Tiff {
    order: Order,
    tags: Vec<(u16, u16, Vec<u64>)>,
    /// Rows, over all planes, or tiles.
    pub(in crate::files::decode) chunks: Vec<Vec<u8>>,
    pub(in crate::files::decode) rows_per_strip: usize,
    pub(in crate::files::decode) compression: u16,
    /// The chunks are compressed already.
    pub(in crate::files::decode) is_packed: bool,
    pub(in crate::files::decode) has_next: bool,
    height: usize,
    row_bytes: usize,
    predictor: usize,
    is_tiled: bool,
}

impl Tiff {
    pub(in crate::files::decode) fn new(order: Order, width: u64, height: u64, rows: Vec<Vec<u8>>) -> Self {
        let row_bytes = rows[0].len();
        let tags = vec![(256, 4, vec![width]), (257, 4, vec![height])];
        Self {
            order,
            tags,
            chunks: rows,
            rows_per_strip: height as usize,
            compression: 1,
            is_packed: false,
            has_next: false,
            height: height as usize,
            row_bytes,
            predictor: 0,
            is_tiled: false,
        }
    }

    pub(in crate::files::decode) fn set(&mut self, tag: u16, kind: u16, values: Vec<u64>) -> &mut Self {
        self.tags.retain(|(there, ..)| *there != tag);
        self.tags.push((tag, kind, values));
        self
    }

    /// Bytes become differences to the pixel of so many samples before; 0 for none.
    pub(in crate::files::decode) fn predict(&mut self, samples: usize) {
        self.predictor = samples;
        self.set(317, 3, vec![if samples > 0 { 2 } else { 1 }]);
    }

    /// To planes: rows of pixels of `count` samples to rows of single samples, one plane after the other.
    pub(in crate::files::decode) fn split(&mut self, count: usize, bits: u16) {
        let bits_all = usize::from(bits);
        let value = |row: &[u8], bit: usize| u32::from(row[bit / 8] >> (7 - bit % 8) & 1);
        let plane_row = |row: &Vec<u8>, plane: usize| -> Vec<u8> {
            let pixels = row.len() * 8 / (bits_all * count);
            let all = (0..pixels).flat_map(|x| {
                let start = (x * count + plane) * bits_all;
                (start..start + bits_all).map(|bit| value(row, bit))
            });
            packed(&all.collect::<Vec<_>>(), 1)
        };
        self.chunks = (0..count).flat_map(|p| self.chunks.iter().map(move |r| plane_row(r, p))).collect();
        self.set(284, 3, vec![2]);
    }

    /// To tiles of `side` rows of `bytes` bytes.
    pub(in crate::files::decode) fn tile(&mut self, side: usize, bytes: usize) {
        let mut tiles = Vec::new();
        for plane in self.chunks.chunks(self.height) {
            for rows in plane.chunks(side) {
                for x in 0..rows[0].len() / bytes {
                    let part = x * bytes..(x + 1) * bytes;
                    tiles.push(rows.iter().flat_map(|row| row[part.clone()].to_vec()).collect());
                }
            }
        }
        self.chunks = tiles;
        self.is_tiled = true;
        self.set(322, 3, vec![side as u64]).set(323, 3, vec![side as u64]);
    }

    pub(in crate::files::decode) fn bytes(&self) -> Vec<u8> {
        let order = self.order;
        let size = if order.is_big { 8 } else { 4 };
        let mut out = if order.is_little { b"II".to_vec() } else { b"MM".to_vec() };
        out.extend(order.number(if order.is_big { 43 } else { 42 }, 2));
        if order.is_big {
            out.extend([order.number(8, 2), order.number(0, 2)].concat());
        }
        let pointer = out.len();
        out.extend(vec![0; size]);
        let strips: Vec<Vec<u8>> = if self.is_tiled || self.is_packed {
            self.chunks.clone()
        } else {
            // A strip does not go over the end of a plane.
            self.chunks
                .chunks(self.height)
                .flat_map(|p| p.chunks(self.rows_per_strip))
                .map(<[_]>::concat)
                .collect()
        };
        let (mut places, mut lengths) = (Vec::new(), Vec::new());
        for strip in strips {
            let strip = self.compressed(strip);
            places.push(out.len() as u64);
            lengths.push(strip.len() as u64);
            out.extend(strip);
        }
        let mut tags = self.tags.clone();
        let (place_tag, length_tag) = if self.is_tiled { (324, 325) } else { (273, 279) };
        let has = |tag: u16| self.tags.iter().any(|(there, ..)| *there == tag);
        tags.push((place_tag, 4, places));
        if !has(length_tag) {
            tags.push((length_tag, 4, lengths));
        }
        if !self.is_tiled {
            tags.push((278, 4, vec![self.rows_per_strip as u64]));
        }
        if !has(259) {
            tags.push((259, 3, vec![self.compression.into()]));
        }
        tags.sort_by_key(|(tag, ..)| *tag);
        let mut entries = order.number(tags.len() as u64, if order.is_big { 8 } else { 2 });
        for (tag, kind, values) in &tags {
            let length = match kind {
                3 => 2,
                4 => 4,
                _ => 1,
            };
            let mut data: Vec<u8> = values.iter().flat_map(|&v| order.number(v, length)).collect();
            if data.len() > size {
                let place = out.len() as u64;
                out.extend(data);
                data = order.number(place, size);
            }
            data.resize(size, 0);
            entries.extend(order.number(u64::from(*tag), 2));
            entries.extend(order.number(u64::from(*kind), 2));
            entries.extend(order.number(values.len() as u64, size));
            entries.extend(data);
        }
        let place = out.len() as u64;
        out[pointer..pointer + size].copy_from_slice(&order.number(place, size));
        let next = if self.has_next { place + entries.len() as u64 + size as u64 } else { 0 };
        let last = [entries.as_slice(), &vec![0; size]].concat();
        out.extend(entries);
        out.extend(order.number(next, size));
        if self.has_next {
            out.extend(last);
        }
        out
    }

    fn compressed(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.predictor > 0 {
            for row in bytes.chunks_mut(self.row_bytes) {
                for i in (self.predictor..row.len()).rev() {
                    row[i] = row[i].wrapping_sub(row[i - self.predictor]);
                }
            }
        }
        match self.compression {
            _ if self.is_packed => bytes,
            5 => {
                // Codes of nine bits: the table is cleared (256) before they would need ten, 257 is the end.
                let parts = bytes
                    .chunks(200)
                    .flat_map(|part| [256].into_iter().chain(part.iter().map(|&byte| u32::from(byte))));
                packed(&parts.chain([257]).collect::<Vec<_>>(), 9)
            }
            8 | 32_946 => {
                // Stored blocks and the checksum Adler-32.
                let mut out = vec![0x78, 0x01];
                let blocks: Vec<&[u8]> = bytes.chunks(60_000).collect();
                for (i, block) in blocks.iter().enumerate() {
                    out.push(u8::from(i + 1 == blocks.len()));
                    let length = block.len() as u16;
                    out.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
                    out.extend(*block);
                }
                let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), &byte| {
                    let a = (a + u32::from(byte)) % 65_521;
                    (a, (b + a) % 65_521)
                });
                out.extend((b << 16 | a).to_be_bytes());
                out
            }
            32_773 => bytes.chunks(128).flat_map(|part| [&[part.len() as u8 - 1], part].concat()).collect(),
            _ => bytes,
        }
    }
}
