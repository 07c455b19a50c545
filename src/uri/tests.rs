//! Tables of URIs: what each means, why it is refused, and what comes back.

use std::ffi::{CStr, CString};

use libc::{EAFNOSUPPORT, EINVAL, ENAMETOOLONG, EPERM, EPROTONOSUPPORT};

use super::*;
use crate::connect::Argv;
use crate::error::Escaped;
use crate::sys::address::{Meaning, SocketAddress};

/// Allows everything.
fn permissive() -> Rules {
    Rules {
        local_file: true,
        tls_priority: true,
        ..Rules::default()
    }
}

fn try_plan(uri: impl AsRef<[u8]>, rules: &Rules) -> Result<Plan, i32> {
    let uri = CString::new(uri.as_ref()).unwrap();
    plan(&uri, rules).map_err(|error| error.errno())
}

fn planned(uri: &str) -> Plan {
    try_plan(uri, &permissive()).unwrap_or_else(|errno| panic!("{uri}: errno {errno}"))
}

fn text(string: &CStr) -> String {
    Escaped(string.to_bytes()).to_string()
}

fn shown(place: &Place) -> String {
    match place {
        Place::Tcp { host, port } => format!("tcp {} {}", text(host), text(port)),
        Place::Address(address) => match address.meaning() {
            Meaning::Unix(path) => format!("unix {}", Escaped(&path)),
            Meaning::UnixWithoutPath => format!("abstract {}", Escaped(&address.as_bytes()[2..])),
            Meaning::Vsock { cid, port } => format!("vsock {cid} {port}"),
            other => format!("{other:?}"),
        },
        Place::Command(argv) => std::iter::once(&argv.program)
            .chain(&argv.arguments)
            .map(|word| text(word))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

#[test]
fn places() {
    for (uri, place) in [
        ("nbd://host", "tcp host 10809"),
        ("nbd://host/", "tcp host 10809"),
        ("nbd://host:1/", "tcp host 1"),
        ("nbd://host:65535/", "tcp host 65535"),
        ("nbd://host:00080/", "tcp host 80"),
        ("nbd://host:0/", "tcp host 10809"),
        ("nbd://host:/", "tcp host 10809"),
        ("nbd://HOST/", "tcp HOST 10809"),
        ("nbd://h%6fst/", "tcp host 10809"),
        ("nbd://127.0.0.1/", "tcp 127.0.0.1 10809"),
        ("nbd://[::1]/", "tcp ::1 10809"),
        ("nbd://[0:0::1]:99/x", "tcp 0:0::1 99"),
        ("nbd://[::ffff:127.0.0.1]/", "tcp ::ffff:127.0.0.1 10809"),
        ("nbd://[fe80::1%eth0]:99/x", "tcp fe80::1%eth0 99"),
        ("nbd://[fe80::1%25eth0]:99/x", "tcp fe80::1%eth0 99"),
        ("nbd://[fe80::1%25e%74h0]:99/x", "tcp fe80::1%eth0 99"),
        ("nbd://[fe80::1%e%74h0]/", "tcp fe80::1%eth0 10809"),
        ("nbd://[fe80::1%4]/", "tcp fe80::1%4 10809"),
        ("nbd://[fe80::1%254]/", "tcp fe80::1%4 10809"),
        // What looks like something encoded, but is a name or a number.
        ("nbd://[fe80::1%10]/", "tcp fe80::1%10 10809"),
        ("nbd://[fe80::1%2510]/", "tcp fe80::1%10 10809"),
        ("nbd://[fe80::1%fa0]/", "tcp fe80::1%fa0 10809"),
        ("nbd://[fe80::1%25]/", "tcp fe80::1%25 10809"),
        ("nbd://[fe80::1%2525]/", "tcp fe80::1%25 10809"),
        ("nbd://[fe80::1%25251]/", "tcp fe80::1%251 10809"),
        // No interface has such a name, but only looking it up shows that.
        ("nbd://[fe80::1%]/", "tcp fe80::1% 10809"),
        ("nbd://[fe80::1%25a%25b]/", "tcp fe80::1%a%b 10809"),
        ("nbd://[fe80::1%eth0%]/", "tcp fe80::1%eth0% 10809"),
        ("nbd://[fe80::1%eth0%2]/", "tcp fe80::1%eth0%2 10809"),
        ("nbd://[fe80::1%a/b]/c", "tcp fe80::1%a/b 10809"),
        ("nbd://[fe80::1%\u{e9}]/", "tcp fe80::1%\\xc3\\xa9 10809"),
        (
            "nbds://a%5b@[fe80::1%eth0]/x%251?y%25",
            "tcp fe80::1%eth0 10809",
        ),
        ("nbd://", "tcp localhost 10809"),
        ("nbd:///x", "tcp localhost 10809"),
        ("nbd://:99/", "tcp localhost 99"),
        ("nbd://user@:99/", "tcp localhost 99"),
        ("nbd://user@", "tcp localhost 10809"),
        ("nbds://host/", "tcp host 10809"),
        ("NBD://host/", "tcp host 10809"),
        ("nBdS://host/", "tcp host 10809"),
        ("nbd+unix:///?socket=/run/s", "unix /run/s"),
        ("nbd+unix://?socket=/run/s", "unix /run/s"),
        ("nbd+unix://host:99/?socket=/run/s", "unix /run/s"),
        ("nbds+UNIX:///x?socket=s", "unix s"),
        ("nbd+unix:///?socket=/a%20b+c%26d", "unix /a b+c&d"),
        ("nbd+unix:///?socket=/%ff", "unix /\\xff"),
        ("nbd+unix:///?socket=%00name", "abstract \\x00name"),
        ("nbd+unix:///?SOCKET=/s", "unix /s"),
        ("nbd+unix:///?so%63ket=/s", "unix /s"),
        ("nbd+unix:///?socket=/a&socket=/b", "unix /b"),
        ("nbd+unix:///?socket=/a&Socket=/b", "unix /b"),
        ("nbd+unix:///?socket=/a=b", "unix /a=b"),
        ("nbd+unix:///?socket=a/../b", "unix a/../b"),
        ("nbd+vsock://", "vsock 2 10809"),
        ("nbd+vsock:///x", "vsock 2 10809"),
        ("nbd+vsock://3", "vsock 3 10809"),
        ("nbd+vsock://3:99/x", "vsock 3 99"),
        ("nbds+vsock://3:2147483647/", "vsock 3 2147483647"),
        ("nbd+vsock://003/", "vsock 3 10809"),
        ("nbd+vsock://3x/", "vsock 3 10809"),
        ("nbd+vsock://4294967295/", "vsock 4294967295 10809"),
        ("nbd+vsock://4294967299/", "vsock 3 10809"),
        ("nbd+ssh://host", "ssh -p 22 host nc localhost 10809"),
        ("nbd+ssh://host:99/x", "ssh -p 99 host nc localhost 10809"),
        ("nbd+ssh://user@host/", "ssh -p 22 host nc localhost 10809"),
        ("nbd+ssh://[::1]/", "ssh -p 22 ::1 nc localhost 10809"),
        ("nbds+ssh://host/?socket=/s", "ssh -p 22 host nc -U /s"),
        (
            "nbd+ssh://host/?socket=/a%20b",
            "ssh -p 22 host nc -U '/a b'",
        ),
        (
            "nbd+ssh://host/?socket=/$(id)",
            "ssh -p 22 host nc -U '/$(id)'",
        ),
        ("nbd+ssh://host/?socket=-e", "ssh -p 22 host nc -U ./-e"),
    ] {
        assert_eq!(shown(&planned(uri).place), place, "{uri}");
    }
}

#[test]
fn export_names() {
    for (path, name) in [
        ("", ""),
        ("/", ""),
        ("/x", "x"),
        ("/x/", "x/"),
        ("//", "/"),
        ("//x", "/x"),
        ("////x", "///x"),
        ("/%2Fx", "/x"),
        ("/%2fx", "/x"),
        ("/a/../b", "a/../b"),
        ("/../..", "../.."),
        ("/./a/.", "./a/."),
        ("/%2e%2e/a", "../a"),
        ("/a//b", "a//b"),
        ("/a:b@c", "a:b@c"),
        ("/a+b", "a+b"),
        ("/a;b,c=d&e!$'()*~", "a;b,c=d&e!$'()*~"),
        ("/a%20b", "a b"),
        ("/a%09b", "a\\x09b"),
        ("/a%0ab", "a\\x0ab"),
        ("/%c3%a9", "\\xc3\\xa9"),
        ("/%ff", "\\xff"),
        ("/50%25", "50%"),
        ("/%2525", "%25"),
        ("/a%3Fb%23c", "a?b#c"),
        ("/a%00b", "a"),
        ("/%00", ""),
        ("/x#fragment", "x"),
        ("/x?unknown=1", "x"),
        ("/x?unknown", "x"),
        ("/x?", "x"),
        ("/x?&&;", "x"),
        ("/x?=1", "x"),
        ("?unknown=/y", ""),
    ] {
        let plan = planned(&format!("nbd://host{path}"));
        assert_eq!(text(&plan.export_name), name, "{path}");
    }
}

#[test]
fn the_length_of_an_export_name_is_limited() {
    let uri = |count: usize, letter: &str| format!("nbd://host/{}", letter.repeat(count));
    assert_eq!(planned(&uri(4096, "x")).export_name.count_bytes(), 4096);
    // Its length on the wire counts.
    assert_eq!(planned(&uri(4096, "%20")).export_name.count_bytes(), 4096);
    for letter in ["x", "%20"] {
        let errno = try_plan(uri(4097, letter), &permissive()).unwrap_err();
        assert_eq!(errno, ENAMETOOLONG);
    }
}

#[test]
fn the_length_of_a_socket_path_is_limited() {
    let uri = |count| format!("nbd+unix:///?socket={}", "x".repeat(count));
    assert_eq!(shown(&planned(&uri(108)).place).len(), 5 + 108);
    let errno = try_plan(uri(109), &permissive()).unwrap_err();
    assert_eq!(errno, ENAMETOOLONG);
}

#[test]
fn refused() {
    for uri in [
        // Not a URI, or not an NBD URI.
        "",
        "nbd",
        "/dev/sda",
        "localhost:10809",
        "http://host/",
        "nbdx://host/",
        "nbd+tcp://host/",
        "nbds+://host/",
        "nbd+unix+unix:///?socket=/s",
        "nbd:",
        "nbd:x",
        "nbd:/x",
        "nbd+unix:/x?socket=/s",
        " nbd://host/",
        // Characters that RFC 3986 does not permit.
        "nbd://host/a b",
        "nbd://host/a\tb",
        "nbd://host/a\nb",
        "nbd://host/x\n",
        "nbd://host/a\"b",
        "nbd://host/a<b",
        "nbd://host/a[b",
        "nbd://host/a\\b",
        "nbd://host/a^b",
        "nbd://host/a`b",
        "nbd://host/a{b",
        "nbd://host/a|b",
        "nbd://host/a\x7fb",
        "nbd://host/é",
        "nbd://é/",
        "nbd://host/?a=[b]",
        "nbd://host/?a=é",
        "nbd://host/#a#b",
        // Percent signs without two digits.
        "nbd://host/%",
        "nbd://host/a%4",
        "nbd://host/%zz",
        "nbd://host/?a%zz=1",
        "nbd://h%zz/",
        // Hosts and ports.
        "nbd://ho st/",
        "nbd://host%00/",
        "nbd://[::1/",
        "nbd://::1/",
        "nbd://[::1]x/",
        "nbd://[zz]/",
        "nbd://[::1%a b]/",
        "nbd://[::1%a\tb]/",
        "nbd://[::1%eth0",
        "nbd://[::1%eth0]x/",
        "nbd://[::1%eth0%00]/",
        "nbd://[zz%eth0]/",
        "nbd://[%eth0]/",
        "nbd://[127.0.0.1%lo]/",
        "nbd://host/[::1%eth0]",
        "nbd://host/?[::1%eth0]",
        "nbd://host[::1%eth0]/",
        "nbd:[::1%eth0]",
        "nbd://host:port/",
        "nbd://host:-1/",
        "nbd://host:+1/",
        "nbd://host: 1/",
        "nbd://host:1:2/",
        "nbd://host:65536/",
        "nbd://host:99999999999999999999/",
        "nbd://a@b@host/",
        "nbd://us%00er@host/",
        // Sockets.
        "nbd+unix:///x",
        "nbd+unix:///x?socket",
        "nbd+unix:///x?socket=",
        "nbd+unix:///x?socket=/s&socket=",
        "nbd+unix:///x?socket=/a%00b",
        "nbd+unix:///x?socket=%00a%00b",
        "nbd+unix:///x?sockets=/s",
        "nbd://host/?socket=/s",
        "nbd://host/?socket",
        "nbd+vsock://2/?socket=/s",
        "nbd+ssh://host/?socket=",
        "nbd+ssh://host/?socket=%00name",
        // Virtual machines.
        "nbd+vsock://x/",
        "nbd+vsock://-1/",
        "nbd+vsock://[::1]/",
        "nbd+vsock://2:2147483648/",
        // What ssh could take for something else.
        "nbd+ssh://",
        "nbd+ssh:///x",
        "nbd+ssh://:22/",
        "nbd+ssh://user@/",
        "nbd+ssh://-oProxyCommand=id/",
        "nbd+ssh://%2doProxyCommand=id/",
        "nbd+ssh://-l@host/",
        "nbd+ssh://%2Dl@host/",
        "nbd+ssh://root%40host/",
        "nbd+ssh://host;id/",
        "nbd+ssh://$(id)/",
        "nbd+ssh://host%0aid/",
        "nbd+ssh://host:65536/",
        // Parameters.
        "nbd://host/?tls-verify-peer",
        "nbd://host/?tls-verify-peer=",
        "nbd://host/?tls-verify-peer=maybe",
        "nbd://host/?tls-verify-peer=2",
        "nbd://host/?tls-hostname=a%00b",
        "nbd://host/?tls-certificates=/a%00b",
    ] {
        match try_plan(uri, &permissive()) {
            Err(errno) => assert_eq!(errno, EINVAL, "{uri:?}"),
            Ok(plan) => panic!("{uri:?} means {plan:?}"),
        }
    }
    // Not even text.
    assert_eq!(
        try_plan(b"nbd://host/\xff", &permissive()).unwrap_err(),
        EINVAL
    );
}

#[test]
fn a_message_does_not_repeat_the_user() {
    let uri = c"nbd://secret@host/a b";
    let error = plan(uri, &permissive()).unwrap_err();
    assert!(!error.text().contains("secret"), "{}", error.text());
}

fn string(text: &str) -> Option<CString> {
    Some(CString::new(text).unwrap())
}

#[test]
fn tls_parameters() {
    let none = TlsParameters::default;
    let tls = |required: bool| TlsParameters { required, ..none() };
    for (uri, expected) in [
        ("nbd://host/", none()),
        ("nbds://host/", tls(true)),
        ("nbds+unix:///?socket=/s", tls(true)),
        ("nbds+vsock://", tls(true)),
        ("nbds+ssh://host", tls(true)),
        (
            "nbds://anna@host/",
            TlsParameters {
                username: string("anna"),
                ..tls(true)
            },
        ),
        (
            // A password is part of what precedes the host.
            "nbd+unix://an%6Ea:pw%40@/?socket=/s",
            TlsParameters {
                username: string("anna:pw@"),
                ..none()
            },
        ),
        (
            "nbd://@host/",
            TlsParameters {
                username: string(""),
                ..none()
            },
        ),
        (
            "nbds://host/?tls-certificates=/pki&tls-psk-file=/psk&tls-hostname=other&\
             tls-verify-peer=off&tls-priority=NORMAL:-VERS-ALL:+VERS-TLS1.3",
            TlsParameters {
                certificates: string("/pki"),
                psk_file: string("/psk"),
                hostname: string("other"),
                verify_peer: Some(false),
                priority: string("NORMAL:-VERS-ALL:+VERS-TLS1.3"),
                ..tls(true)
            },
        ),
        (
            "nbd://host/?TLS-Hostname=a;unknown;tls-hostname=b%26c",
            TlsParameters {
                hostname: string("b&c"),
                ..none()
            },
        ),
        (
            // A semicolon separates only after the last ampersand.
            "nbd://host/?tls-hostname=a;tls-psk-file=/b&tls-certificates=/c;tls-priority=D",
            TlsParameters {
                hostname: string("a;tls-psk-file=/b"),
                certificates: string("/c"),
                priority: string("D"),
                ..none()
            },
        ),
        (
            "nbd://host/?tls-psk-file&tls-certificates=&tls-hostname=a+b",
            TlsParameters {
                psk_file: string(""),
                certificates: string(""),
                hostname: string("a+b"),
                ..none()
            },
        ),
    ] {
        assert_eq!(planned(uri).tls, expected, "{uri}");
    }
}

#[test]
fn yes_and_no() {
    for (words, meaning) in [
        (["1", "true", "t", "YES", "y", "On"], true),
        (["0", "False", "F", "no", "n", "oFF"], false),
    ] {
        for word in words {
            let plan = planned(&format!("nbd://host/?tls-verify-peer={word}"));
            assert_eq!(plan.tls.verify_peer, Some(meaning), "{word}");
        }
    }
}

#[test]
fn rules() {
    let transports = |transports| Rules {
        transports,
        ..permissive()
    };
    let tls = |tls| Rules {
        tls,
        ..permissive()
    };
    let schemes = [
        ("nbd://host/", transport::TCP, false),
        ("nbds://host/", transport::TCP, true),
        ("nbd+unix:///?socket=/s", transport::UNIX, false),
        ("nbds+unix:///?socket=/s", transport::UNIX, true),
        ("nbd+vsock://", transport::VSOCK, false),
        ("nbds+vsock://", transport::VSOCK, true),
        ("nbd+ssh://host", transport::SSH, false),
        ("nbds+ssh://host", transport::SSH, true),
    ];
    let result = |uri: &str, rules: &Rules| try_plan(uri, rules).map(drop);
    let expected = |allowed| if allowed { Ok(()) } else { Err(EPERM) };
    for (uri, bit, with_tls) in schemes {
        for mask in 0..=transport::MASK {
            assert_eq!(
                result(uri, &transports(mask)),
                expected(mask & bit != 0),
                "{uri} with transports {mask:#x}"
            );
        }
        assert_eq!(result(uri, &tls(TlsRule::Never)), expected(!with_tls));
        assert_eq!(result(uri, &tls(TlsRule::Either)), Ok(()));
        assert_eq!(result(uri, &tls(TlsRule::Always)), expected(with_tls));
    }

    let files = Rules {
        local_file: false,
        ..permissive()
    };
    let priority = Rules {
        tls_priority: false,
        ..permissive()
    };
    for (parameter, with_files, with_priority) in [
        ("tls-certificates=/x", false, true),
        ("TLS-PSK-File=/x", false, true),
        ("tls-priority=NORMAL", true, false),
        ("tls-hostname=x", true, true),
        ("tls-verify-peer=0", true, true),
    ] {
        let uri = format!("nbd://host/?{parameter}");
        assert_eq!(result(&uri, &files), expected(with_files), "{uri}");
        assert_eq!(result(&uri, &priority), expected(with_priority), "{uri}");
    }
}

/// If there are several faults, the first in this order is reported.
#[test]
fn order_of_checks() {
    let strict = Rules {
        transports: 0,
        tls: TlsRule::Never,
        ..Rules::default()
    };
    let no_tls = Rules {
        tls: TlsRule::Never,
        ..Rules::default()
    };
    let usual = Rules::default();
    for (uri, rules, errno) in [
        // Syntax, scheme and `//` come before what is allowed.
        ("nbds://ho st/", &strict, EINVAL),
        ("http://host/", &strict, EINVAL),
        ("nbds:x", &strict, EINVAL),
        // The transport and TLS come before the socket.
        ("nbd://host/?socket=/s", &strict, EPERM),
        ("nbds://host/?socket=/s", &no_tls, EPERM),
        // The socket comes before the parameters.
        ("nbds://host/?socket=/s", &usual, EINVAL),
        ("nbds+unix:///?tls-psk-file=/x", &usual, EINVAL),
        // The parameters are in the order of the URI.
        (
            "nbds://host/?tls-psk-file=/x&tls-verify-peer=?",
            &usual,
            EPERM,
        ),
        (
            "nbds://host/?tls-verify-peer=?&tls-psk-file=/x",
            &usual,
            EINVAL,
        ),
    ] {
        assert_eq!(try_plan(uri, rules).unwrap_err(), errno, "{uri}");
    }
    let long_name = "x".repeat(4097);
    let uri = format!("nbd://host/{long_name}?tls-psk-file=/x");
    assert_eq!(try_plan(uri, &usual).unwrap_err(), EPERM);
}

#[test]
fn texts_that_look_like_uris() {
    for (text, expected) in [
        ("nbd://", true),
        ("NBDS+Unix://", true),
        ("nbds+vsock://anything at all \u{e9}", true),
        ("nbd+ssh://", true),
        ("nbds+ssh://", true),
        ("", false),
        ("nbd", false),
        ("nbd:", false),
        ("nbd:/", false),
        ("nbd:/x://", false),
        (" nbd://", false),
        ("http://", false),
        ("nbd+tcp://", false),
        ("nbdx://", false),
        ("nbd.img", false),
        ("/nbd://", false),
        ("://", false),
    ] {
        assert_eq!(is_uri(text.as_bytes()), expected, "{text}");
    }
    assert!(!is_uri(b"\xff://"));
}

fn again(plan: &Plan) -> Result<String, i32> {
    compose(&plan.place, &plan.export_name, &plan.tls).map_err(|error| error.errno())
}

#[test]
fn uris_come_back_as_they_were() {
    for uri in [
        "nbd://host:10809/",
        "nbds://anna@host:1/x",
        "nbd://HOST:1/",
        "nbd://[::1]:10809/x",
        "nbd://[0:0::1]:10809/x",
        "nbd://[fe80::1%eth0]:10809/x",
        "nbd://[fe80::1%4]:10809/x",
        // What is not an address does not stand in brackets.
        "nbd://a%3Ab%2Fc:1/x",
        "nbd://%3A%3A1%2F:1/x",
        "nbd://[fe80::1%2510]:10809/x",
        "nbd://[fe80::1%25254]:10809/x",
        "nbd://[fe80::1%25fa0]:10809/x",
        "nbd://[fe80::1%br-0.1~x]:10809/x",
        "nbd://[fe80::1%a%25b%5D]:10809/x",
        "nbd://host:1//x",
        "nbd://host:1/a/../b//c",
        "nbd://host:1/a%20b%3A%3F%23%25%FF",
        "nbd://host:1/-_.!~*'()/;@&=+$,",
        "nbd+unix:///?socket=/run/s",
        "nbds+unix://anna@/x?socket=/run/s",
        "nbd+unix:///?socket=/a%20b%26c%3Bd%2Be%3Df%23g%25h",
        "nbd+vsock://2:10809/",
        "nbds+vsock://3:2147483647/x",
        "nbd://host:1/?tls-certificates=/pki",
        "nbds://a%40b%2Fc:d@host:1/x?tls-certificates=/pki&tls-psk-file=/psk&\
         tls-hostname=other&tls-verify-peer=false&tls-priority=NORMAL:-VERS-ALL",
    ] {
        assert_eq!(again(&planned(uri)).as_deref(), Ok(uri));
    }
}

#[test]
fn uris_come_back_in_their_usual_form() {
    for (uri, usual) in [
        ("nbd://", "nbd://localhost:10809/"),
        ("NBDS://host", "nbds://host:10809/"),
        ("nbd://h%6Fst/%41", "nbd://host:10809/A"),
        ("nbd://h%20st/", "nbd://h%20st:10809/"),
        ("nbd://host/a:b#c", "nbd://host:10809/a%3Ab"),
        ("nbd+vsock://", "nbd+vsock://2:10809/"),
        (
            "nbd+unix://host/x?tls-hostname=h&unknown&Socket=s",
            "nbd+unix:///x?socket=s&tls-hostname=h",
        ),
        ("nbd://host/?tls-verify-peer=1", "nbd://host:10809/"),
        (
            "nbd://host/?tls-hostname=a+b",
            "nbd://host:10809/?tls-hostname=a%2Bb",
        ),
    ] {
        assert_eq!(again(&planned(uri)).as_deref(), Ok(usual), "{uri}");
    }
}

/// The name of an export means the same in a URI, whatever it is.
#[test]
fn every_byte_survives() {
    for byte in 1..=255u8 {
        let name = CString::new([b'x', byte, b'y']).unwrap();
        let path = CString::new([b'/', b's', byte]).unwrap();
        let place = Place::Address(SocketAddress::unix(path.to_bytes()).unwrap());
        let tls = TlsParameters {
            username: Some(name.clone()),
            hostname: Some(name.clone()),
            ..TlsParameters::default()
        };
        let uri = compose(&place, &name, &tls).unwrap();
        let plan = planned(&uri);
        assert_eq!(shown(&plan.place), shown(&place), "{uri}");
        assert_eq!(plan.export_name, name, "{uri}");
        assert_eq!(plan.tls, tls, "{uri}");
    }
}

#[test]
fn places_without_a_uri() {
    let address =
        |family, fields: &[u8]| Place::Address(SocketAddress::of_family(family, fields).unwrap());
    for (place, errno) in [
        (
            Place::Command(Argv::new(vec![c"server".to_owned()]).unwrap()),
            EINVAL,
        ),
        (address(libc::AF_UNIX, b"\0x"), EPROTONOSUPPORT),
        (address(libc::AF_UNIX, b""), EPROTONOSUPPORT),
        (address(0xfff0, &[0, 0]), EAFNOSUPPORT),
    ] {
        let error = compose(&place, c"", &TlsParameters::default()).unwrap_err();
        assert_eq!(error.errno(), errno, "{place:?}");
    }
}

#[test]
fn addresses_have_numeric_uris() {
    let uri = |family, fields: &[u8]| {
        let place = Place::Address(SocketAddress::of_family(family, fields).unwrap());
        compose(&place, c"x", &TlsParameters::default()).unwrap()
    };
    let four = [0x2a, 0x39, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(uri(libc::AF_INET, &four), "nbd://127.0.0.1:10809/x");
    let mut six = [0; 26];
    six[..2].copy_from_slice(&80u16.to_be_bytes());
    six[21] = 1;
    assert_eq!(uri(libc::AF_INET6, &six), "nbd://[::1]:80/x");
    six[6..8].copy_from_slice(&[0xfe, 0x80]);
    six[22..].copy_from_slice(&1u32.to_ne_bytes());
    assert_eq!(uri(libc::AF_INET6, &six), "nbd://[fe80::1%lo]:80/x");
}
