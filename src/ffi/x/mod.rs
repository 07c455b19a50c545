//! The functions that only this library has, named `nbdx_...`.

mod batch;
mod cancelling;
mod connecting;
mod limits;
mod tls;
