//! Filters with a finite impulse response: what the operators that resample maps share.
//!
//! | part | what | of |
//! |---|---|---|
//! | [`Separable`] | a filter as products of columns and rows | all of them |
//! | [`Taps`] | which inputs an output is made of, and back | `upfirdn`, `filtered_lrelu` |
//! | [`Fir`] | rows and columns of a map at its own resolution | `modulated` |
//!
//! The sums themselves differ on purpose: `upfirdn` adds any inputs one after the other, [`Fir`] adds whole rows in
//! registers, and `filtered_lrelu` blocks of channels from rings of rows. They round differently, so one cannot stand in
//! for another without changing pictures.

mod rows;
mod separable;
mod taps;

pub(crate) use rows::{Fir, Rows};
pub(crate) use separable::Separable;
pub(crate) use taps::Taps;
