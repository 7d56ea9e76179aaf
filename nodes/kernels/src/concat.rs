use rayon::prelude::*;

use crate::activation::Activation;
use crate::element::Element;

/// The channels of `maps`, one map after the other; all of the same size, and at least one.
pub(crate) fn concat<T: Element>(maps: &[&Activation<T>]) -> Activation<T> {
    let Activation { n, h, w, .. } = *maps[0];
    let c: usize = maps.iter().map(|map| map.c).sum();
    let mut out = Activation::new([n, c, h, w]);
    if out.data.is_empty() {
        return out;
    }
    out.data.par_chunks_mut(w * c).enumerate().for_each(|(row, to)| {
        let mut first = 0;
        for map in maps.iter().filter(|map| map.c > 0) {
            let from = map.data[row * w * map.c..].chunks_exact(map.c);
            for (to, pixel) in to.chunks_exact_mut(c).zip(from) {
                to[first..][..map.c].copy_from_slice(pixel);
            }
            first += map.c;
        }
    });
    out
}

/// `channels` channels from `first`: the adjoint of [`concat`] for one of its maps.
pub(crate) fn part<T: Element>(map: &Activation<T>, first: usize, channels: usize) -> Activation<T> {
    let mut out = Activation::new([map.n, channels, map.h, map.w]);
    if out.data.is_empty() {
        return out;
    }
    let rows = out.data.par_chunks_mut(map.w * channels).zip(map.data.par_chunks(map.w * map.c));
    rows.for_each(|(to, from)| {
        for (to, pixel) in to.chunks_exact_mut(channels).zip(from.chunks_exact(map.c)) {
            to.copy_from_slice(&pixel[first..][..channels]);
        }
    });
    out
}
