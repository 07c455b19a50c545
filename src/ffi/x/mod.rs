//! The functions that only this library has, named `nbdx_...`.

mod batch;
mod connecting;
mod tls;
