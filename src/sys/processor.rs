//! What the processor can do.

/// Whether the processor has instructions for AES, which make it faster than its
/// alternative.
pub fn has_fast_aes() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return std::arch::is_x86_feature_detected!("aes")
        && std::arch::is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(all(target_os = "linux", target_arch = "s390x"))]
    {
        /// The message-security assist.
        const HWCAP_S390_MSA: libc::c_ulong = 1 << 3;
        capability(libc::AT_HWCAP, HWCAP_S390_MSA)
    }
    #[cfg(all(target_os = "linux", target_arch = "powerpc64"))]
    {
        /// The vector instructions for cryptography, of POWER8 and later.
        const PPC_FEATURE2_VEC_CRYPTO: libc::c_ulong = 0x0200_0000;
        capability(libc::AT_HWCAP2, PPC_FEATURE2_VEC_CRYPTO)
    }
    #[cfg(all(target_os = "linux", target_arch = "arm"))]
    {
        /// Of a 64-bit processor that runs a 32-bit program.
        const HWCAP2_AES: libc::c_ulong = 1;
        capability(libc::AT_HWCAP2, HWCAP2_AES)
    }
    #[cfg(not(any(
        target_arch = "x86",
        target_arch = "x86_64",
        target_arch = "aarch64",
        all(
            target_os = "linux",
            any(target_arch = "s390x", target_arch = "powerpc64", target_arch = "arm")
        )
    )))]
    false
}

/// Whether the kernel reports a capability of the processor.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "s390x", target_arch = "powerpc64", target_arch = "arm")
))]
fn capability(word: libc::c_ulong, bit: libc::c_ulong) -> bool {
    // SAFETY: no memory is involved; an unknown word is zero.
    let capabilities = unsafe { libc::getauxval(word) };
    capabilities & bit != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel says the same in a file.
    #[test]
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    fn the_kernel_agrees_about_aes() {
        let description = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let has = |wanted| description.split_whitespace().any(|flag| flag == wanted);
        assert_eq!(has_fast_aes(), has("aes") && has("pclmulqdq"));
    }

    /// Every one that Rust has ever run on.
    #[test]
    #[cfg(all(target_os = "linux", target_arch = "s390x"))]
    fn mainframes_have_aes() {
        assert!(has_fast_aes());
    }
}
