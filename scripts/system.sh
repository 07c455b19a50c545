# shellcheck shell=bash
# For scripts that install the packages in a temporary system, underneath Debian's
# programs.  They set `root`, the directory of that system, and `directory`, a
# temporary one, and source tally.sh before this file.

: "${root:?}" "${directory:?}"

# A mirror may be older than its lists are valid.  They are signed all the same.
bootstrap() { # RELEASE
    mmdebstrap --quiet --variant=apt --dpkgopt=force-unsafe-io \
        '--aptopt=Acquire::Check-Valid-Until "false"' "$1" "$root" &&
        mkdir "$root/debs" && inside apt-get update --quiet
}

inside() { # COMMAND...
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive "http_proxy=${http_proxy:-}" "https_proxy=${https_proxy:-}" \
        "$@"
}

apt_install() { # ARGUMENT...
    inside apt-get install --yes --no-install-recommends "$@"
}

# The version of the C library in that system's release, which is not ours.
theirs() {
    inside apt-cache madison libnbd0 | cut -d '|' -f 2 | tr -d ' ' | grep -v '+rs' | head -n 1
}

installed() { # VERSION PACKAGE...
    local expected=$1
    shift
    inside dpkg --list "$@" | tee "$directory/installed"
    [ "$(awk -v version="$expected" '/^ii / && $3 == version' "$directory/installed" | wc -l)" -eq $# ]
}

# Every package is configured, every dependency is satisfied, and an upgrade of
# the system would not replace our packages.
consistent() {
    inside dpkg --audit > "$directory/audit" && [ ! -s "$directory/audit" ] &&
        inside apt-get check &&
        inside apt-get --simulate dist-upgrade > "$directory/upgrade" || return
    cat "$directory/upgrade"
    ! grep '^[A-Z][a-z]* libnbd' "$directory/upgrade"
}

prints() { # EXPECTED COMMAND...
    local expected=$1 printed
    shift
    printed=$(inside timeout 60 "$@")
    printf 'expected: %s\nprinted:  %s\n' "$expected" "$printed"
    [ "$printed" = "$expected" ]
}

install_dependants() {
    apt_install libnbd-bin python3-libnbd nbdkit fio libnbd-ocaml-dev gcc libc6-dev
}

# What the packages above contain works.
programs_work() { # WHEN VERSION
    local when=$1
    check "$when: nbdinfo" prints 67108864 \
        nbdinfo --size -- [ nbdkit memory 64M ]
    check "$when: nbdcopy" prints 'the same' sh -c 'nbdcopy -- [ nbdkit pattern 10M ] /disk &&
        nbdcopy -- /disk [ nbdkit memory 10M ] && echo the same'
    check "$when: nbdsh" prints "$2" nbdsh -c 'print(h.get_version())'
    # shellcheck disable=SC2016  # nbdkit sets $uri.
    check "$when: nbd plugin of nbdkit" prints 1048576 nbdkit -U - nbd command=nbdkit \
        arg=memory arg=1M --run 'nbdinfo --size $uri'
    # shellcheck disable=SC2016
    check "$when: fio" prints 'read again' nbdkit -U - memory 16M --run 'fio --name=job \
        --ioengine=nbd --uri="$uri" --size=16M --rw=randwrite --bs=4k --iodepth=16 \
        --verify=crc32c --verify_fatal=1 --output=/dev/null && echo read again'
    check "$when: OCaml" prints "$2: 1048576 bytes" sh -c 'cd /tmp && ocamlopt -I +unix -I +nbd \
        unix.cmxa mlnbd.cmxa size.ml -o size && ./size nbdkit -s --exit-with-parent memory 1M'
}

# A client in OCaml for the test above.
ocaml_client() {
    cat > "$root/tmp/size.ml" << 'END'
let () =
  let nbd = NBD.create () in
  NBD.connect_command nbd (List.tl (Array.to_list Sys.argv));
  Printf.printf "%s: %Ld bytes\n" (NBD.get_version nbd) (NBD.get_size nbd);
  NBD.shutdown nbd;
  NBD.close nbd
END
}

# ------------------------------------------------------ what a package promises

provides() { # DEB DEPENDENCY
    dpkg-deb --field "$1" Provides | tr , '\n' | sed 's/^ //' | grep -xF "$2"
}

# The oldest supported release has glibc 2.36.
runs_on_old_glibc() { # DEB
    local newest
    newest=$(dpkg-deb --fsys-tarfile "$1" | tar --extract --to-stdout --wildcards './usr/lib/*/libnbd.so.0.0.0' > \
        "$directory/library" && objdump -T "$directory/library" | grep -o 'GLIBC_[0-9][0-9.]*' | sort -uV | tail -n 1)
    echo "needs $newest"
    [ -n "$newest" ] && dpkg --compare-versions "${newest#GLIBC_}" le 2.36
}

# What lintian warns of is a matter of taste.  check-man.sh looks at the manual, and
# does so faster.
without_lintian_errors() { # DEB...
    lintian --allow-root --fail-on error --tag-display-limit 0 --dont-check-part documentation/manual "$@"
}
