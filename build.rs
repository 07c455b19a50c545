//! Makes the C headers and the manual, both from the doc comments of `src/ffi`
//! and from `src/table.rs`.
//!
//! Only the C interface (the feature `capi`) needs them.  They are written to
//! `include`, `man` and `html` in `$OUT_DIR`, and also to the directories that
//! `LIBNBD_INCLUDE_OUT`, `LIBNBD_MAN_OUT` and `LIBNBD_HTML_OUT` name, if these are
//! set.

#![cfg_attr(
    not(feature = "capi"),
    allow(dead_code, unused_imports, reason = "there is no C interface")
)]

#[cfg(feature = "capi")]
#[path = "src/protocol/flag.rs"]
mod flag;
#[cfg(feature = "capi")]
mod generate;
#[cfg(feature = "capi")]
#[path = "src/table.rs"]
#[allow(dead_code, reason = "the library uses all of it")]
mod table;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

#[cfg(feature = "capi")]
use cbindgen::Config;

#[cfg(feature = "capi")]
use generate::sources::{self, Interface};
#[cfg(feature = "capi")]
use generate::{header, manual::Manual};

/// The files that define types, in the order of the header.
const TYPES: [&str; 2] = ["src/callback.rs", "src/ffi/callbacks.rs"];

/// The files that define functions of libnbd, in the order of the header: first
/// what every program needs, then the life of a handle.
const FAMILIES: &[&str] = &[
    "library",
    "debug",
    "settings",
    "handshake",
    "tls",
    "meta_context",
    "connect",
    "uri",
    "subprocess",
    "options",
    "aio_options",
    "info",
    "data",
    "block_status",
    "aio_data",
    "aio",
    "state",
    "stats",
];

/// The same for libnbdx.
const EXTENSION: &[&str] = &[
    "x/batch",
    "x/connecting",
    "x/limits",
    "x/cancelling",
    "x/tls",
];

const TABLE: &str = "src/table.rs";
/// Where the frames of the headers are.
const FRAMES: &str = "src/ffi";
const CONFIG: &str = "cbindgen.toml";
const MANIFEST: &str = "Cargo.toml";
/// The pages of the manual that are written by hand, and its example programs.
const MANUAL: &str = "man";
/// The programs in Rust that it shows.
const EXAMPLES: &str = "examples";

fn main() -> Result<(), Box<dyn Error>> {
    // The table of functions looks whether it is in the library or in here.
    println!("cargo::rustc-cfg=library");
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "capi")]
    c_interface()?;
    Ok(())
}

#[cfg(feature = "capi")]
fn c_interface() -> Result<(), Box<dyn Error>> {
    let code = ["generate", TABLE];
    let inputs = [
        CONFIG,
        MANIFEST,
        "src/ffi",
        "src/callback.rs",
        MANUAL,
        EXAMPLES,
    ];
    for input in code.iter().chain(&inputs) {
        println!("cargo:rerun-if-changed={input}");
    }
    println!("cargo:rerun-if-env-changed=LIBNBD_INCLUDE_OUT");
    println!("cargo:rerun-if-env-changed=LIBNBD_MAN_OUT");
    println!("cargo:rerun-if-env-changed=LIBNBD_HTML_OUT");

    let config = Config::from_file(CONFIG)?;
    let types = sources::types(&config, &TYPES)?;
    let interfaces = [
        Interface::read(&config, "libnbd", FAMILIES, table::ALL)?,
        Interface::read(&config, "libnbdx", EXTENSION, table::EXTENSION)?,
    ];

    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    for directory in outputs(out.join("include"), "LIBNBD_INCLUDE_OUT") {
        fs::create_dir_all(&directory)?;
        for interface in &interfaces {
            let file = format!("{}.h", interface.name);
            let frame = fs::read_to_string(Path::new(FRAMES).join(format!("{file}.in")))?;
            let header = header::text(&frame, &types, &interface.families);
            fs::write(directory.join(file), header)?;
        }
    }
    let date = release_date()?;
    let sources = Path::new(MANUAL);
    let manual = Manual::read(sources, Path::new(EXAMPLES), &types, &interfaces, &date)?;
    for directory in outputs(out.join("man"), "LIBNBD_MAN_OUT") {
        manual.write_roff(&directory)?;
    }
    for directory in outputs(out.join("html"), "LIBNBD_HTML_OUT") {
        manual.write_html(&directory)?;
    }
    Ok(())
}

/// When this version was released, according to the manifest.
#[cfg(feature = "capi")]
fn release_date() -> Result<String, Box<dyn Error>> {
    let manifest = fs::read_to_string(MANIFEST)?;
    let date = manifest
        .lines()
        .find_map(|line| line.strip_prefix("release-date = \"")?.strip_suffix('"'));
    Ok(date.ok_or("Cargo.toml has no release-date")?.to_owned())
}

/// Where something is to be written: always there, and where a variable says.
fn outputs(always: PathBuf, variable: &str) -> Vec<PathBuf> {
    let asked_for = env::var_os(variable).filter(|value| !value.is_empty());
    [always]
        .into_iter()
        .chain(asked_for.map(PathBuf::from))
        .collect()
}
