//! Kernels against plain loops, central differences and themselves at other thread counts.

mod bias_act;
mod differences;
mod forward;
mod gradient;
mod modulated;
mod naive;
mod refusals;
mod threads;
mod upfirdn;
mod values;
