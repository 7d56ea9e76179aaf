use super::Lanes;
use crate::element::Element;

/// Plain loops over eight numbers, which compilers turn into whatever vectors there are.
#[derive(Clone, Copy)]
pub(crate) struct Portable<T>([T; 8]);

impl<T: Element> Portable<T> {
    #[inline(always)]
    fn zip(self, other: Self, of: impl Fn(T, T) -> T) -> Self {
        let mut out = self.0;
        for (out, other) in out.iter_mut().zip(other.0) {
            *out = of(*out, other);
        }
        Self(out)
    }

    #[inline(always)]
    fn compare(self, other: Self, of: impl Fn(T, T) -> bool) -> [bool; 8] {
        let mut out = [false; 8];
        for (lane, out) in out.iter_mut().enumerate() {
            *out = of(self.0[lane], other.0[lane]);
        }
        out
    }
}

impl<T: Element> Lanes for Portable<T> {
    type Element = T;
    type Mask = [bool; 8];

    const WIDTH: usize = 8;
    // 3 x 16 f32 are twelve of SSE2's sixteen registers.
    const ROWS: usize = 3;

    #[inline(always)]
    fn splat(value: T) -> Self {
        Self([value; 8])
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller's promise is the same; arrays have the alignment of their elements.
        Self(unsafe { *from.cast() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller's promise is the same; arrays have the alignment of their elements.
        unsafe { *to.cast() = self.0 }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        self.mul(factor).add(addend)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        self.larger(Self::splat(T::ZERO).sub(self))
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn above(self, other: Self) -> [bool; 8] {
        self.compare(other, |a, b| a > b)
    }

    #[inline(always)]
    fn unordered(self, other: Self) -> [bool; 8] {
        self.compare(other, |a, b| a.partial_cmp(&b).is_none())
    }

    #[inline(always)]
    fn select(mask: [bool; 8], yes: Self, no: Self) -> Self {
        let mut out = no.0;
        for lane in 0..8 {
            out[lane] = if mask[lane] { yes.0[lane] } else { no.0[lane] };
        }
        Self(out)
    }

    #[inline(always)]
    fn bits(mask: [bool; 8]) -> u16 {
        let mut bits = 0;
        for (lane, set) in mask.into_iter().enumerate() {
            bits |= u16::from(set) << lane;
        }
        bits
    }

    #[inline(always)]
    fn mask(bits: u16) -> [bool; 8] {
        let mut mask = [false; 8];
        for (lane, set) in mask.iter_mut().enumerate() {
            *set = bits >> lane & 1 == 1;
        }
        mask
    }
}
