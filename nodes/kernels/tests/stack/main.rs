//! Stacks against plain loops, central differences and themselves at other thread counts.

mod forward;
mod gradient;
mod naive;
mod refusals;
mod threads;
mod values;
