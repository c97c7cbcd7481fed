//! The Internet checksum (RFC 1071) and its incremental update (RFC 1624).

/// The sum of some bytes, to be added to others' and [folded](fold).
///
/// The sum does not depend on byte order (RFC 1071 section 2(B)), so it adds native 32-bit words.
/// `N` must be a multiple of 4.
#[inline(always)]
#[must_use]
pub fn words<const N: usize>(bytes: &[u8; N]) -> u64 {
    const { assert!(N.is_multiple_of(4)) };
    let mut total = 0;
    let mut offset = 0;
    while offset < N {
        let word = [
            bytes[offset],
            bytes[offset + 1],
            bytes[offset + 2],
            bytes[offset + 3],
        ];
        total += u64::from(u32::from_ne_bytes(word));
        offset += 4;
    }
    total
}

/// Folds a sum into 16 bits, carries added, in network byte order as [`words`] are: 0xffff over
/// bytes whose checksum field is right.
#[inline(always)]
#[must_use]
pub fn fold(sum: u64) -> u16 {
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    fold_words((sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32))
}

/// The checksum after one 16-bit word under it changed from `before` to `after`.
///
/// All three in host byte order. Equation 3 of RFC 1624, which is right where equation 4 of
/// RFC 1141 gives -0.
#[inline(always)]
#[must_use]
pub fn updated(checksum: u16, before: u16, after: u16) -> u16 {
    !fold_words(u64::from(!checksum) + u64::from(!before) + u64::from(after))
}

/// Folds a sum of a few 16-bit words back into one, carries added.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "two folds leave 16 bits of any sum under 2^32"
)]
fn fold_words(sum: u64) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 1071 as it is written: 16 bits at a time, most significant byte first.
    fn reference(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair[1]]));
        }
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        u16::try_from(sum).unwrap()
    }

    #[test]
    fn follows_the_example_of_rfc_1624() {
        // Section 4: HC = 0xdd2f, m = 0x5555, m' = 0x3285 gives 0x0000, not 0xffff.
        assert_eq!(updated(0xdd2f, 0x5555, 0x3285), 0x0000);
    }

    proptest! {
        #[test]
        fn sum_equals_the_reference(bytes: [u8; 20]) {
            // Native byte order on the one side, network order on the other.
            prop_assert_eq!(fold(words(&bytes)), reference(&bytes).to_be());
        }

        #[test]
        fn update_equals_a_full_sum(mut bytes: [u8; 20], word in 0usize..10, value: u16) {
            prop_assume!(word != 5);
            bytes[10..12].fill(0);
            let before = u16::from_be_bytes([bytes[2 * word], bytes[2 * word + 1]]);
            let checksum = !reference(&bytes);
            bytes[2 * word..2 * word + 2].copy_from_slice(&value.to_be_bytes());
            // A header of nothing but zeros does not exist (its version is 4).
            prop_assume!(bytes.iter().any(|byte| *byte != 0));
            prop_assert_eq!(updated(checksum, before, value), !reference(&bytes));
        }
    }
}
