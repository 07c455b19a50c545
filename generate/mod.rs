//! What the build script writes: the header and the manual, both from the doc
//! comments of `src/ffi`.

pub mod declarations;
pub mod header;
pub mod manual;
