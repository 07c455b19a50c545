//! What the build script writes: the headers and the manual, both from the
//! doc comments of `src/ffi` and from the table of functions.

pub mod function;
pub mod header;
pub mod manual;
pub mod sources;
