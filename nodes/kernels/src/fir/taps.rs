//! Which inputs an output of a one-dimensional resampling depends on.

/// Per output the inputs that it reads, each with its filter tap.
pub(crate) struct Taps {
    inputs: usize,
    lists: Vec<Vec<(usize, usize)>>,
}

impl Taps {
    /// For `size` inputs with `up - 1` zeros after each, `before` and `after` zeros around them, a filter of
    /// `len` taps (flipped: this is a convolution) and every `down`-th of its results. `None` if the filter
    /// does not fit.
    pub(crate) fn new(
        size: usize,
        up: usize,
        down: usize,
        [before, after]: [usize; 2],
        len: usize,
    ) -> Option<Self> {
        let outputs = (size * up + before + after).checked_sub(len)? / down + 1;
        let list = |output: usize| {
            let taps = (0..len).filter_map(|tap| {
                let position = (output * down + tap).checked_sub(before)?;
                (position % up == 0 && position / up < size).then_some((position / up, len - 1 - tap))
            });
            taps.collect()
        };
        Some(Self { inputs: size, lists: (0..outputs).map(list).collect() })
    }

    /// The transposed links: the outputs that an input contributes to.
    pub(crate) fn transposed(&self) -> Self {
        let mut lists = vec![Vec::new(); self.inputs];
        for (output, list) in self.lists.iter().enumerate() {
            for (input, tap) in list {
                lists[*input].push((output, *tap));
            }
        }
        Self { inputs: self.lists.len(), lists }
    }

    pub(crate) fn outputs(&self) -> usize {
        self.lists.len()
    }

    /// Inputs and taps of one output.
    pub(crate) fn of(&self, output: usize) -> &[(usize, usize)] {
        &self.lists[output]
    }
}
