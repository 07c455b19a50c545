//! The functions that only this library has, named `nbdx_...`.

mod connecting;
mod limits;
mod tls;
