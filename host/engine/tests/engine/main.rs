//! The engine with arithmetic nodes and real files.

mod arithmetic;
mod carried;
mod edits;
mod large;
mod listed;
mod names;
mod rows;
mod run;
mod studio;
