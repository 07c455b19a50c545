//! The regular server under the clients that people use.

use std::fs;
use std::process::{Command, Output};

use super::command::{Directory, Running};

/// Runs a program to its success, within a minute; returns its output.
#[track_caller]
fn run(program: &str, arguments: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new("timeout")
        .args(["60", program])
        .args(arguments)
        .output()
        .unwrap();
    let (stdout, stderr) = (
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    );
    assert!(
        status.success(),
        "{program} {arguments:?}: {status}\n{stdout}{stderr}"
    );
    stdout
}

/// Image of 4 MiB with data, holes and an odd end.
fn image(directory: &Directory) -> String {
    let mut bytes = vec![0; (4 << 20) + 512];
    for (index, byte) in bytes
        .iter_mut()
        .enumerate()
        .filter(|(index, _)| index / 70_000 % 3 == 0)
    {
        *byte = (index % 251) as u8;
    }
    let path = directory.path("image");
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn nbdinfo() {
    let bitmap = "qemu:dirty-bitmap:b=64K:1,64K:0,128K:1";
    let server = Running::new(&[
        "--tcp",
        "127.0.0.1:0",
        "--size",
        "1M",
        "--context",
        "base:allocation",
        "--context",
        bitmap,
        "--export",
        "vol7=The seventh",
        "--block-size",
        "512,4K,1M",
    ]);
    let uri = format!("{}/vol7", server.uri);
    let list = run("nbdinfo", &["--list", &uri]);
    for line in [
        "export=\"vol7\":",
        "description: The seventh",
        "block_size_maximum: 1048576",
    ] {
        assert!(list.contains(line), "{line}: {list}");
    }
    assert_eq!(run("nbdinfo", &["--size", &uri]), "1048576\n");
    let words = |text: String| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        words(run("nbdinfo", &["--map", &uri])),
        "0 1048576 3 hole,zero"
    );
    let map = words(run("nbdinfo", &["--map=qemu:dirty-bitmap:b", &uri]));
    assert_eq!(
        map,
        "0 65536 1 dirty 65536 65536 0 clean 131072 131072 1 dirty 262144 786432 0 clean"
    );
}

#[test]
fn nbdcopy_there_and_back() {
    let directory = Directory::new("nbdcopy");
    let image = image(&directory);
    let back = directory.path("back");
    for replies in ["simple", "structured"] {
        for handshake in ["newstyle", "fixed"] {
            let server = Running::new(&[
                "--unix",
                &directory.path(handshake),
                "--size",
                "4194816",
                "--replies",
                replies,
                "--handshake",
                handshake,
                "--reorder",
                "8",
                "--split-reads",
                "5000",
                "--sparse-reads",
            ]);
            run("nbdcopy", &[&image, &server.uri]);
            run("nbdcopy", &["--flush", &server.uri, &back]);
            assert!(
                fs::read(&image).unwrap() == fs::read(&back).unwrap(),
                "{replies} {handshake}"
            );
        }
    }
}

#[test]
fn qemu_img_there_and_back() {
    let directory = Directory::new("qemu");
    let image = image(&directory);
    let file = directory.path("served");
    fs::write(&file, vec![0; (4 << 20) + 512]).unwrap();
    for replies in ["simple", "structured", "extended"] {
        let server = Running::new(&[
            "--unix",
            &directory.path(replies),
            "--file",
            &file,
            "--replies",
            replies,
        ]);
        run(
            "qemu-img",
            &[
                "convert",
                "-n",
                "-f",
                "raw",
                "-O",
                "raw",
                &image,
                &server.uri,
            ],
        );
        let verdict = run(
            "qemu-img",
            &["compare", "-f", "raw", "-F", "raw", &image, &server.uri],
        );
        assert_eq!(verdict, "Images are identical.\n");
    }
    assert!(fs::read(&image).unwrap() == fs::read(&file).unwrap());
}

#[test]
fn fio_verifies_what_it_wrote() {
    let directory = Directory::new("fio");
    let server = Running::new(&["--unix", &directory.path("socket"), "--size", "16M"]);
    run(
        "fio",
        &[
            "--name=verify",
            "--ioengine=nbd",
            &format!("--uri={}", server.uri),
            "--rw=randrw",
            "--bs=4k",
            "--iodepth=64",
            "--size=16M",
            "--verify=crc32c",
            "--verify_fatal=1",
            // It would leave a file where the test runs.
            "--verify_state_save=0",
        ],
    );
}

#[test]
fn read_only_file() {
    let directory = Directory::new("read-only");
    let image = image(&directory);
    let before = fs::read(&image).unwrap();
    let server = Running::new(&[
        "--unix",
        &directory.path("socket"),
        "--file",
        &image,
        "--read-only",
    ]);
    run("nbdinfo", &["--is", "read-only", &server.uri]);
    run("nbdcopy", &[&server.uri, &directory.path("copy")]);
    assert!(fs::read(directory.path("copy")).unwrap() == before);
}
