//! What this library adds to the functions of the C library.  In C their names
//! begin with `nbdx_`.

mod batch;
mod cancelling;
mod connecting;
mod limits;
mod tls;
