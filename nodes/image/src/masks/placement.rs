/// Where two rows of pixels overlap, of which one is put at a place of the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placement {
    /// The first place in the lower one.
    pub(crate) to: usize,
    /// The first place in the upper one.
    pub(crate) from: usize,
    /// 0, as the others, if they do not overlap.
    pub(crate) length: usize,
}

impl Placement {
    /// The overlap of `under` pixels with `over` pixels that begin at `offset`.
    pub(crate) fn new(offset: i32, over: usize, under: usize) -> Self {
        let distance = offset.unsigned_abs() as usize;
        let (to, from) = if offset < 0 { (0, distance) } else { (distance, 0) };
        let length = over.saturating_sub(from).min(under.saturating_sub(to));
        // A place beyond the end would be none.
        if length == 0 { Self { to: 0, from: 0, length } } else { Self { to, from, length } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check((offset, over, under): (i32, usize, usize), to: usize, from: usize, length: usize) {
        assert_eq!(Placement::new(offset, over, under), Placement { to, from, length });
    }

    #[test]
    fn the_overlap_is_cut_at_every_end() {
        check((0, 5, 5), 0, 0, 5);
        check((2, 3, 10), 2, 0, 3);
        check((8, 3, 10), 8, 0, 2);
        check((-2, 3, 10), 0, 2, 1);
        check((-2, 20, 10), 0, 2, 10);
    }

    #[test]
    fn outside_there_is_none() {
        for offset in [10, 11, i32::MAX, -3, -4, i32::MIN] {
            check((offset, 3, 10), 0, 0, 0);
        }
    }
}
