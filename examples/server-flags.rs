//! Prints what a server says about an export: size, block sizes, features.
//!
//!     cargo run --example server-flags nbd://example.com/disk

use std::error::Error;

use libnbd::{CONTEXT_BASE_ALLOCATION, Handle, SIZE_MAXIMUM, SIZE_MINIMUM, SIZE_PREFERRED};

fn yes_or_no(answer: bool) -> &'static str {
    if answer { "yes" } else { "no" }
}

fn main() -> Result<(), Box<dyn Error>> {
    let uri = std::env::args().nth(1).ok_or("usage: server-flags URI")?;

    let handle = Handle::new();
    handle.add_meta_context(CONTEXT_BASE_ALLOCATION)?;
    handle.connect_uri(&uri)?;

    println!("size: {} bytes", handle.get_size()?);
    println!("protocol: {}", handle.get_protocol()?.to_string_lossy());

    let features = [
        (
            "allocation",
            handle.can_meta_context(CONTEXT_BASE_ALLOCATION),
        ),
        ("encrypted", handle.get_tls_negotiated()),
        (
            "structured replies",
            handle.get_structured_replies_negotiated(),
        ),
        ("extended headers", handle.get_extended_headers_negotiated()),
        ("read-only", handle.is_read_only()),
        ("rotational", handle.is_rotational()),
        ("several connections", handle.can_multi_conn()),
        ("flush", handle.can_flush()),
        ("FUA", handle.can_fua()),
        ("trim", handle.can_trim()),
        ("zero", handle.can_zero()),
        ("fast zero", handle.can_fast_zero()),
        ("cache", handle.can_cache()),
        ("unfragmented reads", handle.can_df()),
    ];
    for (name, answer) in features {
        println!("{name}: {}", yes_or_no(answer?));
    }

    let sizes = [
        ("minimum", SIZE_MINIMUM),
        ("preferred", SIZE_PREFERRED),
        ("maximum", SIZE_MAXIMUM),
    ];
    for (name, kind) in sizes {
        // 0 means that the server did not say.
        match handle.get_block_size(kind)? {
            0 => {}
            bytes => println!("{name} block size: {bytes}"),
        }
    }

    handle.shutdown(0)?;
    Ok(())
}
