//! Kernels against plain loops, central differences and themselves at other thread counts.

mod adaptive;
mod differences;
mod filtered_lrelu;
mod forward;
mod generators;
mod gradient;
mod graph;
mod levels;
mod modulated;
mod naive;
mod portable;
mod rectifier;
mod refusals;
mod threads;
mod tiles;
mod upfirdn;
mod values;
