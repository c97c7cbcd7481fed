//! An event as it is printed.

use std::io::{self, Write};

use nix::time::{ClockId, clock_gettime};
use pseudobridge_common::abi::{Event, Reason};
use serde::Serialize;

use super::packet;
use crate::output::Report;

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// Whose interface an event is of.
#[derive(Clone, Debug, Default)]
pub(super) struct Whose {
    /// The pod's name; none for an uplink, and for an interface that is gone.
    pub(super) pod: Option<String>,
    pub(super) network: Option<String>,
    pub(super) interface: Option<String>,
}

/// One line.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    /// When, in UTC (RFC 3339).
    time: String,
    pod: Option<String>,
    network: Option<String>,
    interface: Option<String>,
    ifindex: u32,
    reason: &'static str,
    /// What became of the packet.
    verdict: &'static str,
    /// Bytes of the frame, Ethernet header included.
    length: u32,
    /// Frames that this CPU has counted for the same reason, this one included.
    packets: u64,
    /// The packet in words.
    packet: String,
}

impl Line {
    /// An event, `clock` being [`Clock::now`].
    pub(super) fn of(event: &Event, whose: Whose, clock: &Clock) -> Self {
        let length = usize::from(event.head_len);
        let head = event.head.get(..length).unwrap_or(&event.head);
        Self {
            time: clock.wall(event.time),
            pod: whose.pod,
            network: whose.network,
            interface: whose.interface,
            ifindex: event.ifindex,
            reason: event.reason.as_str(),
            verdict: verdict(event.reason),
            length: event.wire_len,
            packets: event.packets,
            packet: packet::describe(head),
        }
    }
}

impl Report for Line {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let time = self.time.split_once('T');
        let time = time.map_or(self.time.as_str(), |(_, time)| time.trim_end_matches('Z'));
        let pod = self.pod.as_deref().unwrap_or("-");
        let index = || format!("#{}", self.ifindex);
        let interface = self.interface.clone().unwrap_or_else(index);
        let Self {
            reason,
            verdict,
            length,
            packet,
            ..
        } = self;
        writeln!(
            out,
            "{time}  {pod}  {interface}  {reason} ({verdict})  {length} bytes  {packet}"
        )
    }
}

/// How far the time of day is ahead of the kernel's time since boot.
pub(super) struct Clock {
    ahead: u64,
}

impl Clock {
    /// As it is now: the time of day can be set at any moment.
    pub(super) fn now() -> nix::Result<Self> {
        let nanoseconds = |clock| {
            let time = clock_gettime(clock)?;
            let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
            let rest = u64::try_from(time.tv_nsec()).unwrap_or_default();
            Ok(seconds * SECOND + rest)
        };
        let wall: u64 = nanoseconds(ClockId::CLOCK_REALTIME)?;
        let monotonic = nanoseconds(ClockId::CLOCK_MONOTONIC)?;
        Ok(Self {
            ahead: wall.saturating_sub(monotonic),
        })
    }

    /// A time since boot as one of day, in UTC, to the millisecond.
    fn wall(&self, since_boot: u64) -> String {
        let time = since_boot.saturating_add(self.ahead);
        let (seconds, milliseconds) = (time / SECOND, time % SECOND / 1_000_000);
        let (year, month, day) = date(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        format!(
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z"
        )
    }
}

/// The date of a day, counted from 1970-01-01, in the Gregorian calendar. Years begin in March
/// here, so that the leap day is the last one.
fn date(days: u64) -> (u64, u64, u64) {
    // Since 0000-03-01.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = match month {
        0..10 => (month + 3, 0),
        _ => (month - 9, 1),
    };
    (era * 400 + year + later, month, day)
}

/// What becomes of the packets that meet a reason and have events.
fn verdict(reason: Reason) -> &'static str {
    match reason {
        Reason::ArpConflict | Reason::NdConflict => "reply",
        Reason::VlanStacked
        | Reason::SpoofedEthernetSource
        | Reason::Isolated
        | Reason::SpoofedArpMac
        | Reason::SpoofedArpAddress
        | Reason::ArpOwnAddress
        | Reason::ArpUnknownDropped
        | Reason::SpoofedIpv4Source
        | Reason::Ipv4UnknownDropped
        | Reason::SpoofedIpv6Source
        | Reason::Ipv6UnknownDropped
        | Reason::NdUnchecked
        | Reason::SpoofedNdMac
        | Reason::SpoofedNdTarget
        | Reason::NdRouterAdvertisement
        | Reason::NdRedirect
        | Reason::NdOwnAddress
        | Reason::NdUnknownDropped
        | Reason::SpoofedUplinkSource => "drop",
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the documentation of each reason says so, and is tested against"
        )]
        _ => "punt",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASONS: &str = include_str!("../../../../pseudobridge-common/src/abi/reason.rs");

    #[test]
    fn verdicts_are_those_of_the_documentation() {
        for reason in Reason::ALL {
            let variant = format!("    {reason:?} = ");
            let (before, _) = REASONS.split_once(&variant).expect("a variant");
            let (_, documented) = before.rsplit_once('(').expect("a verdict in its line");
            let (documented, _) = documented.split_once(')').expect("the end of it");
            let has_events = match documented {
                "punt" | "drop" => true,
                _ => matches!(reason, Reason::ArpConflict | Reason::NdConflict),
            };
            if has_events {
                assert_eq!(verdict(reason), documented, "{reason}");
            }
        }
    }

    #[test]
    fn days_have_their_dates() {
        for (days, expected) in [
            (0, (1970, 1, 1)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (20_453, (2025, 12, 31)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(date(days), expected, "{days}");
        }
    }

    #[test]
    fn times_are_of_day() {
        let clock = Clock {
            ahead: 1_700_000_000 * SECOND,
        };
        assert_eq!(clock.wall(1_002_999_999), "2023-11-14T22:13:21.002Z");
    }
}
