//! What the build script writes: the header, from the doc comments of
//! `src/ffi`.

pub mod declarations;
pub mod header;
