//! The XDP program of a link.

use netlink_packet_route::link::{LinkXdp, XdpAttached};

/// An XDP program on a link. Where there are two, in driver and device, this is the driver's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Xdp {
    /// Who runs it.
    pub mode: XdpMode,
    /// The kernel's number for the program.
    pub program_id: u32,
}

/// Who runs an XDP program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum XdpMode {
    /// The driver, before there is a socket buffer (`xdpdrv`).
    Native,
    /// The network stack, for any device (`xdpgeneric`).
    Generic,
    /// The device (`xdpoffload`).
    Offloaded,
}

/// `None` where there is none.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the flags and descriptors are of requests alone"
)]
pub(super) fn parse(attributes: &[LinkXdp]) -> Option<Xdp> {
    let (mut attached, mut any) = (XdpAttached::None, None);
    let (mut native, mut generic, mut offloaded) = (None, None, None);
    for attribute in attributes {
        match attribute {
            LinkXdp::Attached(how) => attached = *how,
            LinkXdp::ProgId(id) => any = Some(*id),
            LinkXdp::DrvProgId(id) => native = Some(*id),
            LinkXdp::SkbProgId(id) => generic = Some(*id),
            LinkXdp::HwProgId(id) => offloaded = Some(*id),
            _ => {}
        }
    }
    let by_mode = [
        (XdpMode::Native, XdpAttached::Driver, native),
        (XdpMode::Generic, XdpAttached::SocketBuffer, generic),
        (XdpMode::Offloaded, XdpAttached::Hardware, offloaded),
    ];
    // Kernels that tell no program by its mode tell the only one there is.
    by_mode.into_iter().find_map(|(mode, alone, id)| {
        let program_id = id.or(any.filter(|_| attached == alone))?;
        Some(Xdp { mode, program_id })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_of_an_xdp_program_is_told_by_its_attribute() {
        for (how, id, mode) in [
            (XdpAttached::Driver, LinkXdp::DrvProgId(7), XdpMode::Native),
            (
                XdpAttached::SocketBuffer,
                LinkXdp::SkbProgId(7),
                XdpMode::Generic,
            ),
            (
                XdpAttached::Hardware,
                LinkXdp::HwProgId(7),
                XdpMode::Offloaded,
            ),
        ] {
            let expected = Some(Xdp {
                mode,
                program_id: 7,
            });
            let attached = LinkXdp::Attached(how);
            assert_eq!(parse(&[attached.clone(), LinkXdp::ProgId(7), id]), expected);
            assert_eq!(parse(&[attached, LinkXdp::ProgId(7)]), expected);
        }
        assert_eq!(parse(&[LinkXdp::Attached(XdpAttached::None)]), None);
        let both = [
            LinkXdp::Attached(XdpAttached::Multiple),
            LinkXdp::HwProgId(8),
            LinkXdp::DrvProgId(7),
        ];
        let expected = Xdp {
            mode: XdpMode::Native,
            program_id: 7,
        };
        assert_eq!(parse(&both), Some(expected));
    }
}
