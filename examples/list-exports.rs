//! Lists the exports of a server with their sizes and descriptions.
//!
//!     cargo run --example list-exports nbd://example.com
//!
//! The handle is in option mode, in which a program can ask about any number of
//! exports without using one of them.

use std::error::Error;

use libnbd::{Handle, ListCallback};

fn main() -> Result<(), Box<dyn Error>> {
    let uri = std::env::args().nth(1).ok_or("usage: list-exports URI")?;

    let handle = Handle::new();
    handle.set_opt_mode(true)?;
    handle.set_full_info(true)?;
    handle.connect_uri(&uri)?;
    // Servers that do not negotiate have gone on to the data already.
    if !handle.aio_is_negotiating() {
        return Err("the server is too old to list its exports".into());
    }

    // The handle is locked while a callback runs, so this only collects names.
    let mut names = Vec::new();
    handle.opt_list(ListCallback::new(|name, _description| {
        names.push(name.to_owned());
    }))?;

    for name in &names {
        // The server chooses names, so they are escaped before they reach a terminal.
        print!("{}: ", name.to_bytes().escape_ascii());
        handle.set_export_name(name)?;
        if let Err(error) = handle.opt_info() {
            println!("{error}");
            continue;
        }
        print!("{} bytes", handle.get_size()?);
        // Most servers have no descriptions, which is an error here.
        match handle.get_export_description() {
            Ok(text) if !text.is_empty() => println!(", {}", text.to_bytes().escape_ascii()),
            _ => println!(),
        }
    }

    handle.opt_abort()?;
    Ok(())
}
